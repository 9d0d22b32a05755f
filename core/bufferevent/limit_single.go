package bufferevent

import (
	"cmp"
	"math"

	"github.com/go-libevent/libevent/core/event"
)

// SetMaxSingleRead bounds how many bytes one call reads; zero is
// DefaultMaxSingleRead. It acts at the socket that the bufferevent stands on, as
// SetRateLimit does, and fails where that fails (bufferevent_set_max_single_read).
func (b *Bufferevent) SetMaxSingleRead(n int) error {
	return b.setMaxSingle("set max single read", event.Read, n)
}

// SetMaxSingleWrite bounds how many bytes are written before others have their
// turn; zero is DefaultMaxSingleWrite. It acts as SetMaxSingleRead does
// (bufferevent_set_max_single_write).
func (b *Bufferevent) SetMaxSingleWrite(n int) error {
	return b.setMaxSingle("set max single write", event.Write, n)
}

func (b *Bufferevent) setMaxSingle(op string, what event.What, n int) error {
	if n < 0 || n > math.MaxInt32 {
		return opError(op, ErrRange)
	}
	at, _, err := beginAt(b, asLimiter)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	if what == event.Read {
		at.ownBounds().maxRead = cmp.Or(n, DefaultMaxSingleRead)
	} else {
		at.ownBounds().maxWrite = cmp.Or(n, DefaultMaxSingleWrite)
	}
	return nil
}

// MaxSingleRead returns what was set with SetMaxSingleRead, or math.MaxInt where that
// is not supported (bufferevent_get_max_single_read).
func (b *Bufferevent) MaxSingleRead() int {
	return b.askLimiter(func(at *Bufferevent) int { return at.bounds.maxRead })
}

// MaxSingleWrite is MaxSingleRead for SetMaxSingleWrite
// (bufferevent_get_max_single_write).
func (b *Bufferevent) MaxSingleWrite() int {
	return b.askLimiter(func(at *Bufferevent) int { return at.bounds.maxWrite })
}
