package evdns_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/dns/evdns"
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

// With locks, any goroutine may use the resolver, while the loop runs.
func TestManyGoroutines(t *testing.T) {
	const workers, rounds = 4, 60
	checkLeaks(t)
	enableLocks(t)
	loop, err := event.NewBase()
	ok(t, err)
	defer loop.Free()
	u := newUpstream(t)
	u.does(func(q *question) {
		if strings.HasPrefix(q.name(), "tc") {
			truncates(q)
		} else if !strings.HasPrefix(q.name(), "silent") {
			q.good()
		}
	})
	b := newResolverWith(t, loop, 0, u)
	set(t, b, "timeout", "20", "max-inflight", "20", "cache-size", "50")
	loop.AddVirtual()
	ended := make(chan error, 1)
	go func() { ended <- loop.Dispatch() }()

	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range rounds {
				names := []string{
					fmt.Sprintf("w%dn%d.example", w, i), "same.example",
					fmt.Sprintf("tc%dn%d.example", w, i), fmt.Sprintf("silent%dn%d.example", w, i),
				}
				told := make(chan error, len(names))
				for _, name := range names {
					r, err := b.ResolveIPv4(name, 0, func(_ evdns.Answer, err error) { told <- err })
					if err != nil {
						t.Error(err)
						return
					}
					if strings.HasPrefix(name, "silent") {
						r.Cancel()
					}
				}
				for range names {
					if err := <-told; err != nil && !errors.Is(err, evdns.ErrCancel) {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Go(func() {
		for range rounds {
			b.ClearNameserversAndSuspend()
			if err := b.AddNameserver(u.addr); err != nil {
				t.Error(err)
			}
			b.Resume()
			b.CountNameservers()
			b.NameserverFD(0)
			runtime.Gosched()
		}
	})
	group.Wait()

	told := make(chan error, 10)
	for i := range cap(told) {
		_, err := b.ResolveIPv4(fmt.Sprintf("silent%d.example", i), 0, func(_ evdns.Answer, err error) { told <- err })
		ok(t, err)
	}
	b.Free(true)
	for range cap(told) {
		if err := <-told; !errors.Is(err, evdns.ErrShutdown) {
			t.Errorf("error %v", err)
		}
	}
	loop.DelVirtual()
	ok(t, <-ended)
}

// brokenLock is a lock that cannot be taken.
type brokenLock struct{}

var errBrokenLock = errors.New("broken lock")

func (brokenLock) Lock(evthread.Mode) error   { return errBrokenLock }
func (brokenLock) Unlock(evthread.Mode) error { return errBrokenLock }

// Errors of locks go to the fatal callback, as everywhere.
func TestBrokenLocksAreFatal(t *testing.T) {
	loop := newLoop(t)
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
	b, err := evdns.NewBase(loop, evdns.DisableWhenInactive)
	ok(t, evthread.SetLockCallbacks(nil))
	ok(t, err)
	t.Cleanup(func() { b.Free(false) })
	fatal = nil
	b.CountNameservers()
	if len(fatal) != 2 { // of Lock and of Unlock
		t.Errorf("fatal errors %v, want two", fatal)
	}
	for _, err := range fatal {
		is(t, "fatal error", err, errBrokenLock)
	}
}
