package evthread_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
)

var errWrong = errors.New("wrong goroutine")

func TestGuard(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name  string
		lock  *fakeLock
		check func() error

		enters bool  // Lock may be followed by Unlock
		depth  int   // of the lock meanwhile
		fatal  error // of Lock
		zero   bool
	}{
		{name: "zero", zero: true, enters: true},
		{name: "with a lock", lock: new(fakeLock), enters: true, depth: 1},
		{name: "with a lock that fails", lock: &fakeLock{err: broken}, fatal: broken},
		{name: "of the right goroutine", check: func() error { return nil }, enters: true},
		{name: "of the wrong goroutine", check: func() error { return errWrong }, fatal: errWrong},
		{name: "with a lock, which is what counts", lock: new(fakeLock), check: func() error { return errWrong }, enters: true, depth: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := install(t)
			var lock evthread.Lock
			if tt.lock != nil {
				lock = tt.lock
			}
			g := evthread.NewGuard("thing 7", lock, tt.check)
			copied := g
			if g.IsZero() != tt.zero || g.HasLock() != (lock != nil) || g.Mutex() != lock {
				t.Errorf("IsZero %v, HasLock %v, Mutex %v", g.IsZero(), g.HasLock(), g.Mutex())
			}
			if got := g.Lock(); got != tt.enters {
				t.Errorf("Lock: %v, want %v", got, tt.enters)
			}
			f.wantFatal(t, tt.fatal)
			if tt.fatal != nil && !strings.HasPrefix(f.fatal[0].Error(), "thing 7: ") {
				t.Errorf("fatal error %q does not name the object", f.fatal[0])
			}
			if lock != nil && tt.lock.depth != tt.depth {
				t.Errorf("depth %d, want %d", tt.lock.depth, tt.depth)
			}
			if !tt.enters {
				return
			}
			copied.Unlock()
			f.wantFatal(t, nil)
			if lock != nil && tt.lock.depth != 0 {
				t.Errorf("depth %d after Unlock by a copy, want 0", tt.lock.depth)
			}
		})
	}
}

// What is unlocked without being locked is misuse like any other.
func TestGuardReportsErrorsOfUnlock(t *testing.T) {
	f := install(t)
	g := evthread.NewGuard("thing", notHeld{}, nil)
	g.Unlock()
	f.wantFatal(t, evthread.ErrNotHeld)
}

type notHeld struct{}

func (notHeld) Lock(evthread.Mode) error   { return nil }
func (notHeld) Unlock(evthread.Mode) error { return evthread.ErrNotHeld }

func TestNewLockGuardNeedsAnImplementation(t *testing.T) {
	forgetHooks(t)
	if g, err := evthread.NewLockGuard("thing"); err != evthread.ErrNoLocks || !g.IsZero() {
		t.Errorf("guard %v, error %v, want none and %v", g, err, evthread.ErrNoLocks)
	}
}

func TestNewLockGuardReportsErrors(t *testing.T) {
	forgetHooks(t)
	broken := errors.New("broken")
	err := evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return nil, broken },
	})
	if err != nil {
		t.Fatal(err)
	}
	if g, err := evthread.NewLockGuard("thing"); !errors.Is(err, broken) || !g.IsZero() {
		t.Errorf("guard %v, error %v, want none and %v", g, err, broken)
	}
}

// The lock is freed after the last copy of the guard, as the type that it was made
// with, and not before.
func TestNewLockGuardFreesItsLock(t *testing.T) {
	forgetHooks(t)
	freed := make(chan evthread.LockType, 1)
	err := evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return new(fakeLock), nil },
		Free:           func(_ evthread.Lock, t evthread.LockType) { freed <- t },
	})
	if err != nil {
		t.Fatal(err)
	}
	holder := new(struct{ evthread.Guard })
	if holder.Guard, err = evthread.NewLockGuard("thing"); err != nil {
		t.Fatal(err)
	}
	last := holder.Guard
	holder = nil
	runtime.GC()
	select {
	case <-freed:
		t.Error("freed while there is a copy")
	default:
	}
	last.Lock()
	last.Unlock()
	last = evthread.Guard{}
	for deadline := time.Now().Add(10 * time.Second); ; runtime.GC() {
		select {
		case typ := <-freed:
			if typ != evthread.Recursive {
				t.Errorf("freed as %v, want %v", typ, evthread.Recursive)
			}
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the lock was not freed")
		}
	}
}
