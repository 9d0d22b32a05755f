package bufferevent

import (
	"errors"
	"fmt"
	"os"
)

// Errors that a caller may want to tell apart with errors.Is. What they are
// wrapped in names the operation. A nil argument is event.ErrNil.
var (
	// ErrFreed is the use of a bufferevent after its last reference has gone.
	ErrFreed = errors.New("bufferevent was freed")
	// ErrOptions is a combination of options that makes no sense.
	ErrOptions = errors.New("bad combination of options")
	// ErrRange is a number that is negative or too large.
	ErrRange = errors.New("out of range")
	// ErrWhat is a set of directions with something else than Read and Write
	// in it, or nothing.
	ErrWhat = errors.New("directions are Read and Write")
	// ErrClosed is a write after CloseWrite.
	ErrClosed = errors.New("writing side was closed")
	// ErrBroken is a write after writing has failed.
	ErrBroken = errors.New("writing has failed before")
	// ErrNoPartner is the use of a pair's half whose other half was freed.
	ErrNoPartner = errors.New("other half of the pair was freed")
	// ErrNothingToRead is a Read from an empty input buffer.
	ErrNothingToRead = errors.New("nothing to read yet")
	// ErrConnecting is a second Connect while one is under way.
	ErrConnecting = errors.New("connecting already")
	// ErrFamily is an address to connect to that is of another family than the
	// local one that was set.
	ErrFamily = errors.New("not of the family of the local address")
	// ErrNeedMore is what a filter returns that needs more input before it
	// can give anything (BEV_NEED_MORE).
	ErrNeedMore = errors.New("filter needs more input")
	// ErrBlocked is what a Transform's Decode returns that goes on only when what is
	// below has written some of its output, as it has to answer to what arrives.
	ErrBlocked = errors.New("output below has to drain first")
	// ErrGroup is the use of a rate limit group that still has members, or of
	// one after its Free.
	ErrGroup = errors.New("rate limit group has members, or was freed")
	// ErrNoLimit is the use of a rate limit that was not set.
	ErrNoLimit = errors.New("no rate limit is set")
)

// errFailed is what a connection has failed with whose transport does not say.
var errFailed = errors.New("connection has failed")

// opError names the operation that an error is about.
func opError(op string, err error) error {
	return fmt.Errorf("bufferevent: %s: %w", op, err)
}

// errTimeout is what Err returns after a timeout.
func errTimeout(direction string) error {
	return fmt.Errorf("bufferevent: %s: %w", direction, os.ErrDeadlineExceeded)
}
