package evdeflate

import (
	"errors"
	"fmt"
)

// Errors that a caller may want to tell apart with errors.Is. Data that ends too early is
// io.ErrUnexpectedEOF. After an error an Inflater or Deflater returns it each time, until
// Reset.
var (
	// ErrCorrupt is data that cannot come from deflate, or not in this format.
	ErrCorrupt = errors.New("corrupt data")
	// ErrChecksum is data that were changed: the checksum or the length at their end is
	// another one.
	ErrChecksum = errors.New("wrong checksum")
	// ErrTooLarge is data that would become larger than the limits allow, see
	// InflateConfig.
	ErrTooLarge = errors.New("inflated data are too large")
	// ErrDictionary is zlib data that need a dictionary, which is not supported.
	ErrDictionary = errors.New("preset dictionary")
	// ErrConfig is a configuration that cannot be used.
	ErrConfig = errors.New("invalid configuration")
	// ErrFinished is data for a Deflater that was told the end.
	ErrFinished = errors.New("stream is finished")
)

// opError names the operation that an error is about.
func opError(op string, err error) error { return fmt.Errorf("evdeflate: %s: %w", op, err) }

// corrupt says what is wrong with the data.
func corrupt(what string) error { return fmt.Errorf("%w: %s", ErrCorrupt, what) }
