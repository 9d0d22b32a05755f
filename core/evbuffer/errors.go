package evbuffer

import (
	"errors"
	"fmt"
)

// Errors that a caller may want to tell apart with errors.Is. What they are
// wrapped in names the operation. A nil argument is event.ErrNil. An operation that
// fails with one of them has changed nothing.
var (
	// ErrFrozen is a change to an end of a buffer that Freeze protects.
	ErrFrozen = errors.New("end of the buffer is frozen")
	// ErrRange is a size, offset or position that is negative, or more than
	// there is.
	ErrRange = errors.New("out of range")
	// ErrPosition is a Ptr that was never set, belongs to another buffer, or
	// is from before a change that made it meaningless.
	ErrPosition = errors.New("position is not one of this buffer")
	// ErrNotFound says that there is no match, or no complete line yet. It is
	// part of normal life, and comes without being wrapped.
	ErrNotFound = errors.New("not found")
	// ErrNotReserved is a commit of something else than the space that
	// Reserve has given out last.
	ErrNotReserved = errors.New("space is not reserved")
	// ErrNested is a buffer reference to data that is itself a reference to
	// another buffer, or part of a file.
	ErrNested = errors.New("cannot reference a buffer that has buffer references or file segments")
	// ErrOwned is an attempt to free or observe a buffer, or to freeze or unfreeze
	// an end of it, that is for the object alone which the buffer is a part of.
	ErrOwned = errors.New("buffer belongs to another object")
	// ErrFlag is a flag that does not exist.
	ErrFlag = errors.New("unknown flag")
	// ErrLocking is a buffer that has a lock already, or needs one while no
	// implementation of locks is installed.
	ErrLocking = errors.New("buffer has a lock, or there are no locks")
	// ErrNoCallback is a callback entry that is not on the buffer.
	ErrNoCallback = errors.New("callback is not on this buffer")
	// ErrSegmentFreed is the use of a file segment after its Free.
	ErrSegmentFreed = errors.New("file segment was freed")
)

// opError names the operation that an error is about.
func opError(op string, err error) error {
	return fmt.Errorf("evbuffer: %s: %w", op, err)
}

// fdError names the system call and the descriptor that an error is about.
func fdError(call string, fd int, err error) error {
	return fmt.Errorf("%s fd %d: %w", call, fd, err)
}
