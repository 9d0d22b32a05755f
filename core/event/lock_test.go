package event_test

import (
	"bytes"
	"errors"
	"runtime"
	"strconv"
	"sync"
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
	evthread.SetIDCallback(goroutine)
	t.Cleanup(disableLocks)
}

func disableLocks() {
	event.SetLogCallback(func(event.LogSeverity, string) {}) // it is worth a warning
	defer event.SetLogCallback(nil)
	evthread.SetLockCallbacks(nil)
	evthread.SetConditionCallbacks(nil)
	evthread.SetIDCallback(nil)
}

// goroutine returns the number of the calling goroutine, which stands for a
// thread here.
func goroutine() uint64 {
	var buf [32]byte
	trace := buf[:runtime.Stack(buf[:], false)]
	digits, _, _ := bytes.Cut(bytes.TrimPrefix(trace, []byte("goroutine ")), []byte(" "))
	id, _ := strconv.ParseUint(string(digits), 10, 64)
	return id
}

// A lock is a recursive lock.
type lock struct {
	mu    sync.Mutex
	free  sync.Cond
	owner uint64 // 0: nobody
	depth int
}

func newLock() *lock {
	l := new(lock)
	l.free.L = &l.mu
	return l
}

func (l *lock) Lock(mode evthread.Mode) error {
	me := goroutine()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.owner != 0 && l.owner != me {
		if mode&evthread.ModeTry != 0 {
			return evthread.ErrBusy
		}
		l.free.Wait()
	}
	l.owner = me
	l.depth++
	return nil
}

func (l *lock) Unlock(evthread.Mode) error {
	me := goroutine()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner != me {
		return evthread.ErrNotHeld
	}
	l.drop(1)
	return nil
}

// drop gives up n holds; l.mu is held.
func (l *lock) drop(n int) {
	l.depth -= n
	if l.depth == 0 {
		l.owner = 0
		l.free.Signal()
	}
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
	l.mu.Lock()
	depth := l.depth
	l.drop(depth)
	l.mu.Unlock()
	<-signalled
	for range depth {
		if err := l.Lock(0); err != nil {
			return false, err
		}
	}
	return false, nil
}
