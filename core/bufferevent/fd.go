package bufferevent

import (
	"fmt"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// FD returns the descriptor that the bufferevent stands on, directly or not, or
// -1 (bufferevent_getfd).
func (b *Bufferevent) FD() int {
	b.lock()
	defer b.unlock()
	if _, t, ok := find(b, asDescriber); ok && b.refs > 0 {
		return t.FD()
	}
	return -1
}

// SetFD changes the descriptor; -1 is none. What is in the buffers stays there,
// and the old descriptor open. The new one must be non-blocking. The error
// wraps errors.ErrUnsupported if the bufferevent stands on none
// (bufferevent_setfd).
func (b *Bufferevent) SetFD(fd int) error {
	const op = "set descriptor"
	at, t, err := beginAt(b, asDescriber)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	return t.SetFD(fd)
}

// ReplaceFD is SetFD, and closes the old descriptor, if there is one, before
// (bufferevent_replacefd).
func (b *Bufferevent) ReplaceFD(fd int) error {
	const op = "replace descriptor"
	at, t, err := beginAt(b, asDescriber)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	old := t.FD()
	if err := t.SetFD(evutil.InvalidSocket); err != nil {
		return err
	}
	if old >= 0 {
		if err := sysio.CloseSocket(old); err != nil {
			return opError(op, fmt.Errorf("close fd %d: %w", old, err))
		}
	}
	return t.SetFD(fd)
}

// Underlying returns the bufferevent that this one stands on, or nil
// (bufferevent_get_underlying).
func (b *Bufferevent) Underlying() *Bufferevent {
	b.lock()
	defer b.unlock()
	return b.wrapped()
}

func (b *Bufferevent) wrapped() *Bufferevent {
	if t, ok := b.transport.(Wrapper); ok {
		return t.Underlying()
	}
	return nil
}

// lowest returns the bufferevent at the bottom of those that b stands on, or b.
func (b *Bufferevent) lowest() *Bufferevent {
	for below := b.wrapped(); below != nil; below = b.wrapped() {
		b = below
	}
	return b
}
