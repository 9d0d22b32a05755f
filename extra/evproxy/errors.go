package evproxy

import (
	"errors"
	"fmt"
)

// Errors that a caller may want to tell apart with errors.Is. A stream that ends within a
// header is io.ErrUnexpectedEOF. All but ErrIncomplete and those of arguments are reasons to
// end the connection, and are not mended by what comes later.
var (
	// ErrIncomplete says that the header is not all there yet. For who reads from a
	// stream it is part of normal life, and comes without being wrapped.
	ErrIncomplete = errors.New("evproxy: header is incomplete")
	// ErrInvalid is something else than a header, or one that breaks a rule.
	ErrInvalid = errors.New("invalid header")
	// ErrChecksum is a header that was changed on its way.
	ErrChecksum = errors.New("wrong checksum")
	// ErrTooLong is a header beyond the limit, see Config.MaxSize.
	ErrTooLong = errors.New("header is too long")
	// ErrVersion is a header of a version that is not accepted, see Config.Versions.
	ErrVersion = errors.New("version is not accepted")
	// ErrUntrusted is a peer that is not believed, see Config.Trust.
	ErrUntrusted = errors.New("peer is not trusted")
	// ErrTimeout is a header that has not come in time, see Config.Timeout.
	ErrTimeout = errors.New("no header in time")
	// ErrClosed is a Receiver that was freed.
	ErrClosed = errors.New("receiver is closed")
	// ErrOutput is a header for a stream in whose output is something already.
	ErrOutput = errors.New("output is not empty")
	// ErrConfig is a configuration that cannot be used.
	ErrConfig = errors.New("invalid configuration")
)

// opError names the operation that an error is about.
func opError(op string, err error) error { return fmt.Errorf("evproxy: %s: %w", op, err) }

// invalid says what is wrong with a header.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
