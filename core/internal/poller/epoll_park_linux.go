package poller

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// parkSleeper parks the goroutine in the Go runtime's network poller, which
// watches the epoll descriptor as it watches any other: no thread is blocked,
// no processor is held, and waking needs no system call of ours.
//
// An epoll set inside another has its price: adding a descriptor takes a lock
// that all such sets of the system share, and each change of readiness is
// passed on to the outer set. Loops with a thread of their own do without.
//
// Timeouts are the runtime's read deadlines, whose grain is the millisecond of
// its own epoll_wait. A precise sleeper sets a timerfd inside the epoll set
// instead.
type parkSleeper struct {
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

func newParkSleeper(epfd int, o Options) (sleeper, error) {
	if err := unix.SetNonblock(epfd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	s := &parkSleeper{timerfd: -1}
	if o.PreciseTimer {
		fd, err := openTimerFD(epfd)
		if err != nil {
			return nil, err
		}
		s.timerfd = fd
	}
	s.file = os.NewFile(uintptr(epfd), "epoll")
	conn, err := s.file.SyscallConn()
	if err != nil {
		s.closeTimer()
		return nil, err
	}
	s.conn = conn
	s.try = s.tryPoll
	return s, nil
}

func openTimerFD(epfd int) (int, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("timerfd_create", err)
	}
	if err := epollControl(epfd, fd, 0, Read); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (s *parkSleeper) sleep(ep *epoll, timeout time.Duration) (int, error) {
	// Other goroutines get their turn before this one goes to rest: often
	// one of them is what makes a descriptor ready.
	runtime.Gosched()
	if err := s.setTimeout(timeout); err != nil {
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
func (s *parkSleeper) tryPoll(uintptr) bool {
	s.n, s.err = s.ep.poll()
	return s.n != 0 || s.err != nil
}

// setTimeout arranges for the next park to end after d. An earlier wake's
// deadline in the past must not outlive the wait that it ended, so a deadline
// is always set anew once there may have been one.
func (s *parkSleeper) setTimeout(d time.Duration) error {
	if s.timerfd >= 0 && d > 0 {
		its := unix.ItimerSpec{Value: timespec(d)}
		if err := unix.TimerfdSettime(s.timerfd, 0, &its, nil); err != nil {
			return os.NewSyscallError("timerfd_settime", err)
		}
		d = -1
	}
	if d < 0 {
		if !s.deadlineSet {
			return nil
		}
		s.deadlineSet = false
		return s.file.SetReadDeadline(time.Time{})
	}
	s.deadlineSet = true
	return s.file.SetReadDeadline(time.Now().Add(d))
}

func (s *parkSleeper) wake() error {
	s.woken.Store(true)
	return s.file.SetReadDeadline(longAgo)
}

func (s *parkSleeper) hidden(fd int) bool {
	if fd != s.timerfd {
		return false
	}
	var expirations [8]byte
	unix.Read(fd, expirations[:]) // EAGAIN when it was set anew meanwhile
	return true
}

func (s *parkSleeper) close() error {
	s.closeTimer()
	return s.file.Close()
}

func (s *parkSleeper) closeTimer() {
	if s.timerfd >= 0 {
		unix.Close(s.timerfd)
	}
}
