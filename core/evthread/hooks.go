package evthread

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/internal/evlog"
)

const (
	// LockAPIVersion is the version of LockCallbacks that this package
	// understands (EVTHREAD_LOCK_API_VERSION).
	LockAPIVersion = 1
	// ConditionAPIVersion is the version of ConditionCallbacks that this
	// package understands (EVTHREAD_CONDITION_API_VERSION).
	ConditionAPIVersion = 1
)

// LockCallbacks describe an implementation of locks. They must not be changed
// once they have been installed (struct evthread_lock_callbacks).
type LockCallbacks struct {
	// APIVersion is LockAPIVersion.
	APIVersion int
	// SupportedTypes are the types that Alloc understands. Recursive is
	// mandatory.
	SupportedTypes LockType
	// Alloc makes an unlocked lock of the given type.
	Alloc func(LockType) (Lock, error)
	// Free releases what a lock of the given type owns. It may be nil.
	Free func(Lock, LockType)
}

// ConditionCallbacks describe an implementation of condition variables. They
// must not be changed once they have been installed
// (struct evthread_condition_callbacks).
type ConditionCallbacks struct {
	// APIVersion is ConditionAPIVersion.
	APIVersion int
	// Alloc makes a condition variable. The type is always zero in this
	// version.
	Alloc func(condType uint) (Cond, error)
	// Free releases what a condition variable owns. It may be nil.
	Free func(Cond)
}

// The hooks are read by any goroutine while another may be setting them.
var (
	locks      atomic.Pointer[LockCallbacks]
	conditions atomic.Pointer[ConditionCallbacks]
	identity   atomic.Pointer[func() uint64]
)

// SetLockCallbacks installs the implementation of locks that bases and buffers
// made from now on will use; nil removes it, which is of use to little more
// than tests, for objects that have locks keep them. Installing the same
// pointer again changes nothing; another one is refused with ErrInstalled. Call
// it before anything that should be locked is made. It may be called from any
// goroutine (evthread_set_lock_callbacks).
func SetLockCallbacks(cbs *LockCallbacks) error {
	if cbs == nil {
		if locks.Swap(nil) != nil {
			evlog.Logf(evlog.Warn, "evthread: lock callbacks removed; locks made before are still in use")
		}
		return nil
	}
	if err := cbs.check(); err != nil {
		return opError("set lock callbacks", err)
	}
	if !locks.CompareAndSwap(nil, cbs) && locks.Load() != cbs {
		return opError("set lock callbacks", ErrInstalled)
	}
	return nil
}

func (cbs *LockCallbacks) check() error {
	switch {
	case cbs.APIVersion != LockAPIVersion:
		return fmt.Errorf("API version %d, want %d", cbs.APIVersion, LockAPIVersion)
	case cbs.SupportedTypes&Recursive == 0:
		return errors.New("recursive locks are not supported")
	case cbs.Alloc == nil:
		return errors.New("no Alloc function")
	}
	return nil
}

// SetConditionCallbacks installs the implementation of condition variables, by
// the same rules as SetLockCallbacks (evthread_set_condition_callbacks).
func SetConditionCallbacks(cbs *ConditionCallbacks) error {
	if cbs == nil {
		if conditions.Swap(nil) != nil {
			evlog.Logf(evlog.Warn, "evthread: condition callbacks removed; conditions made before are still in use")
		}
		return nil
	}
	if err := cbs.check(); err != nil {
		return opError("set condition callbacks", err)
	}
	if !conditions.CompareAndSwap(nil, cbs) && conditions.Load() != cbs {
		return opError("set condition callbacks", ErrInstalled)
	}
	return nil
}

func (cbs *ConditionCallbacks) check() error {
	switch {
	case cbs.APIVersion != ConditionAPIVersion:
		return fmt.Errorf("API version %d, want %d", cbs.APIVersion, ConditionAPIVersion)
	case cbs.Alloc == nil:
		return errors.New("no Alloc function")
	}
	return nil
}

// SetIDCallback installs the function that tells threads apart; nil removes
// it. Calls made by one thread must give the same number, and no two threads
// that live at the same time may share one (evthread_set_id_callback).
func SetIDCallback(fn func() uint64) {
	if fn == nil {
		identity.Store(nil)
		return
	}
	identity.Store(&fn)
}

// ID returns the identity of the calling thread, or 1 when no id callback is
// installed.
func ID() uint64 {
	if fn := identity.Load(); fn != nil {
		return (*fn)()
	}
	return 1
}

// Enabled reports whether lock callbacks are installed, that is, whether
// objects made now can be locked.
func Enabled() bool { return locks.Load() != nil }

// NewLock makes a lock of the installed implementation. Both results are nil
// when locking is not enabled.
func NewLock(t LockType) (Lock, error) {
	cbs := locks.Load()
	if cbs == nil {
		return nil, nil
	}
	if t&^cbs.SupportedTypes != 0 {
		return nil, opError(fmt.Sprint("make ", t), errors.ErrUnsupported)
	}
	alloc := cbs.Alloc
	if LockDebuggingEnabled() {
		alloc = cbs.allocDebug
	}
	l, err := alloc(t)
	if err != nil {
		return nil, opError(fmt.Sprint("make ", t), err)
	}
	return l, nil
}

// FreeLock gives back a lock that NewLock made with the same type. It must not
// be held or used again. A nil lock is left alone.
func FreeLock(l Lock, t LockType) {
	if d, ok := l.(*debugLock); ok {
		d.free(t)
		return
	}
	if cbs := locks.Load(); l != nil && cbs != nil && cbs.Free != nil {
		cbs.Free(l, t)
	}
}

// NewCond makes a condition variable of the installed implementation. Both
// results are nil when no condition callbacks are installed.
func NewCond() (Cond, error) {
	cbs := conditions.Load()
	if cbs == nil {
		return nil, nil
	}
	c, err := cbs.Alloc(0)
	if err != nil {
		return nil, opError("make condition", err)
	}
	if LockDebuggingEnabled() {
		c = &debugCond{inner: c}
	}
	return c, nil
}

// FreeCond gives back a condition variable that NewCond made. It must not be
// waited on or used again. A nil condition is left alone.
func FreeCond(c Cond) {
	if d, ok := c.(*debugCond); ok {
		c = d.inner
	}
	if cbs := conditions.Load(); c != nil && cbs != nil && cbs.Free != nil {
		cbs.Free(c)
	}
}
