// Package poller waits for descriptors to become ready. Each kernel interface
// is one file with one type, and all of them have the shape of [Poller]: the
// event package sees nothing else. To find out how epoll is driven, open
// epoll_linux.go.
//
// A poller keeps no record of events. The event package merges
// the interests of all events on a descriptor into one [Interest] and calls
// Update when that changes.
//
// # How all of them wait
//
// Wait asks what is ready now, where possible without entering the system call
// through the Go runtime: that is how most waits of a busy loop end. If nothing is
// ready, it lets other goroutines run ([Deadline] says when), one of which often is
// what makes a descriptor ready, and only then blocks the thread or parks the
// goroutine. Each file spells this out, because a function for all would call its
// steps by way of an interface, in each iteration of each loop.
//
// # A new interface
//
// It takes a file with a type that implements Poller, a [Method] that opens it, and
// a place in the list of methods_*.go. The conformance tests then run it.
//
// # kqueue on Linux
//
// With the build tag kqueue_emulation, Linux has kqueue_bsd.go too, on the emulation of
// package kqueue in place of a kernel. It is the file that macOS and the BSDs run, and
// all that it needs of them stands in kqueue_sys_bsd.go and in the files for parts of
// them, for which the tag puts kqueue_emulated*.go. kqueue is the first method then, so
// that the tests of the packages above run on it as well:
//
//	go test -tags kqueue_emulation ./...                     as on macOS
//	KQUEUE_SYSTEM=freebsd go test -count=1 -tags kqueue_emulation ./...
//	                                                         or as on dragonfly
//	go test -tags kqueue_emulation,kqueue_netbsd ./...       with NetBSD's types
//	go test -tags kqueue_emulation,kqueue_openbsd ./...
//
// Builds without the tag contain nothing of it. docs/backends.md says what no real
// system has confirmed.
//
// # Files
//
//	poller.go      Poller, its options, and the conditions to wait for
//	deadline.go    the clock, and when a wait ends
//	methods_*.go   the interfaces of each platform, best first
//	epoll_linux.go epoll, and waiting in a thread of its own
//	epoll_park_linux.go        waiting for epoll in the runtime's network poller
//	epoll_changelist_linux.go  epoll with changes gathered
//	kqueue_bsd.go  kqueue
//	kqueue_sys_bsd.go kqueue_user_bsd.go  what the kernel has for it
//	kqueue_raw.go kqueue_libc.go  its call that does not wait
//	kqueue_emulated*.go  an emulation in place of the kernel, for tests
//	kqueue_wake_*.go  what wakes it up: an event of its own, or a pipe
//	evport_solaris.go devpoll_solaris.go libc_solaris.go  event ports and /dev/poll
//	poll_unix.go poll_linux.go poll_millis.go  poll, with what blocks by platform
//	select_unix.go select_linux.go select_timeval.go  select, likewise
//	wepoll_windows.go afd_windows.go  readiness from Windows' socket driver
//	select_windows.go  select on Windows
//	wake.go        the channel that wakes up a wait
//	alarm_*.go timerfd_linux.go timeout_unix.go  timeouts in the form of the kernel
//	retry_unix.go descriptor_unix.go  interrupted calls, and descriptors that are closed
//	sysmon_*.go    waking up the scheduler's monitor
package poller
