package poller

import (
	"os"
	"sync"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A waker makes a descriptor readable, so that a wait for it returns.
//
// Any number of wakes between two drains cost one write. Wake may be called
// from any goroutine, also after close; the rest belongs to the poller.
type waker struct {
	// pending is true from the first wake to the drain that answers it: only
	// then there is a message in the channel, and never more than one.
	pending atomic.Bool

	mu     sync.Mutex // orders writing before close
	closed bool

	// The two ends of the channel, which may be one descriptor.
	reader, writer int
}

func newWaker() (*waker, error) {
	reader, writer, err := sysio.WakeChannel()
	if err != nil {
		return nil, err
	}
	return &waker{reader: reader, writer: writer}, nil
}

// fd returns the descriptor to watch for reading.
func (w *waker) fd() int { return w.reader }

// wake makes the descriptor readable.
func (w *waker) wake() error {
	if w.pending.Swap(true) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	if err := sysio.Signal(w.writer); err != nil {
		w.pending.Store(false)
		return os.NewSyscallError("write", err)
	}
	return nil
}

// drain makes the descriptor unreadable. It clears pending last: a wake that
// comes before is answered by the very return that drain is part of, and one
// that comes after writes again.
func (w *waker) drain() {
	var message [sysio.WakeMessageLen]byte
	_, _ = sysio.Drain(w.reader, message[:]) // fails if there is none
	w.pending.Swap(false)                    // a swap, to see what was done before the wake
}

func (w *waker) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	return os.NewSyscallError("close", sysio.CloseWakeChannel(w.reader, w.writer))
}
