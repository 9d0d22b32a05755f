package poller

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// parkWaiter parks the goroutine in the Go runtime's network poller, which
// watches the epoll descriptor as it watches any other: no thread is blocked,
// no processor is held, and waking needs no system call of ours.
//
// An epoll set inside another has its price: adding a descriptor takes a lock
// that all such sets of the system share, and each change of readiness is
// passed on to the outer set. Loops with a thread of their own do without.
//
// Timeouts are the runtime's read deadlines, whose grain is the millisecond of
// its own epoll_wait. A precise waiter also sets a timerfd inside the epoll
// set. The deadline stays, because while goroutines keep all processors busy
// the runtime looks at its timers more often than at descriptors.
type parkWaiter struct {
	file *os.File
	conn syscall.RawConn

	// woken is set by wake before it interrupts, so that a wake is not lost
	// when sleep overwrites the deadline that was meant to end it.
	woken atomic.Bool

	// deadlineSet says that the read deadline may be something else than
	// "none": a timeout of ours, or the past, which is how wake interrupts.
	deadlineSet bool

	timerfd int // -1 unless precise

	// What the try function of the sleep under way works on.
	ep  *epoll
	n   int
	err error
	try func(uintptr) bool
}

// longAgo as a deadline interrupts a read now.
var longAgo = time.Unix(1, 0)

func newParkWaiter(epfd int, o Options) (epollWaiter, error) {
	if err := unix.SetNonblock(epfd, true); err != nil {
		_ = sysio.Close(epfd) // the error that counts is the first
		return nil, os.NewSyscallError("fcntl", err)
	}
	s := &parkWaiter{timerfd: -1, file: os.NewFile(uintptr(epfd), "epoll")}
	if err := s.init(epfd, o); err != nil {
		_ = s.close() // it is closed in any case
		return nil, err
	}
	return s, nil
}

func (s *parkWaiter) init(epfd int, o Options) (err error) {
	s.try = s.tryPoll
	if s.conn, err = s.file.SyscallConn(); err != nil {
		return err
	}
	// This fails if the runtime's poller has refused the descriptor.
	if err := s.file.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if o.PreciseTimer {
		s.timerfd, err = openEpollTimer(epfd)
	}
	return err
}

// openEpollTimer opens a timerfd that is watched by the epoll set.
func openEpollTimer(epfd int) (int, error) {
	fd, err := openTimerFD()
	if err != nil {
		return -1, err
	}
	if err := epollControl(epfd, fd, 0, Read); err != nil {
		_ = sysio.Close(fd) // the error that counts is that of epoll_ctl
		return -1, err
	}
	return fd, nil
}

func (s *parkWaiter) wait(ep *epoll, deadline Deadline) (int, error) {
	if err := s.setDeadline(deadline); err != nil {
		return 0, err
	}
	if s.woken.Swap(false) {
		s.deadlineSet = true
		return ep.poll()
	}
	s.ep, s.n, s.err = ep, 0, nil
	err := s.conn.Read(s.try)
	s.ep = nil
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.deadlineSet = true // perhaps by a wake
		s.woken.Store(false)
		return ep.poll()
	case err != nil:
		return 0, err
	default:
		return s.n, s.err
	}
}

// tryPoll runs before the goroutine parks and each time the epoll descriptor
// has become readable; false parks (again).
func (s *parkWaiter) tryPoll(uintptr) bool {
	s.n, s.err = s.ep.poll()
	return s.n != 0 || s.err != nil
}

// setDeadline arranges for the next park to end at d. An earlier wake's
// deadline in the past must not outlive the wait that it ended, so a deadline
// is always set anew once there may have been one.
func (s *parkWaiter) setDeadline(d Deadline) error {
	if d == Never {
		if !s.deadlineSet {
			return nil
		}
		s.deadlineSet = false
		return s.file.SetReadDeadline(time.Time{})
	}
	if s.timerfd >= 0 {
		if err := setTimerFD(s.timerfd, d.left()); err != nil {
			return err
		}
	}
	s.deadlineSet = true
	return s.file.SetReadDeadline(Time(int64(d)))
}

func (s *parkWaiter) wake() error {
	s.woken.Store(true)
	return s.file.SetReadDeadline(longAgo)
}

func (s *parkWaiter) consumeWake(fd int) bool {
	if fd != s.timerfd {
		return false
	}
	var expirations [8]byte
	_, _ = sysio.Drain(fd, expirations[:]) // EAGAIN when it was set anew meanwhile
	return true
}

func (s *parkWaiter) close() error {
	s.closeTimer()
	return s.file.Close()
}

func (s *parkWaiter) closeTimer() {
	if s.timerfd >= 0 {
		_ = sysio.Close(s.timerfd) // nothing could be done about an error
	}
}
