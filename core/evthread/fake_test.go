package evthread_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// A fakeLock counts how often it is held and excludes nobody. Its next call to
// Lock fails with err.
type fakeLock struct {
	typ   evthread.LockType
	depth int
	err   error
}

func (l *fakeLock) Lock(evthread.Mode) error {
	if l.err != nil {
		return l.err
	}
	l.depth++
	return nil
}

func (l *fakeLock) Unlock(evthread.Mode) error {
	l.depth--
	return nil
}

// A fakeCond answers at once, after calling during.
type fakeCond struct {
	during    func(l evthread.Lock, timeout time.Duration)
	timedOut  bool
	err       error
	signals   int
	broadcast bool
}

func (c *fakeCond) Signal(broadcast bool) {
	c.signals++
	c.broadcast = broadcast
}

func (c *fakeCond) Wait(l evthread.Lock, timeout time.Duration) (bool, error) {
	if c.during != nil {
		c.during(l, timeout)
	}
	return c.timedOut, c.err
}

// fakes is an installed implementation, what it made and freed, and what was
// reported as fatal.
type fakes struct {
	thread uint64 // what the id callback answers

	lock  *fakeLock // the last one made
	cond  *fakeCond
	freed []any // locks, with the types they were freed as, and conditions

	fatal []error
}

// forgetHooks gives the test a state without hooks, and the next one too.
func forgetHooks(t *testing.T) {
	evthread.Reset()
	t.Cleanup(evthread.Reset)
}

func install(t *testing.T) *fakes {
	t.Helper()
	forgetHooks(t)
	f := &fakes{thread: 1, cond: new(fakeCond)}
	evlog.SetFatal(func(err error) { f.fatal = append(f.fatal, err) })
	t.Cleanup(func() { evlog.SetFatal(nil) })

	err := evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive | evthread.ReadWrite,
		Alloc: func(t evthread.LockType) (evthread.Lock, error) {
			f.lock = &fakeLock{typ: t}
			return f.lock, nil
		},
		Free: func(l evthread.Lock, t evthread.LockType) { f.freed = append(f.freed, l, t) },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = evthread.SetConditionCallbacks(&evthread.ConditionCallbacks{
		APIVersion: evthread.ConditionAPIVersion,
		Alloc:      func(uint) (evthread.Cond, error) { return f.cond, nil },
		Free:       func(c evthread.Cond) { f.freed = append(f.freed, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	evthread.SetIDCallback(func() uint64 { return f.thread })
	return f
}

func newLock(t *testing.T, typ evthread.LockType) evthread.Lock {
	t.Helper()
	l, err := evthread.NewLock(typ)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newCond(t *testing.T) evthread.Cond {
	t.Helper()
	c, err := evthread.NewCond()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantFatal checks that exactly the given mistake was reported, or none if it
// is nil.
func (f *fakes) wantFatal(t *testing.T, mistake error) {
	t.Helper()
	switch {
	case mistake == nil && len(f.fatal) == 0:
	case mistake != nil && len(f.fatal) == 1 && errors.Is(f.fatal[0], mistake):
	default:
		t.Errorf("fatal errors %v, want %v", f.fatal, mistake)
	}
}
