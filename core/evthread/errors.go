package evthread

import (
	"errors"
	"fmt"
)

// Errors of callbacks and guards, in one that reads "evthread: operation object: cause".
var (
	// ErrInstalled is returned when callbacks are set while others are in force.
	ErrInstalled = errors.New("other callbacks are already installed")
	// ErrNoLocks is returned where a lock is necessary and no implementation is
	// installed.
	ErrNoLocks = errors.New("no lock callbacks are installed")
)

// Errors of locks. Implementations return ErrBusy, ErrNotHeld, ErrRecursive
// and ErrMode, bare or wrapped; the others come from lock debugging.
var (
	// ErrBusy is the answer to ModeTry when another thread holds the lock.
	ErrBusy = errors.New("lock is busy")
	// ErrNotHeld reports a lock that the calling thread does not hold (in
	// that mode) being unlocked or waited with.
	ErrNotHeld = errors.New("lock is not held by this thread")
	// ErrRecursive reports that the calling thread holds the lock already and
	// its type does not let it be taken again.
	ErrRecursive = errors.New("lock is already held by this thread")
	// ErrMode reports a mode that the type of the lock does not have.
	ErrMode = errors.New("mode does not fit the type of the lock")
	// ErrHeld reports a lock being freed while a thread holds it.
	ErrHeld = errors.New("lock is still held")
	// ErrFreed reports the use of a lock after FreeLock.
	ErrFreed = errors.New("lock has been freed")
	// ErrLockType reports a lock being freed as another type than it was
	// made with.
	ErrLockType = errors.New("lock was made with another type")
)

// opError adds the package and the operation, with its object, to a cause.
func opError(op string, err error) error { return fmt.Errorf("evthread: %s: %w", op, err) }
