package pthreads

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/evthread"
)

// Flags choose among kinds of locks.
type Flags uint

// PrioInherit makes locks inherit priorities: while a thread of a high
// scheduling priority waits for a lock, the thread that holds it runs at that
// priority too. Linux only (EVTHREAD_PTHREAD_PRIO_INHERIT).
const PrioInherit Flags = 0x01

// What is installed: one address a kind, so that installing the same kind again
// is recognised as no change.
var (
	plainLocks = evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive | evthread.ReadWrite,
		Alloc:          allocLock(newSemaphore),
	}
	conditions = evthread.ConditionCallbacks{
		APIVersion: evthread.ConditionAPIVersion,
		Alloc:      allocCond,
	}
)

// Use makes bases, events, buffers and bufferevents usable from any goroutine:
// it installs locks, conditions and thread identities in package evthread. Call
// it before anything that should be locked is made. Calling it again changes
// nothing. It fails with evthread.ErrInstalled if another implementation was
// there first; part of the hooks may then be ours, and nothing should be made
// with the mixture (evthread_use_pthreads, evthread_use_windows_threads).
func Use() error { return UseWithFlags(0) }

// UseWithFlags is Use with a choice of locks. It fails with an error that wraps
// errors.ErrUnsupported where the system has no locks of that kind, and with
// evthread.ErrInstalled when locks of another kind are in force, whereas libevent
// ignores the flags of a second call (evthread_use_pthreads_with_flags).
func UseWithFlags(flags Flags) error {
	if unknown := flags &^ PrioInherit; unknown != 0 {
		return opError("use", fmt.Errorf("unknown flags %#x", uint(unknown)))
	}
	locks := &plainLocks
	if flags&PrioInherit != 0 {
		var err error
		if locks, err = inheritingLocks(); err != nil {
			return opError("priority inheritance", err)
		}
	}
	if err := evthread.SetLockCallbacks(locks); err != nil {
		return opError("use", err)
	}
	if err := evthread.SetConditionCallbacks(&conditions); err != nil {
		return opError("use", err)
	}
	evthread.SetIDCallback(threadID)
	return nil
}

// allocLock returns the Alloc function for mutexes around gates made by newGate.
// Read-write locks are the same whatever the gate: like those of POSIX they
// inherit no priority.
func allocLock(newGate func() gate) func(evthread.LockType) (evthread.Lock, error) {
	return func(t evthread.LockType) (evthread.Lock, error) {
		switch t {
		case 0:
			return &mutex{gate: newGate()}, nil
		case evthread.Recursive:
			return &mutex{gate: newGate(), recursive: true}, nil
		case evthread.ReadWrite:
			return new(rwLock), nil
		default:
			return nil, fmt.Errorf("pthreads: %v: %w", t, errors.ErrUnsupported)
		}
	}
}
