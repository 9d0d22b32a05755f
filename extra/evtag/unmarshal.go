package evtag

import (
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// begin locks a buffer and reads from its front. Then end or unlock must be called.
func (d *Decoder) begin(b *evbuffer.Buffer) Reader {
	if b != nil {
		b.Lock()
	}
	return d.Reader(b)
}

// end takes what was read out of the buffer, unless there was an error.
func (r *Reader) end(err error) error {
	defer r.unlock()
	if err != nil {
		return err
	}
	return r.Drain()
}

// unlock undoes begin.
func (r *Reader) unlock() {
	if r.buffer != nil {
		r.buffer.Unlock()
	}
}

// UnmarshalInt takes a record with a number of 32 bits and this tag off the front of
// b. A number of more bits is ErrMalformed (evtag_unmarshal_int).
func (d *Decoder) UnmarshalInt(b *evbuffer.Buffer, tag uint32) (uint32, error) {
	r := d.begin(b)
	v, err := r.Int(tag)
	if err = r.end(err); err != nil {
		return 0, err
	}
	return v, nil
}

// UnmarshalInt64 takes a record with a number of 64 bits and this tag off the front
// of b (evtag_unmarshal_int64).
func (d *Decoder) UnmarshalInt64(b *evbuffer.Buffer, tag uint32) (uint64, error) {
	r := d.begin(b)
	v, err := r.Int64(tag)
	if err = r.end(err); err != nil {
		return 0, err
	}
	return v, nil
}

// UnmarshalTimeval takes a record with a time and this tag off the front of b
// (evtag_unmarshal_timeval).
func (d *Decoder) UnmarshalTimeval(b *evbuffer.Buffer, tag uint32) (Timeval, error) {
	r := d.begin(b)
	v, err := r.Timeval(tag)
	if err = r.end(err); err != nil {
		return Timeval{}, err
	}
	return v, nil
}

// UnmarshalString takes a record with this tag off the front of b, and returns its
// payload as a string. C ends it at its first NUL; this does not
// (evtag_unmarshal_string).
func (d *Decoder) UnmarshalString(b *evbuffer.Buffer, tag uint32) (string, error) {
	r := d.begin(b)
	v, err := r.String(tag)
	if err = r.end(err); err != nil {
		return "", err
	}
	return v, nil
}

// UnmarshalFixed takes a record with this tag off the front of b, and copies its
// payload to p. The error is ErrLength if the payload does not have the length of p
// (evtag_unmarshal_fixed).
func (d *Decoder) UnmarshalFixed(b *evbuffer.Buffer, tag uint32, p []byte) error {
	r := d.begin(b)
	return r.end(r.Fixed(tag, p))
}

// Consume takes a record off the front of b, whatever it is (evtag_consume).
func (d *Decoder) Consume(b *evbuffer.Buffer) error {
	r := d.begin(b)
	_, err := r.Skip()
	return r.end(err)
}

// UnmarshalHeader takes the header of a record off the front of b, and returns its
// tag and the length of its payload, which is there (evtag_unmarshal_header).
func (d *Decoder) UnmarshalHeader(b *evbuffer.Buffer) (tag uint32, length int, err error) {
	r := d.begin(b)
	h, err := r.whole()
	if err == nil {
		err = r.move(h.size)
	}
	if err = r.end(r.fail("unmarshal header", err)); err != nil {
		return 0, 0, err
	}
	return h.tag, h.length, nil
}

// Unmarshal takes a record off the front of src, and moves its payload to the back
// of dst without a copy. It returns the tag and the length of the payload. The error
// is ErrRange if dst is src itself. A lock of src is not held all the time, because
// the two have an order (evtag_unmarshal).
func (d *Decoder) Unmarshal(src, dst *evbuffer.Buffer) (tag uint32, length int, err error) {
	const op = "unmarshal"
	if src == nil || dst == nil {
		return 0, 0, opError(op, event.ErrNil)
	}
	if src == dst {
		return 0, 0, opError(op, ErrRange)
	}
	r := d.Reader(src)
	h, err := r.whole()
	if err != nil {
		return 0, 0, r.fail(op, err)
	}
	var space [maxHeadSize]byte
	p, err := r.look(space[:h.size])
	if err == nil {
		err = src.Drain(h.size)
	}
	if err != nil {
		return 0, 0, tagError(op, h.tag, err)
	}
	if _, err = src.RemoveBuffer(dst, h.length); err != nil {
		// Where something was drained, it can be put back.
		_ = src.Prepend(p)
		return 0, 0, tagError(op, h.tag, err)
	}
	return h.tag, h.length, nil
}

// Peek returns the tag of the record at the front of b, of which no more need be
// there, and the number of bytes that it takes (evtag_peek).
func (d *Decoder) Peek(b *evbuffer.Buffer) (tag uint32, size int, err error) {
	r := d.begin(b)
	defer r.unlock()
	return r.PeekTag()
}

// PeekLength returns the length of the record at the front of b, header and payload,
// of which no more than the header need be there (evtag_peek_length).
func (d *Decoder) PeekLength(b *evbuffer.Buffer) (int64, error) {
	r := d.begin(b)
	defer r.unlock()
	h, err := r.peek()
	if err != nil {
		return 0, r.fail("peek length", err)
	}
	return int64(h.size) + int64(h.length), nil
}

// PayloadLength returns the length of the payload of the record at the front of b,
// of which no more than the header need be there (evtag_payload_length).
func (d *Decoder) PayloadLength(b *evbuffer.Buffer) (int, error) {
	r := d.begin(b)
	defer r.unlock()
	h, err := r.peek()
	if err != nil {
		return 0, r.fail("payload length", err)
	}
	return h.length, nil
}

// DecodeInt takes a bare number of 32 bits off the front of b, as EncodeInt has
// written it.
func (d *Decoder) DecodeInt(b *evbuffer.Buffer) (uint32, error) {
	v, err := d.decode(b, 8)
	return uint32(v), err
}

// DecodeInt64 takes a bare number of 64 bits off the front of b, as EncodeInt64 has
// written it.
func (d *Decoder) DecodeInt64(b *evbuffer.Buffer) (uint64, error) { return d.decode(b, 16) }

// decode takes a bare number of at most most nibbles off the front of b.
func (d *Decoder) decode(b *evbuffer.Buffer, most int) (uint64, error) {
	r := d.begin(b)
	var space [maxInt64Size]byte
	p, err := r.look(space[:])
	var v uint64
	var n int
	if err == nil {
		v, n, err = decodeInt(p, most, d.strict)
	}
	if err == nil {
		err = r.move(n)
	}
	if err = r.end(r.fail("decode int", err)); err != nil {
		return 0, err
	}
	return v, nil
}
