package event_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
)

// enableLocks gives bases locks from here to the end of the test.
func enableLocks(t testing.TB) {
	t.Helper()
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return newLock(), nil },
	}))
	ok(t, evthread.SetConditionCallbacks(&evthread.ConditionCallbacks{
		APIVersion: evthread.ConditionAPIVersion,
		Alloc:      func(uint) (evthread.Cond, error) { return new(condition), nil },
	}))
	evthread.SetIDCallback(thread)
	t.Cleanup(disableLocks)
}

func disableLocks() {
	event.SetLogCallback(func(event.LogSeverity, string) {}) // it is worth a warning
	defer event.SetLogCallback(nil)
	evthread.SetLockCallbacks(nil)
	evthread.SetConditionCallbacks(nil)
	evthread.SetIDCallback(nil)
}

// A lock is a recursive lock. Whoever holds it is pinned to a thread, so that
// the thread's number, which is quick to get on some systems, says who it is.
type lock struct {
	mu    sync.Mutex
	owner atomic.Uint64 // 0: nobody
	depth int           // the owner's alone
}

func newLock() *lock { return new(lock) }

func (l *lock) Lock(mode evthread.Mode) error {
	if l.held() {
		l.depth++
		return nil
	}
	if mode&evthread.ModeTry == 0 {
		l.mu.Lock()
	} else if !l.mu.TryLock() {
		return evthread.ErrBusy
	}
	l.own(1)
	return nil
}

func (l *lock) held() bool {
	if l.owner.Load() == 0 {
		return false
	}
	runtime.LockOSThread() // between the two looks
	defer runtime.UnlockOSThread()
	return thread() == l.owner.Load()
}

func (l *lock) own(depth int) {
	runtime.LockOSThread()
	l.owner.Store(thread())
	l.depth = depth
}

func (l *lock) Unlock(evthread.Mode) error {
	if !l.held() {
		return evthread.ErrNotHeld
	}
	l.depth--
	if l.depth == 0 {
		l.disown()
	}
	return nil
}

func (l *lock) disown() {
	l.owner.Store(0)
	l.mu.Unlock()
	runtime.UnlockOSThread()
}

// A condition is guarded by the lock that its users wait with.
type condition struct {
	waiting []chan struct{}
}

func (c *condition) Signal(broadcast bool) {
	for len(c.waiting) > 0 {
		close(c.waiting[0])
		c.waiting = c.waiting[1:]
		if !broadcast {
			return
		}
	}
}

func (c *condition) Wait(with evthread.Lock, timeout time.Duration) (timedOut bool, err error) {
	if timeout >= 0 {
		return false, errors.ErrUnsupported // a base never asks for it
	}
	l := with.(*lock)
	signalled := make(chan struct{})
	c.waiting = append(c.waiting, signalled)
	depth := l.depth
	l.disown()
	<-signalled
	l.mu.Lock()
	l.own(depth)
	return false, nil
}

// Locks may be installed without conditions. Del then still waits for the
// callback of another thread.
func TestDelWaitsWithoutConditions(t *testing.T) {
	enableLocks(t)
	ok(t, evthread.SetConditionCallbacks(nil))
	b := newBase(t, nil)
	running, deleting := make(chan struct{}), make(chan struct{})
	var returned atomic.Bool
	ev := b.NewUser(func(*event.Event, event.What) {
		close(running)
		<-deleting
		time.Sleep(10 * time.Millisecond) // usually, Del waits by now
		returned.Store(true)
	})
	ev.Activate(event.Read)
	wait := goes(t, func() { dispatch(t, b) })
	<-running
	goes(t, func() {
		close(deleting)
		ok(t, ev.Del())
		same(t, "the callback had returned", returned.Load(), true)
	})()
	wait()
}
