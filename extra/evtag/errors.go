package evtag

import (
	"errors"
	"fmt"
)

// Errors that a caller may want to tell apart with errors.Is. A nil buffer is
// event.ErrNil; a frozen end is evbuffer.ErrFrozen. An operation that fails has
// changed nothing.
var (
	// ErrIncomplete says that the record is not all there yet. For who reads
	// from a stream it is part of normal life, and comes without being wrapped.
	ErrIncomplete = errors.New("evtag: record is incomplete")
	// ErrMalformed is a tag or number that does not fit its type, or a payload
	// or nested record that ends in the middle of something.
	ErrMalformed = errors.New("malformed record")
	// ErrTag is another tag than the one that is needed.
	ErrTag = errors.New("other tag")
	// ErrLength is a payload of another length than the one that is needed.
	ErrLength = errors.New("other length")
	// ErrTooLong is a payload beyond the limit (see Decoder.SetMaxPayload), or
	// beyond MaxPayload.
	ErrTooLong = errors.New("payload is too long")
	// ErrTooDeep is a record within more records than the limit allows (see
	// Decoder.SetMaxDepth).
	ErrTooDeep = errors.New("records are nested too deep")
	// ErrNotCanonical is what a strict Decoder refuses though C takes it: a
	// number in more bytes than it needs, padding that is not zero, or a payload
	// that goes on after its numbers.
	ErrNotCanonical = errors.New("not as it would be written")
	// ErrRange is an argument that is out of range.
	ErrRange = errors.New("out of range")
	// ErrNested is a Drain of a Reader that is inside a record.
	ErrNested = errors.New("reader is inside a record")
	// ErrUnknown is a record whose tag a message does not have.
	ErrUnknown = errors.New("unknown field")
	// ErrDuplicate is a second record of a field that is no array.
	ErrDuplicate = errors.New("field is there twice")
	// ErrMissing is a message without a field that it has to have.
	ErrMissing = errors.New("field is missing")
	// ErrMemory is a message that takes more memory than the limit allows (see
	// ParserConfig).
	ErrMemory = errors.New("message takes too much memory")
)

// opError names the operation that an error is about.
func opError(op string, err error) error {
	return fmt.Errorf("evtag: %s: %w", op, err)
}

// tagError names the operation and the record that an error is about.
func tagError(op string, tag uint32, err error) error {
	if err == ErrIncomplete {
		return err
	}
	return fmt.Errorf("evtag: %s: tag %d: %w", op, tag, err)
}
