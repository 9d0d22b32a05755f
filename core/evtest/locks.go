package evtest

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
)

// A LockCount counts the locks that Locks has provided.
type LockCount struct{ made, freed atomic.Int32 }

// Made returns how many locks were made.
func (c *LockCount) Made() int { return int(c.made.Load()) }

// Freed returns how many of them were freed.
func (c *LockCount) Freed() int { return int(c.freed.Load()) }

// Locks installs an implementation of locks and conditions until the test ends, as
// the package pthreads does for a program. There must be none. What is made before it
// has no locks.
func Locks(t testing.TB) *LockCount {
	t.Helper()
	c := new(LockCount)
	err := evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc: func(evthread.LockType) (evthread.Lock, error) {
			c.made.Add(1)
			return &lock{count: c}, nil
		},
		Free: freeLock,
	})
	if err != nil {
		t.Fatal(err)
	}
	err = evthread.SetConditionCallbacks(&evthread.ConditionCallbacks{
		APIVersion: evthread.ConditionAPIVersion,
		Alloc:      func(uint) (evthread.Cond, error) { return new(condition), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	evthread.SetIDCallback(func() uint64 { return uint64(evthread.Goroutine()) })
	t.Cleanup(func() {
		event.SetLogCallback(func(event.LogSeverity, string) {}) // it is worth a warning
		defer event.SetLogCallback(nil)
		_ = evthread.SetLockCallbacks(nil)      // nil is always possible
		_ = evthread.SetConditionCallbacks(nil) // as well
		evthread.SetIDCallback(nil)
	})
	return c
}

// freeLock may also get a lock that was made in an earlier test, and even one that
// Locks has not made: what has a lock gives it back when it is garbage.
func freeLock(l evthread.Lock, _ evthread.LockType) {
	if l, ok := l.(*lock); ok {
		l.freed.Store(true)
		l.count.freed.Add(1)
	}
}

// A lock is recursive and belongs to a goroutine.
type lock struct {
	count *LockCount
	mu    sync.Mutex
	owner atomic.Uintptr // 0: none
	depth int            // the owner's alone
	freed atomic.Bool    // it may not be taken any more
}

func (l *lock) held() bool { return l.owner.Load() == evthread.Goroutine() }

// Lock implements evthread.Lock.
func (l *lock) Lock(mode evthread.Mode) error {
	switch {
	case l.freed.Load():
		return evthread.ErrFreed
	case l.held():
		l.depth++
		return nil
	case mode&evthread.ModeTry == 0:
		l.mu.Lock()
	case !l.mu.TryLock():
		return evthread.ErrBusy
	}
	l.own(1)
	return nil
}

func (l *lock) own(depth int) {
	l.owner.Store(evthread.Goroutine())
	l.depth = depth
}

// Unlock implements evthread.Lock.
func (l *lock) Unlock(evthread.Mode) error {
	if !l.held() {
		return evthread.ErrNotHeld
	}
	if l.depth--; l.depth == 0 {
		l.disown()
	}
	return nil
}

func (l *lock) disown() {
	l.owner.Store(0)
	l.mu.Unlock()
}

// A condition is guarded by the lock that its users wait with.
type condition struct{ waiting []chan struct{} }

// Signal implements evthread.Cond.
func (c *condition) Signal(broadcast bool) {
	for len(c.waiting) > 0 {
		close(c.waiting[0])
		c.waiting = c.waiting[1:]
		if !broadcast {
			return
		}
	}
}

// Wait implements evthread.Cond.
func (c *condition) Wait(with evthread.Lock, timeout time.Duration) (timedOut bool, err error) {
	l, ok := with.(*lock)
	if !ok || !l.held() {
		return false, evthread.ErrNotHeld
	}
	signalled := make(chan struct{})
	c.waiting = append(c.waiting, signalled)
	depth := l.depth
	l.disown()
	expired := (<-chan time.Time)(nil)
	if timeout >= 0 {
		expired = time.After(timeout)
	}
	select {
	case <-signalled:
	case <-expired:
	}
	l.mu.Lock()
	l.own(depth)
	i := slices.Index(c.waiting, signalled)
	if i < 0 {
		return false, nil // signalled, be it at the last moment
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return true, nil
}
