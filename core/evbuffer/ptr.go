package evbuffer

import "github.com/go-libevent/libevent/core/event"

// A Ptr is a position in a buffer, from the first byte to just behind the last
// one. Searches take and return positions. The zero Ptr is not set.
//
// A position stays valid while data is added at the back of its buffer. Anything
// that takes data from the front, puts data before it, or brings it together
// makes it stale. Using a stale position, or one of another buffer, is an error
// that wraps ErrPosition (struct evbuffer_ptr).
type Ptr struct {
	buffer *Buffer
	epoch  uint64
	place
}

// A place is where a position is. It may be behind the last byte of its chunk,
// and has no chunk in an empty buffer.
type place struct {
	pos   int // from the front of the buffer
	chunk *chunk
	off   int // from the start of the chunk's data
}

// Pos returns the number of bytes before the position, or -1 if it is not set.
func (p Ptr) Pos() int {
	if p.buffer == nil {
		return -1
	}
	return p.pos
}

// A PtrHow says what SetPtr's number means.
type PtrHow int

const (
	// PtrSet sets the position to that many bytes from the front
	// (EVBUFFER_PTR_SET).
	PtrSet PtrHow = iota
	// PtrAdd moves the position forward by that many bytes (EVBUFFER_PTR_ADD).
	PtrAdd
)

// SetPtr sets *p to a position n bytes from the front of the buffer, or moves
// it on by n bytes. The error is ErrRange if n is negative or leads beyond the
// end of the buffer, ErrPosition if *p should move but is no position of the
// buffer, event.ErrNil if p is nil, ErrFlag if there is no such how. After an error *p
// is not set (evbuffer_ptr_set).
func (b *Buffer) SetPtr(p *Ptr, n int, how PtrHow) error {
	if p == nil {
		return opError("set position", event.ErrNil)
	}
	defer b.enter().leave()
	at, err := b.seek(p, n, how)
	if err != nil {
		*p = Ptr{}
		return opError("set position", err)
	}
	*p = b.ptr(at)
	return nil
}

func (b *Buffer) seek(p *Ptr, n int, how PtrHow) (place, error) {
	switch how {
	case PtrSet:
		p = nil
	case PtrAdd:
	default:
		return place{}, ErrFlag
	}
	at, err := b.locate(p)
	if err != nil {
		return place{}, err
	}
	if n < 0 || n > b.length-at.pos {
		return place{}, ErrRange
	}
	return at.forward(n), nil
}

// locate returns the place that p means; nil is the front.
func (b *Buffer) locate(p *Ptr) (place, error) {
	if p == nil {
		return place{chunk: b.first}, nil
	}
	if p.buffer != b || p.epoch != b.epoch {
		return place{}, ErrPosition
	}
	at := p.place
	if at.chunk == nil {
		at.chunk = b.first // there was no data then
	}
	return at.forward(0), nil
}

// forward returns the place n bytes further on, which must exist. It is behind
// the last byte of a chunk only if there is no other chunk.
func (at place) forward(n int) place {
	at.pos += n
	at.off += n
	for at.chunk != nil && at.off >= at.chunk.len() && at.chunk.next != nil {
		at.off -= at.chunk.len()
		at.chunk = at.chunk.next
	}
	return at
}

// ptr makes a position for the user.
func (b *Buffer) ptr(at place) Ptr {
	return Ptr{buffer: b, epoch: b.epoch, place: at}
}
