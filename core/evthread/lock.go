package evthread

import (
	"time"
)

// A LockType says what a lock can do beyond mutual exclusion. Zero is a plain
// lock: one holder, once.
type LockType uint

const (
	// Recursive locks may be taken again by the thread that holds them, and
	// become free when it has unlocked them as many times
	// (EVTHREAD_LOCKTYPE_RECURSIVE).
	Recursive LockType = 1
	// ReadWrite locks admit any number of readers or one writer
	// (EVTHREAD_LOCKTYPE_READWRITE).
	ReadWrite LockType = 2
)

// String returns the name of the lock type, as error messages use it.
func (t LockType) String() string {
	switch t {
	case 0:
		return "plain lock"
	case Recursive:
		return "recursive lock"
	case ReadWrite:
		return "read-write lock"
	case Recursive | ReadWrite:
		return "recursive read-write lock"
	default:
		return "lock of unknown type"
	}
}

// A Mode says how a lock is to be taken or released. A read-write lock needs
// exactly one of ModeRead and ModeWrite, other locks take neither. ModeTry may
// be added to any of them when locking.
type Mode uint

const (
	// ModeWrite takes or releases a read-write lock for writing
	// (EVTHREAD_WRITE).
	ModeWrite Mode = 0x04
	// ModeRead takes or releases a read-write lock for reading
	// (EVTHREAD_READ).
	ModeRead Mode = 0x08
	// ModeTry makes Lock return ErrBusy rather than wait (EVTHREAD_TRY).
	ModeTry Mode = 0x10
)

// A Lock is one lock of an installed implementation. Its methods may be called
// from any goroutine.
type Lock interface {
	// Lock takes the lock, waiting for it unless mode has ModeTry. The lock is
	// held if and only if the result is nil.
	Lock(mode Mode) error

	// Unlock releases the lock once, in the mode in which it was taken.
	Unlock(mode Mode) error
}

// A Cond is one condition variable of an installed implementation: threads
// wait on it, with a lock, until another thread signals that what the lock
// guards has changed.
type Cond interface {
	// Signal wakes one waiting thread, or with broadcast all of them. The
	// caller holds the lock that the waiters wait with.
	Signal(broadcast bool)

	// Wait releases l completely, however often the caller holds it, waits for
	// a signal or for the timeout, and takes l again as it was before. A
	// negative timeout waits for ever. The result tells whether the timeout
	// ended the wait; the error is for a wait that could not be made, such as
	// one whose caller does not hold l.
	Wait(l Lock, timeout time.Duration) (timedOut bool, err error)
}
