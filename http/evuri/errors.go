package evuri

import (
	"errors"
	"fmt"
)

// Errors of URIs and queries. All of them arrive wrapped, with what was refused.
var (
	// ErrURI is something that is no URI, or cannot be a part of one.
	ErrURI = errors.New("invalid URI")
	// ErrQuery is a query that is not made of names and values.
	ErrQuery = errors.New("malformed query")
	// ErrTooMany says that there are more fields, or more parts of a form, than
	// the limit allows.
	ErrTooMany = errors.New("too many fields")
)

// Errors of forms.
var (
	// ErrFormType says that a body is not of a type that forms have. The status
	// to answer with is 415.
	ErrFormType = errors.New("not a form")
	// ErrForm is a form that is malformed or has no end.
	ErrForm = errors.New("malformed form")
	// ErrFormTooLarge is a form beyond the limit. The status to answer with is
	// 413.
	ErrFormTooLarge = errors.New("form too large")
)

// uriError names the bad part, and quotes at most 100 bytes of s.
func uriError(op, s string, bad Part) error {
	return fmt.Errorf("evuri: %s %.100q: %w: bad %v", op, s, ErrURI, bad)
}
