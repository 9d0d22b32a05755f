package evdnsserver_test

import (
	"bytes"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// enableLocks installs an implementation of locks for the time of the test.
func enableLocks(t *testing.T) {
	t.Helper()
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return new(recursiveLock), nil },
	}))
	evthread.SetIDCallback(goroutine)
	t.Cleanup(func() {
		event.SetLogCallback(func(event.LogSeverity, string) {}) // it is worth a warning
		defer event.SetLogCallback(nil)
		evthread.SetLockCallbacks(nil)
		evthread.SetIDCallback(nil)
	})
}

// A recursiveLock belongs to a goroutine.
type recursiveLock struct {
	mu    sync.Mutex
	owner atomic.Uint64
	depth int
}

func (l *recursiveLock) Lock(evthread.Mode) error {
	me := goroutine()
	if l.owner.Load() != me {
		l.mu.Lock()
		l.owner.Store(me)
	}
	l.depth++
	return nil
}

func (l *recursiveLock) Unlock(evthread.Mode) error {
	if l.owner.Load() != goroutine() {
		return evthread.ErrNotHeld
	}
	if l.depth--; l.depth == 0 {
		l.owner.Store(0)
		l.mu.Unlock()
	}
	return nil
}

// goroutine returns the number of the calling goroutine.
func goroutine() uint64 {
	buf := make([]byte, 64)
	fields := bytes.Fields(buf[:runtime.Stack(buf, false)])
	n, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return n
}

// brokenLock is a lock that cannot be taken.
type brokenLock struct{}

var errBrokenLock = errors.New("broken lock")

func (brokenLock) Lock(evthread.Mode) error   { return errBrokenLock }
func (brokenLock) Unlock(evthread.Mode) error { return errBrokenLock }

// Errors of locks go to the fatal callback, as everywhere.
func TestBrokenLocksAreFatal(t *testing.T) {
	loop, err := event.NewBase()
	ok(t, err)
	t.Cleanup(loop.Free)
	fd, err := datagram.Listen(serverAddr, 0)
	ok(t, err)
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return brokenLock{}, nil },
	}))
	var fatal []error
	event.SetFatalCallback(func(err error) { fatal = append(fatal, err) })
	event.SetLogCallback(func(event.LogSeverity, string) {}) // that locks are removed
	t.Cleanup(func() {
		event.SetFatalCallback(nil)
		event.SetLogCallback(nil)
	})
	s, err := evdnsserver.NewUDP(loop, fd, func(*evdnsserver.Request) {})
	ok(t, evthread.SetLockCallbacks(nil))
	ok(t, err)
	t.Cleanup(s.Close)
	fatal = nil
	s.Stats()
	if len(fatal) != 2 { // of Lock and of Unlock
		t.Errorf("fatal errors %v, want two", fatal)
	}
	for _, err := range fatal {
		is(t, "fatal error", err, errBrokenLock)
	}
}
