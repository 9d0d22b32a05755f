package poller

import (
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

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
// finds nothing does the sleeper put the goroutine or its thread to rest.
type epoll struct {
	fd      int
	buf     []unix.EpollEvent
	sleeper sleeper
}

// A sleeper waits for an epoll descriptor in one of two ways: by parking the
// goroutine in the runtime's network poller, or by blocking the thread.
type sleeper interface {
	// sleep waits until the epoll descriptor has events, wake is called or
	// timeout (negative: none) has passed, and returns what poll then finds.
	sleep(ep *epoll, timeout time.Duration) (int, error)
	wake() error
	// hidden reports whether fd is a descriptor of the sleeper's own and, if
	// so, makes it ready for the next wait.
	hidden(fd int) bool
	close() error
}

func openEpoll(o Options) (Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	ep := &epoll{fd: fd, buf: make([]unix.EpollEvent, minEpollEvents)}
	ep.sleeper, err = newSleeper(fd, o)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	if o.Changelist {
		return &epollChangelist{epoll: ep}, nil
	}
	return ep, nil
}

// newSleeper parks unless the loop owns its thread or asks for fine timeouts
// without a timerfd, which only epoll_pwait2 in a blocked thread can give.
func newSleeper(fd int, o Options) (sleeper, error) {
	if o.BlockThread || o.PreciseTimer && o.DisallowTimerFD {
		return newThreadSleeper(fd, o)
	}
	return newParkSleeper(fd, o)
}

func (ep *epoll) Name() string      { return epollMethod.Name }
func (ep *epoll) Features() Feature { return epollMethod.Features }
func (ep *epoll) Flush() error      { return nil }
func (ep *epoll) Wake() error       { return ep.sleeper.wake() }
func (ep *epoll) Close() error      { return ep.sleeper.close() }

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
		err := unix.EpollCtl(epfd, unix.EPOLL_CTL_DEL, fd, &ev)
		if err == unix.ENOENT || err == unix.EBADF || err == unix.EPERM {
			return nil // closed, or closed and reused: nothing is watched
		}
		return epollError("del", fd, err)
	case old == 0:
		err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fd, &ev)
		if err == unix.EEXIST {
			// A copy of a descriptor that was closed under this number
			// keeps the old registration alive.
			err = unix.EpollCtl(epfd, unix.EPOLL_CTL_MOD, fd, &ev)
		}
		return epollError("add", fd, err)
	default:
		err := unix.EpollCtl(epfd, unix.EPOLL_CTL_MOD, fd, &ev)
		if err == unix.ENOENT {
			err = unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fd, &ev)
		}
		return epollError("mod", fd, err)
	}
}

func epollError(op string, fd int, err error) error {
	if err == nil {
		return nil
	}
	return opError("epoll_ctl "+op, fd, err)
}

func (ep *epoll) Wait(timeout time.Duration, events []Event) ([]Event, error) {
	n, err := ep.poll()
	if n == 0 && err == nil && timeout != 0 {
		n, err = ep.sleeper.sleep(ep, timeout)
	}
	if err != nil {
		return events, fmt.Errorf("epoll_wait: %w", err)
	}
	return ep.collect(n, events), nil
}

// poll asks for what is ready now. It does not tell the scheduler, so it must
// never block.
func (ep *epoll) poll() (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep.fd),
		uintptr(unsafe.Pointer(&ep.buf[0])), uintptr(len(ep.buf)), 0, 0, 0)
	return epollResult(n, errno)
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
		if ep.sleeper.hidden(int(e.Fd)) {
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

// threadSleeper blocks the calling thread in epoll_wait. The runtime hands
// the processor to other goroutines meanwhile. An eventfd wakes it.
type threadSleeper struct {
	epfd    int
	waker   *waker
	precise bool
}

func newThreadSleeper(epfd int, o Options) (sleeper, error) {
	w, err := newWaker()
	if err != nil {
		return nil, err
	}
	if err := epollControl(epfd, w.fd(), 0, Read); err != nil {
		w.close()
		return nil, err
	}
	return &threadSleeper{epfd: epfd, waker: w, precise: o.PreciseTimer}, nil
}

func (s *threadSleeper) wake() error { return s.waker.wake() }

func (s *threadSleeper) hidden(fd int) bool {
	if fd != s.waker.fd() {
		return false
	}
	s.waker.drain()
	return true
}

func (s *threadSleeper) close() error {
	err := s.waker.close()
	if e := unix.Close(s.epfd); err == nil {
		err = e
	}
	return err
}

func (s *threadSleeper) sleep(ep *epoll, timeout time.Duration) (int, error) {
	runtime.Gosched()
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
func (s *threadSleeper) pwait2(ep *epoll, timeout time.Duration) (int, error) {
	ts := struct{ sec, nsec int64 }{int64(timeout / time.Second), int64(timeout % time.Second)}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(ep.fd),
		uintptr(unsafe.Pointer(&ep.buf[0])), uintptr(len(ep.buf)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	return epollResult(n, errno)
}
