//go:build darwin || dragonfly || freebsd || (linux && kqueue_emulation && !kqueue_netbsd && !kqueue_openbsd)

package poller

import (
	"os"
	"sync"
	"sync/atomic"
)

// A kqueueWaker interrupts a wait with an event of the EVFILT_USER filter,
// which needs no descriptor.
type kqueueWaker struct {
	kq      int
	pending atomic.Bool // from the first wake to the event that it causes

	mu     sync.Mutex // orders waking before close
	closed bool
}

func newKqueueWaker(kq int) (*kqueueWaker, error) {
	if err := kqueueChange(kq, 0, evfiltUser, evAdd|evClear); err != nil {
		return nil, os.NewSyscallError("kevent", err)
	}
	return &kqueueWaker{kq: kq}, nil
}

func (w *kqueueWaker) wake() error {
	if w.pending.Swap(true) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil // the number may be another's
	}
	var change [1]kevent
	setKevent(&change[0], 0, evfiltUser, 0)
	change[0].Fflags = noteTrigger
	err := retryError(func() error { return keventChange(w.kq, change[:]) })
	if err != nil {
		w.pending.Store(false)
		return os.NewSyscallError("kevent", err)
	}
	return nil
}

// consumeWake reports whether e is the waker's own and, if so, makes it ready for
// the next wake.
func (w *kqueueWaker) consumeWake(e *kevent) bool {
	if e.Filter != evfiltUser {
		return false
	}
	w.pending.Swap(false) // a swap, to see what was done before the wake
	return true
}

// close has no descriptor to close: the event goes with the kqueue.
func (w *kqueueWaker) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return nil
}
