package evthread

import (
	"fmt"
	"runtime"

	"github.com/go-libevent/libevent/core/internal/evlog"
)

// A Guard brackets what must not happen to an object at the same time: with a
// lock, if the object has one, or else with a check that the calling goroutine
// may use the object. A zero Guard does neither and costs a comparison. Copies
// of a guard are the same guard.
//
// Errors of the lock and the check are misuse: they go to the fatal callback,
// under the name of the object.
type Guard struct{ state *guardState }

type guardState struct {
	name  string
	lock  Lock         // or nil
	check func() error // if there is no lock
}

// NewGuard makes a guard of a recursive lock, or, if lock is nil, of a check that
// returns an error if the caller may not use the object. The lock stays the
// caller's. If both are nil, the guard is zero.
func NewGuard(name string, lock Lock, check func() error) Guard {
	if lock == nil && check == nil {
		return Guard{}
	}
	return Guard{&guardState{name, lock, check}}
}

// NewLockGuard makes a guard of a lock of its own, which is freed when no copy of
// the guard is left in memory: until then a goroutine may take it, if only to find
// that the object was freed. The error is ErrNoLocks if none are installed.
func NewLockGuard(name string) (Guard, error) {
	lock, err := NewLock(Recursive)
	if err != nil {
		return Guard{}, err
	}
	if lock == nil {
		return Guard{}, ErrNoLocks
	}
	g := NewGuard(name, lock, nil)
	runtime.AddCleanup(g.state, func(lock Lock) { FreeLock(lock, Recursive) }, lock)
	return g, nil
}

// Lock begins what the guard brackets, and reports whether Unlock is to end it:
// it is not after misuse that the fatal callback has returned from.
func (g Guard) Lock() bool { return g.state == nil || g.state.enter() }

// Unlock ends what Lock began.
func (g Guard) Unlock() {
	if g.state != nil {
		g.state.leave()
	}
}

// IsZero reports whether the guard does nothing.
func (g Guard) IsZero() bool { return g.state == nil }

// Mutex returns the guard's lock, or nil if it has none.
func (g Guard) Mutex() Lock {
	if g.state == nil {
		return nil
	}
	return g.state.lock
}

// HasLock reports whether the guard has a lock.
func (g Guard) HasLock() bool { return g.state != nil && g.state.lock != nil }

func (s *guardState) enter() bool {
	if s.lock == nil {
		return s.report(s.check())
	}
	return s.report(s.lock.Lock(0))
}

func (s *guardState) leave() {
	if s.lock != nil {
		s.report(s.lock.Unlock(0))
	}
}

// report takes an error to the fatal callback, and says whether there was none.
func (s *guardState) report(err error) bool {
	if err != nil {
		evlog.Fatal(fmt.Errorf("%s: %w", s.name, err))
	}
	return err == nil
}
