//go:build darwin || dragonfly || freebsd

package poller

import (
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A kqueueWaker interrupts a wait with an event of the EVFILT_USER filter,
// which needs no descriptor.
type kqueueWaker struct {
	kq      int
	pending atomic.Bool // from the first wake to the event that it causes
}

func newKqueueWaker(kq int) (*kqueueWaker, error) {
	if err := kqueueChange(kq, 0, unix.EVFILT_USER, unix.EV_ADD|unix.EV_CLEAR); err != nil {
		return nil, os.NewSyscallError("kevent", err)
	}
	return &kqueueWaker{kq: kq}, nil
}

func (w *kqueueWaker) wake() error {
	if w.pending.Swap(true) {
		return nil
	}
	var change [1]unix.Kevent_t
	unix.SetKevent(&change[0], 0, unix.EVFILT_USER, 0)
	change[0].Fflags = unix.NOTE_TRIGGER
	err := retryError(func() error {
		_, err := unix.Kevent(w.kq, change[:], nil, nil)
		return err
	})
	if err != nil {
		w.pending.Store(false)
		return os.NewSyscallError("kevent", err)
	}
	return nil
}

// consumeWake reports whether e is the waker's own and, if so, makes it ready for
// the next wake.
func (w *kqueueWaker) consumeWake(e *unix.Kevent_t) bool {
	if e.Filter != unix.EVFILT_USER {
		return false
	}
	w.pending.Swap(false) // a swap, to see what was done before the wake
	return true
}

// close has nothing to close: the event goes with the kqueue.
func (w *kqueueWaker) close() error { return nil }
