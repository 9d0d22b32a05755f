package evtag

import (
	"strings"
	"unsafe"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A FieldError says which field of a message an error is about. It reads
// "evtag: Struct.field.field: cause", with the fields from outside in.
type FieldError struct {
	// Struct is the name of the message.
	Struct string
	// Field is the name of the field, or "" for the message itself.
	Field string
	// Err is the cause, which for messages in messages is a FieldError, too.
	Err error
}

func (e *FieldError) Error() string { return "evtag: " + e.path() }

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// path is Error without the name of the package.
func (e *FieldError) path() string {
	var text strings.Builder
	text.WriteString(e.Struct)
	for {
		if e.Field != "" {
			text.WriteString("." + e.Field)
		}
		inner, ok := e.Err.(*FieldError)
		if !ok {
			text.WriteString(": " + e.Err.Error())
			return text.String()
		}
		e = inner
	}
}

// InField returns a FieldError, or nil if err is nil.
func InField(message, field string, err error) error {
	if err == nil {
		return nil
	}
	return &FieldError{message, field, err}
}

// Reserve returns free space at the end of b, a slice without bytes, to which n may be
// appended. [Commit] makes them a part of b. The errors are those of evbuffer's Reserve.
func Reserve(b *evbuffer.Buffer, n int) ([]byte, error) {
	if b == nil {
		return nil, opError("marshal", event.ErrNil)
	}
	if n > MaxPayload {
		return nil, opError("marshal", ErrTooLong)
	}
	var space [1][]byte
	if _, err := b.Reserve(n, space[:]); err != nil {
		return nil, opError("marshal", err)
	}
	return space[0][:0], nil
}

// Commit makes p, which is what was appended to the space from [Reserve], a part of b.
func Commit(b *evbuffer.Buffer, p []byte) error {
	if err := b.Commit([][]byte{p}); err != nil {
		return opError("marshal", err)
	}
	return nil
}

// maxKept is how much memory of an array Keep keeps, in bytes.
const maxKept = 64 << 10

// Keep returns the memory of an array that is not needed any more, for its next elements,
// or nil if it is so much that a message which is kept for later should not hold it.
func Keep[T any](s []T) []T {
	if uintptr(cap(s))*unsafe.Sizeof(*new(T)) > maxKept {
		return nil
	}
	clear(s)
	return s[:0]
}

// AppendIntRecord appends a record with a number to dst.
func AppendIntRecord(dst []byte, tag uint32, v uint64) []byte {
	return AppendInt(AppendHeader(dst, tag, uint32(SizeInt(v))), v)
}

// AppendRecord appends a record with bytes to dst, which must be no more than MaxPayload.
func AppendRecord[P string | []byte](dst []byte, tag uint32, payload P) []byte {
	return append(AppendHeader(dst, tag, uint32(len(payload))), payload...)
}

// SizeIntRecord returns the number of bytes that AppendIntRecord appends.
func SizeIntRecord(tag uint32, v uint64) int { return SizeRecord(tag, SizeInt(v)) }
