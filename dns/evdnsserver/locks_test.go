package evdnsserver_test

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
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
