// Package kqueue is kqueue(2) of the BSDs and macOS on Linux, for tests: it lets the
// poller that those systems use run where there is no such kernel. No production
// program contains it. Package poller imports it in builds with the tag
// kqueue_emulation alone.
//
// It is written from the manuals of FreeBSD, macOS, NetBSD, OpenBSD and DragonFly, and
// not compared with a real kernel: what passes here is right by the manuals. Where the
// systems differ, a [System] says how each of them behaves.
//
// # How it works
//
// As in the kernels, a change of the condition of a descriptor only queues the events
// that are registered for it, and a filter decides when they are collected whether
// they are reported. What queues them are the edges of two epolls, one for what can be
// read and one for what can be written; the filters ask poll(2). An event that is
// reported stays in the queue unless it has EV_CLEAR, EV_ONESHOT or EV_DISPATCH.
//
// # What is not emulated
//
//   - EVFILT_AIO, EVFILT_EXCEPT, EVFILT_FS, EVFILT_PROC, EVFILT_SIGNAL, EVFILT_VNODE
//     and absolute timers are refused with EINVAL.
//   - A descriptor that was closed and then made anew of a duplicate of itself keeps
//     its events: Linux cannot tell it from the one that was there before.
//   - The error of a socket in fflags is ECONNRESET for one that was connected, and
//     otherwise ECONNREFUSED: Linux tells only who takes it away.
//   - A write event with EV_CLEAR comes again only after there was no room, while the
//     kernels report each time that something has left.
//   - An append to a regular file does not end a wait.
//   - The numbers of filters and flags are those of macOS; package poller has
//     NetBSD's types, whose filters count from zero.
//   - A kqueue cannot be watched by poll(2) or by another kqueue.
//
// # Files
//
//	event_linux.go    events, with the values of their filters and flags
//	system_linux.go   what differs between the systems
//	queue_linux.go    queues, changes and waiting
//	knote_linux.go    registered events, and what they are registered for
//	filter_linux.go   when an event is reported, and with which data
package kqueue
