package poller

import (
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/windows"
)

// A waker makes a socket readable, so that whoever waits for it returns.
//
// Any number of wakes between two drains cost one byte. Wake may be called
// from any goroutine, also after close; the rest belongs to the poller.
type waker struct {
	// pending is true from the first wake to the drain that answers it: only
	// then there is a byte in the connection, and never more than one.
	pending atomic.Bool

	mu     sync.Mutex // orders sending before close
	closed bool

	reader, writer windows.Handle
}

func newWaker() (*waker, error) {
	reader, writer, err := loopbackPair()
	if err != nil {
		return nil, err
	}
	return &waker{reader: reader, writer: writer}, nil
}

// fd returns the socket to watch for reading.
func (w *waker) fd() int { return int(w.reader) }

// wake makes the socket readable.
func (w *waker) wake() error {
	if w.pending.Swap(true) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	b := byte(1)
	buf := windows.WSABuf{Len: 1, Buf: &b}
	var n uint32
	if err := windows.WSASend(w.writer, &buf, 1, &n, 0, nil, nil); err != nil {
		w.pending.Store(false)
		return os.NewSyscallError("WSASend", err)
	}
	return nil
}

// drain makes the socket unreadable. It clears pending last: a wake that comes
// before is answered by the very return that drain is part of, and one that
// comes after sends again.
func (w *waker) drain() {
	var b byte
	buf := windows.WSABuf{Len: 1, Buf: &b}
	var n, flags uint32
	_ = windows.WSARecv(w.reader, &buf, 1, &n, &flags, nil, nil) // fails if there is nothing
	w.pending.Swap(false)                                        // a swap, to see what was done before the wake
}

func (w *waker) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	err := windows.Closesocket(w.reader)
	if e := windows.Closesocket(w.writer); err == nil {
		err = e
	}
	return os.NewSyscallError("closesocket", err)
}
