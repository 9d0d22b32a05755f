package dnswire

import "errors"

// Errors of names and messages.
var (
	// ErrName is a name that cannot be looked up: it is too long, or has an empty
	// label or characters that no host name has.
	ErrName = errors.New("not a host name")
	// ErrAddress is an address that is not valid.
	ErrAddress = errors.New("not an address")
	// ErrMalformed is a message that ends early or cannot be parsed.
	ErrMalformed = errors.New("malformed message")
)
