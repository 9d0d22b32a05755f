package poller

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/go-libevent/libevent/core/internal/evlog"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

var epollMethod = Method{
	Name:     "epoll",
	Features: FeatureET | FeatureO1 | FeatureEarlyClose,
	Env:      "EPOLL",
	Open:     openEpoll,
}

// Bounds of the buffer that epoll_wait fills. It doubles each time it comes
// back full, so that a busy server asks for many events at once and an idle
// one holds little memory.
const (
	minEpollEvents = 32
	maxEpollEvents = 4096
)

// epoll drives Linux's epoll(7).
//
// Most waits of a busy loop are answered by epoll_wait with a timeout of zero
// as a raw system call, which costs the Go scheduler nothing. Only when that
// finds nothing does the waiter put the goroutine or its thread to rest.
type epoll struct {
	fd     int
	buf    []unix.EpollEvent
	waiter epollWaiter
}

// An epollWaiter waits for an epoll descriptor in one of two ways: by parking the
// goroutine in the runtime's network poller, or by blocking the thread.
type epollWaiter interface {
	// wait waits until the epoll descriptor has events, wake is called or
	// deadline has passed, and returns what poll then finds.
	wait(ep *epoll, deadline Deadline) (int, error)
	wake() error
	// consumeWake reports whether fd is a descriptor of the waiter's own and, if
	// so, makes it ready for the next wait.
	consumeWake(fd int) bool
	close() error
}

func openEpoll(o Options) (Poller, error) { return openEpollOn(epollCreate, o) }

// openEpollOn makes a Poller of a descriptor that create makes. If the
// runtime's poller refuses that, another one is waited for in the other way.
func openEpollOn(create func() (int, error), o Options) (Poller, error) {
	ep, err := newEpoll(create, o)
	if errors.Is(err, os.ErrNoDeadline) {
		evlog.Logf(evlog.Debug, "epoll: the runtime's poller refuses the descriptor: waits block their thread")
		o.BlockThread = true
		ep, err = newEpoll(create, o)
	}
	if err != nil {
		return nil, err
	}
	if o.Changelist {
		return &epollChangelist{epoll: ep}, nil
	}
	return ep, nil
}

func epollCreate() (int, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return fd, os.NewSyscallError("epoll_create1", err)
}

func newEpoll(create func() (int, error), o Options) (*epoll, error) {
	fd, err := create()
	if err != nil {
		return nil, err
	}
	s, err := newEpollWaiter(fd, o)
	if err != nil {
		return nil, err
	}
	return &epoll{fd: fd, buf: make([]unix.EpollEvent, minEpollEvents), waiter: s}, nil
}

// newEpollWaiter parks unless the loop owns its thread or asks for fine timeouts
// without a timerfd, which only epoll_pwait2 in a blocked thread can give. The
// waiter owns the epoll descriptor, which is closed if there is none. The
// error is os.ErrNoDeadline if the runtime's poller refuses the descriptor.
func newEpollWaiter(epfd int, o Options) (epollWaiter, error) {
	if o.BlockThread || o.PreciseTimer && o.DisallowTimerFD {
		return newThreadWaiter(epfd, o)
	}
	return newParkWaiter(epfd, o)
}

func (ep *epoll) Method() *Method { return &epollMethod }
func (ep *epoll) Flush() error    { return nil }
func (ep *epoll) Wake() error     { return ep.waiter.wake() }
func (ep *epoll) Close() error    { return ep.waiter.close() }

func (ep *epoll) Update(fd int, old, new Interest) error {
	return epollControl(ep.fd, fd, old, new)
}

// epollControl makes the kernel's set hold new instead of old for fd. What the
// kernel has can differ from old, because closing the last copy of a
// descriptor removes it silently; that is repaired here rather than reported.
func epollControl(epfd, fd int, old, new Interest) error {
	if fd < 0 {
		return opError("epoll_ctl", fd, unix.EBADF)
	}
	ev := unix.EpollEvent{Events: epollBits(new), Fd: int32(fd)}
	switch {
	case new == 0:
		err := epollCtl(epfd, unix.EPOLL_CTL_DEL, fd, &ev)
		if err == unix.ENOENT || err == unix.EBADF || err == unix.EPERM {
			return nil // closed, or closed and reused: nothing is watched
		}
		return epollError("del", fd, err)
	case old == 0:
		err := epollCtl(epfd, unix.EPOLL_CTL_ADD, fd, &ev)
		if err == unix.EEXIST {
			// A copy of a descriptor that was closed under this number
			// keeps the old registration alive.
			err = epollCtl(epfd, unix.EPOLL_CTL_MOD, fd, &ev)
		}
		return epollError("add", fd, err)
	default:
		err := epollCtl(epfd, unix.EPOLL_CTL_MOD, fd, &ev)
		if err == unix.ENOENT {
			err = epollCtl(epfd, unix.EPOLL_CTL_ADD, fd, &ev)
		}
		return epollError("mod", fd, err)
	}
}

func epollCtl(epfd, op, fd int, ev *unix.EpollEvent) error {
	return retryError(func() error { return unix.EpollCtl(epfd, op, fd, ev) })
}

func epollError(op string, fd int, err error) error {
	if err == nil {
		return nil
	}
	return opError("epoll_ctl "+op, fd, err)
}

func (ep *epoll) Wait(deadline Deadline, events []Event) (ready []Event, yielded bool, err error) {
	n, err := ep.poll()
	if n == 0 && err == nil && deadline != Now {
		yielded = true
		n, err = ep.waiter.wait(ep, deadline)
	}
	if err != nil {
		return events, yielded, fmt.Errorf("epoll_wait: %w", err)
	}
	return ep.collect(n, events), yielded, nil
}

// poll asks for what is ready now. It does not tell the scheduler, so it must
// never block. An interrupted call is repeated: the parked goroutine is told of
// each event once, and must not take an interruption for "nothing".
func (ep *epoll) poll() (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep.fd),
			uintptr(unsafe.Pointer(&ep.buf[0])), uintptr(len(ep.buf)), 0, 0, 0)
		if errno != unix.EINTR {
			return epollResult(n, errno)
		}
	}
}

func epollResult(n uintptr, errno unix.Errno) (int, error) {
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR:
		return 0, nil
	default:
		return 0, errno
	}
}

// collect translates the first n entries of the buffer.
func (ep *epoll) collect(n int, events []Event) []Event {
	for i := range ep.buf[:n] {
		e := &ep.buf[i]
		if ep.waiter.consumeWake(int(e.Fd)) {
			continue
		}
		events = append(events, Event{FD: int(e.Fd), Ready: epollReady(e.Events)})
	}
	if n == len(ep.buf) && n < maxEpollEvents {
		ep.buf = make([]unix.EpollEvent, 2*n)
	}
	return events
}

func epollBits(in Interest) uint32 {
	var bits uint32
	if in&Read != 0 {
		bits |= unix.EPOLLIN
	}
	if in&Write != 0 {
		bits |= unix.EPOLLOUT
	}
	if in&Closed != 0 {
		bits |= unix.EPOLLRDHUP
	}
	if in&Edge != 0 {
		bits |= unix.EPOLLET
	}
	return bits
}

// epollReady makes an error or a full hangup ready in every way: whichever
// condition is watched, its owner must learn of it, or the loop would spin.
func epollReady(bits uint32) Interest {
	if bits&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		return Conditions
	}
	var in Interest
	if bits&unix.EPOLLIN != 0 {
		in |= Read
	}
	if bits&unix.EPOLLOUT != 0 {
		in |= Write
	}
	if bits&unix.EPOLLRDHUP != 0 {
		in |= Closed
	}
	return in
}

// threadWaiter blocks the calling thread in epoll_wait. The runtime hands
// the processor to other goroutines meanwhile. An eventfd wakes it.
type threadWaiter struct {
	epfd    int
	waker   *waker
	precise bool
}

func newThreadWaiter(epfd int, o Options) (epollWaiter, error) {
	w, err := newWaker()
	if err != nil {
		_ = sysio.Close(epfd) // the error that counts is the first
		return nil, err
	}
	s := &threadWaiter{epfd: epfd, waker: w, precise: o.PreciseTimer}
	if err := epollControl(epfd, w.fd(), 0, Read); err != nil {
		_ = s.close() // it is closed in any case
		return nil, err
	}
	return s, nil
}

func (s *threadWaiter) wake() error { return s.waker.wake() }

func (s *threadWaiter) consumeWake(fd int) bool {
	if fd != s.waker.fd() {
		return false
	}
	s.waker.drain()
	return true
}

func (s *threadWaiter) close() error {
	err := s.waker.close()
	if e := sysio.Close(s.epfd); err == nil {
		err = e
	}
	return err
}

func (s *threadWaiter) wait(ep *epoll, deadline Deadline) (int, error) {
	deadline.yield()
	timeout := deadline.left()
	if s.precise && timeout > 0 {
		n, err := s.pwait2(ep, timeout)
		if err != unix.ENOSYS {
			return n, err
		}
		s.precise = false // a kernel before 5.11
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep.fd),
		uintptr(unsafe.Pointer(&ep.buf[0])), uintptr(len(ep.buf)), uintptr(clampMillis(timeout)), 0, 0)
	return epollResult(n, errno)
}

// pwait2 waits with a timeout in nanoseconds. Its timespec has 64-bit fields
// on every architecture.
func (s *threadWaiter) pwait2(ep *epoll, timeout time.Duration) (int, error) {
	ts := struct{ sec, nsec int64 }{int64(timeout / time.Second), int64(timeout % time.Second)}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(ep.fd),
		uintptr(unsafe.Pointer(&ep.buf[0])), uintptr(len(ep.buf)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	return epollResult(n, errno)
}
