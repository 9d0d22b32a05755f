package evtag

import (
	"math"
	"unsafe"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// MaxPayload is the length of the longest payload in bytes.
const MaxPayload = math.MaxInt32

// small is up to which length a payload is put together with its header first.
const small = 64

// Marshal appends a record with a copy of data. The error is ErrTooLong if that is
// longer than MaxPayload (evtag_marshal).
func Marshal(b *evbuffer.Buffer, tag uint32, data []byte) error {
	if b == nil {
		return tagError("marshal", tag, event.ErrNil)
	}
	if len(data) > MaxPayload {
		return tagError("marshal", tag, ErrTooLong)
	}
	var space [maxHeadSize + small]byte
	head := AppendHeader(space[:0], tag, uint32(len(data)))
	if len(data) <= small {
		return add(b, tag, append(head, data...))
	}
	if _, err := b.AddIOVec([][]byte{head, data}); err != nil {
		return tagError("marshal", tag, err)
	}
	return nil
}

// MarshalString appends a record with the bytes of s. The error is that of Marshal.
// C ends a string at its first NUL; this does not (evtag_marshal_string).
func MarshalString(b *evbuffer.Buffer, tag uint32, s string) error {
	// The bytes are read only, and not kept.
	return Marshal(b, tag, unsafe.Slice(unsafe.StringData(s), len(s)))
}

// MarshalBuffer appends a record, and moves all of data into it without a copy. The
// error is ErrTooLong if that is longer than MaxPayload, ErrRange if data is b
// itself (evtag_marshal_buffer).
func MarshalBuffer(b *evbuffer.Buffer, tag uint32, data *evbuffer.Buffer) error {
	const op = "marshal buffer"
	switch {
	case b == nil || data == nil:
		return tagError(op, tag, event.ErrNil)
	case b == data:
		return tagError(op, tag, ErrRange)
	case data.Len() > MaxPayload:
		return tagError(op, tag, ErrTooLong)
	}
	var space [maxHeadSize]byte
	head := AppendHeader(space[:0], tag, uint32(data.Len()))
	if data.Len() == 0 {
		return add(b, tag, head)
	}
	// The header goes the way of the data, so that all move, or nothing does.
	if err := data.Prepend(head); err != nil {
		return tagError(op, tag, err)
	}
	if err := b.AddBuffer(data); err != nil {
		// What was prepended can be drained.
		_ = data.Drain(len(head))
		return tagError(op, tag, err)
	}
	return nil
}

// MarshalInt appends a record with a number (evtag_marshal_int).
func MarshalInt(b *evbuffer.Buffer, tag, v uint32) error {
	return MarshalInt64(b, tag, uint64(v))
}

// MarshalInt64 appends a record with a number (evtag_marshal_int64).
func MarshalInt64(b *evbuffer.Buffer, tag uint32, v uint64) error {
	var space [maxHeadSize + maxInt64Size]byte
	head := AppendHeader(space[:0], tag, uint32(SizeInt(v)))
	return add(b, tag, AppendInt(head, v))
}

// MarshalTimeval appends a record with a time (evtag_marshal_timeval).
func MarshalTimeval(b *evbuffer.Buffer, tag uint32, tv Timeval) error {
	var space [maxHeadSize + 2*maxIntSize]byte
	head := AppendHeader(space[:0], tag, uint32(SizeTimeval(tv)))
	return add(b, tag, AppendInt(AppendInt(head, uint64(tv.Sec)), uint64(tv.Usec)))
}

// MarshalHeader appends what a record begins with. The caller appends the payload,
// which may be records; SizeRecord and its siblings tell its length before. The
// error is ErrTooLong if length is more than MaxPayload, ErrRange if it is negative.
func MarshalHeader(b *evbuffer.Buffer, tag uint32, length int) error {
	const op = "marshal header"
	if length < 0 {
		return tagError(op, tag, ErrRange)
	}
	if length > MaxPayload {
		return tagError(op, tag, ErrTooLong)
	}
	var space [maxHeadSize]byte
	return add(b, tag, AppendHeader(space[:0], tag, uint32(length)))
}

// EncodeInt appends a bare number, without tag and length (evtag_encode_int).
func EncodeInt(b *evbuffer.Buffer, v uint32) error { return EncodeInt64(b, uint64(v)) }

// EncodeInt64 appends a bare number, without tag and length (evtag_encode_int64).
func EncodeInt64(b *evbuffer.Buffer, v uint64) error {
	if b == nil {
		return opError("encode int", event.ErrNil)
	}
	var space [maxInt64Size]byte
	if err := b.Add(AppendInt(space[:0], v)); err != nil {
		return opError("encode int", err)
	}
	return nil
}

// add appends a part of a record.
func add(b *evbuffer.Buffer, tag uint32, p []byte) error {
	if b == nil {
		return tagError("marshal", tag, event.ErrNil)
	}
	if err := b.Add(p); err != nil {
		return tagError("marshal", tag, err)
	}
	return nil
}
