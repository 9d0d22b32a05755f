package evhttp

import (
	"math"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// A headParser is a wire.RequestHead or wire.ResponseHead.
type headParser interface {
	Parse(p []byte, l *message.Limits) (n int, done bool, err error)
}

// readHead feeds a head with what has come, where it lies, and takes it from src.
func readHead(src *evbuffer.Buffer, h headParser, l *message.Limits) (done bool, err error) {
	for !done && err == nil && src.Len() > 0 {
		var p []byte
		if p, err = front(src); err != nil {
			break
		}
		var n int
		n, done, err = h.Parse(p, l)
		src.Drain(n)
	}
	return done, err
}

// front returns what lies together at the front of a buffer that is not empty.
func front(b *evbuffer.Buffer) ([]byte, error) {
	return b.Pullup(max(b.ContiguousSpace(), 1))
}

// A bodyReader moves the body of a message from the stream it comes in to where
// it is wanted. It moves memory, and copies only what is small.
type bodyReader struct {
	framing wire.Framing
	left    int64 // of a Sized body
	total   int64 // bytes of the body so far
	limit   int64 // of total
	chunks  *wire.ChunkDecoder
}

// begin begins a body that is delimited as a head has said.
func (r *bodyReader) begin(h *wire.Head) {
	r.framing, r.left, r.total, r.limit = h.Framing, h.Length, 0, math.MaxInt64
	if h.Framing != wire.Chunked {
		return
	}
	if r.chunks == nil {
		r.chunks = new(wire.ChunkDecoder)
	}
	r.chunks.Reset()
}

// bound limits a body of which nothing was read, in bytes. The error is
// ErrBodyTooLarge if it is known to have more.
func (r *bodyReader) bound(limit int64) error {
	if r.limit = limit; r.framing == wire.Sized && r.left > limit {
		return wire.ErrBodyTooLarge
	}
	return nil
}

// complete reports whether the body is complete. One that lasts until the
// connection ends is for others to end.
func (r *bodyReader) complete() bool {
	switch r.framing {
	case wire.NoBody, wire.Tunnel:
		return true
	case wire.Sized:
		return r.left == 0
	case wire.Chunked:
		return r.chunks.Done()
	}
	return false
}

// read moves up to most bytes of the body from src to dst, and everything that
// comes between them; a nil dst drops them. It returns how many bytes of the
// body it has moved.
func (r *bodyReader) read(src, dst *evbuffer.Buffer, most int, l *message.Limits) (n int, err error) {
	for n < most && src.Len() > 0 && !r.complete() {
		data, err := r.next(src, l)
		if err != nil {
			return n, err
		}
		if data = min(data, int64(most-n), int64(src.Len())); data == 0 {
			continue
		}
		moved, err := move(src, dst, int(data))
		if err != nil {
			return n, err
		}
		n += moved
		r.took(int64(moved))
	}
	return n, nil
}

// next takes what precedes data, and returns how much data may follow.
func (r *bodyReader) next(src *evbuffer.Buffer, l *message.Limits) (data int64, err error) {
	switch r.framing {
	case wire.Sized:
		return r.left, nil
	case wire.UntilClose:
		data = int64(src.Len())
	default:
		if data, err = r.nextChunk(src, l); err != nil {
			return 0, err
		}
	}
	if data > r.limit-r.total {
		return 0, wire.ErrBodyTooLarge
	}
	return data, nil
}

func (r *bodyReader) nextChunk(src *evbuffer.Buffer, l *message.Limits) (int64, error) {
	if left := r.chunks.Data(); left > 0 {
		return left, nil
	}
	p, err := front(src)
	if err != nil {
		return 0, err
	}
	taken, err := r.chunks.Parse(p, l)
	src.Drain(taken)
	return r.chunks.Data(), err
}

// took counts n bytes of the body.
func (r *bodyReader) took(n int64) {
	r.total += n
	switch r.framing {
	case wire.Sized:
		r.left -= n
	case wire.Chunked:
		r.chunks.Took(n)
	}
}

func move(src, dst *evbuffer.Buffer, n int) (int, error) {
	if dst == nil {
		return n, src.Drain(n)
	}
	return src.RemoveBuffer(dst, n)
}
