package pthreads

import (
	"errors"
	"fmt"
)

// ErrStopped is the use of a group that is stopping or has stopped. It is wrapped in
// an error that reads "pthreads: operation object: cause".
var ErrStopped = errors.New("group of loops was stopped")

// errExited ends a group of which a callback has ended a loop's goroutine.
var errExited = errors.New("a callback called runtime.Goexit")

// opError adds the package and the operation, with its object, to a cause.
func opError(op string, err error) error { return fmt.Errorf("pthreads: %s: %w", op, err) }
