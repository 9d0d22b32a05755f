package evtag

import (
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A Reader decodes one record after another without changing the buffer, so that a
// message is read whole or not at all. Nested goes into records that consist of
// records. Nothing is copied but numbers, and what the caller wants to have.
//
// It is used by value, belongs to one goroutine, and ends with the next change of
// the front of its buffer, after which it fails with evbuffer.ErrPosition. What is
// added at the back it does not see. A call that fails leaves it where it was.
type Reader struct {
	rules  Decoder
	buffer *evbuffer.Buffer
	at     evbuffer.Ptr // where the next record begins
	left   int          // bytes from there to the end
	depth  int          // records around
}

// A head is what a record begins with.
type head struct {
	tag    uint32
	size   int // of the head in bytes
	length int // of the payload in bytes
}

// Len returns the number of bytes that are not read yet.
func (r *Reader) Len() int { return r.left }

// PeekTag returns the tag of the next record, of which no more need be there, and
// the number of bytes that it takes. At the end the error is ErrIncomplete.
func (r *Reader) PeekTag() (tag uint32, size int, err error) {
	var space [maxTagSize]byte
	p, err := r.look(space[:])
	if err == nil {
		tag, size, err = decodeTag(p, r.rules.strict)
	}
	if err != nil {
		return 0, 0, r.fail("peek", err)
	}
	return tag, size, nil
}

// Int reads a record with a number of 32 bits and this tag.
func (r *Reader) Int(tag uint32) (uint32, error) {
	v, err := r.number(tag, 8)
	if err != nil {
		return 0, r.failTag("int", tag, err)
	}
	return uint32(v), nil
}

// Int64 reads a record with a number of 64 bits and this tag.
func (r *Reader) Int64(tag uint32) (uint64, error) {
	v, err := r.number(tag, 16)
	if err != nil {
		return 0, r.failTag("int64", tag, err)
	}
	return v, nil
}

// Timeval reads a record with a time and this tag.
func (r *Reader) Timeval(tag uint32) (Timeval, error) {
	var space [maxHeadSize + 2*maxIntSize]byte
	h, p, err := r.payload(tag, space[:])
	if err != nil {
		return Timeval{}, r.failTag("timeval", tag, err)
	}
	sec, n, err := r.inPayload(p, 8)
	if err != nil {
		return Timeval{}, r.failTag("timeval", tag, err)
	}
	usec, m, err := r.inPayload(p[n:], 8)
	if err == nil {
		err = r.endOf(h, n+m)
	}
	if err != nil {
		return Timeval{}, r.failTag("timeval", tag, err)
	}
	return Timeval{uint32(sec), uint32(usec)}, nil
}

// String reads a record with this tag as a string, NULs included.
func (r *Reader) String(tag uint32) (string, error) {
	p, err := r.appendPayload(nil, tag)
	if err != nil {
		return "", r.failTag("string", tag, err)
	}
	return asString(p), nil
}

// AppendBytes reads a record with this tag, and appends its payload to dst. After an
// error dst comes back as it was.
func (r *Reader) AppendBytes(dst []byte, tag uint32) ([]byte, error) {
	p, err := r.appendPayload(dst, tag)
	if err != nil {
		return dst, r.failTag("bytes", tag, err)
	}
	return p, nil
}

// Fixed reads a record with this tag to p. The error is ErrLength if its payload
// does not have the length of p.
func (r *Reader) Fixed(tag uint32, p []byte) error {
	h, err := r.record(tag)
	if err == nil && h.length != len(p) {
		err = ErrLength
	}
	if err == nil {
		err = r.read(h, p)
	}
	return r.failTag("fixed", tag, err)
}

// Nested reads a record with this tag, and returns a reader of the records that its
// payload consists of. The error is ErrTooDeep if that is too deep.
func (r *Reader) Nested(tag uint32) (Reader, error) {
	if r.depth >= r.rules.depthLimit() {
		return Reader{}, r.failTag("nested", tag, ErrTooDeep)
	}
	h, err := r.record(tag)
	if err != nil {
		return Reader{}, r.failTag("nested", tag, err)
	}
	inner := *r
	inner.depth++
	err = inner.move(h.size)
	if err == nil {
		inner.left = h.length
		err = r.move(h.size + h.length)
	}
	if err != nil {
		return Reader{}, r.failTag("nested", tag, err)
	}
	return inner, nil
}

// Skip reads a record, whatever it is, and returns its tag.
func (r *Reader) Skip() (uint32, error) {
	h, err := r.whole()
	if err == nil {
		err = r.move(h.size + h.length)
	}
	if err != nil {
		return 0, r.fail("skip", err)
	}
	return h.tag, nil
}

// Drain takes what was read out of the buffer. The error is ErrNested if the reader
// is one that Nested has returned.
func (r *Reader) Drain() error {
	if r.depth > 0 {
		return opError("drain", ErrNested)
	}
	if r.buffer == nil {
		return opError("drain", event.ErrNil)
	}
	n := r.at.Pos()
	if n == 0 {
		return nil
	}
	// What is in front must be what was read.
	at := r.at
	err := r.buffer.SetPtr(&at, 0, evbuffer.PtrAdd)
	if err == nil {
		err = r.buffer.Drain(n)
	}
	if err != nil {
		return opError("drain", err)
	}
	r.begin()
	return nil
}

// begin sets the reader to the front of its buffer.
func (r *Reader) begin() {
	// There is a front always.
	_ = r.buffer.SetPtr(&r.at, 0, evbuffer.PtrSet)
}

// look copies the bytes that are next to p, as many as there are and p takes.
func (r *Reader) look(p []byte) ([]byte, error) {
	p = p[:min(len(p), r.left)]
	if len(p) == 0 {
		return p, nil
	}
	if _, err := r.buffer.CopyOutFrom(&r.at, p); err != nil {
		return nil, err
	}
	return p, nil
}

// move goes n bytes on, which are there.
func (r *Reader) move(n int) error {
	if n == 0 {
		return nil
	}
	at := r.at
	if err := r.buffer.SetPtr(&at, n, evbuffer.PtrAdd); err != nil {
		return err
	}
	r.at, r.left = at, r.left-n
	return nil
}

// head decodes a head that p begins with.
func (r *Reader) head(p []byte) (head, error) {
	tag, n, err := decodeTag(p[:min(len(p), maxTagSize)], r.rules.strict)
	if err != nil {
		return head{}, err
	}
	length, m, err := decodeInt(p[n:], 8, r.rules.strict)
	if err != nil {
		return head{}, err
	}
	if length > uint64(r.rules.payloadLimit()) {
		return head{}, ErrTooLong
	}
	return head{tag, n + m, int(length)}, nil
}

// peek decodes the head of the next record.
func (r *Reader) peek() (head, error) {
	var space [maxHeadSize]byte
	p, err := r.look(space[:])
	if err != nil {
		return head{}, err
	}
	return r.head(p)
}

// whole decodes the head of the next record, which must be there to its end.
func (r *Reader) whole() (head, error) {
	h, err := r.peek()
	if err == nil && h.length > r.left-h.size {
		err = ErrIncomplete
	}
	return h, err
}

// record is whole for a record with this tag.
func (r *Reader) record(tag uint32) (head, error) {
	h, err := r.whole()
	if (err == nil || err == ErrIncomplete) && h.size > 0 && h.tag != tag {
		err = ErrTag
	}
	return h, err
}

// payload copies the next record to space as far as it takes that, and returns the
// payload there.
func (r *Reader) payload(tag uint32, space []byte) (head, []byte, error) {
	p, err := r.look(space)
	if err != nil {
		return head{}, nil, err
	}
	h, err := r.head(p)
	switch {
	case err != nil:
		return head{}, nil, err
	case h.tag != tag:
		return head{}, nil, ErrTag
	case h.length > r.left-h.size:
		return head{}, nil, ErrIncomplete
	}
	return h, p[h.size:min(len(p), h.size+h.length)], nil
}

// number reads a record with a number of at most most nibbles.
func (r *Reader) number(tag uint32, most int) (uint64, error) {
	var space [maxHeadSize + maxInt64Size]byte
	h, p, err := r.payload(tag, space[:])
	if err != nil {
		return 0, err
	}
	v, n, err := r.inPayload(p, most)
	if err == nil {
		err = r.endOf(h, n)
	}
	return v, err
}

// inPayload decodes a number in a payload, which is all there.
func (r *Reader) inPayload(p []byte, most int) (uint64, int, error) {
	v, n, err := decodeInt(p, most, r.rules.strict)
	if err == ErrIncomplete {
		err = ErrMalformed
	}
	return v, n, err
}

// endOf goes past a record whose payload was understood up to n.
func (r *Reader) endOf(h head, n int) error {
	if r.rules.strict && n < h.length {
		return ErrNotCanonical
	}
	return r.move(h.size + h.length)
}

// appendPayload reads a record, and appends its payload to dst.
func (r *Reader) appendPayload(dst []byte, tag uint32) ([]byte, error) {
	h, err := r.record(tag)
	if err != nil {
		return nil, err
	}
	// What is there can be no surprise: memory grows by what was received.
	n := len(dst)
	dst = grow(dst, h.length)
	if err := r.read(h, dst[n:]); err != nil {
		return nil, err
	}
	return dst, nil
}

// read reads a record, and copies its payload to p.
func (r *Reader) read(h head, p []byte) error {
	inner := *r
	if err := inner.move(h.size); err != nil {
		return err
	}
	if _, err := inner.look(p); err != nil {
		return err
	}
	return r.move(h.size + h.length)
}

// fail names an operation. What ends within a record will not be completed.
func (r *Reader) fail(op string, err error) error {
	err = r.final(err)
	if err == nil || err == ErrIncomplete {
		return err
	}
	return opError(op, err)
}

// failTag is fail for an operation on a record with a tag.
func (r *Reader) failTag(op string, tag uint32, err error) error {
	err = r.final(err)
	if err == nil || err == ErrIncomplete {
		return err
	}
	return tagError(op, tag, err)
}

// final returns the error for who cannot wait for more.
func (r *Reader) final(err error) error {
	if err != ErrIncomplete {
		return err
	}
	if r.buffer == nil {
		return event.ErrNil
	}
	if r.depth > 0 {
		return ErrMalformed
	}
	return err
}
