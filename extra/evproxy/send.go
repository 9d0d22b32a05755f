package evproxy

import (
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// Send has a stream begin with a header. It is called before anything is written, also
// before TLS is put over the stream, and goes out with what is written next; the
// stream need not be connected yet. The error wraps ErrOutput if there is output already,
// that of AppendTo, or that of the stream. It is called where the stream may be used.
func Send(b *bufferevent.Bufferevent, h *Header) error {
	const op = "send"
	if b == nil || h == nil {
		return opError(op, event.ErrNil)
	}
	if b.Output().Len() > 0 {
		return opError(op, ErrOutput)
	}
	p, err := h.AppendTo(nil)
	if err != nil {
		return err
	}
	if _, err := b.Write(p); err != nil {
		return opError(op, err)
	}
	return nil
}
