package evthread_test

import (
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

func allocLock(evthread.LockType) (evthread.Lock, error) { return new(fakeLock), nil }
func allocCond(uint) (evthread.Cond, error)              { return new(fakeCond), nil }

func lockCallbacks() *evthread.LockCallbacks {
	return &evthread.LockCallbacks{APIVersion: 1, SupportedTypes: evthread.Recursive, Alloc: allocLock}
}

func conditionCallbacks() *evthread.ConditionCallbacks {
	return &evthread.ConditionCallbacks{APIVersion: 1, Alloc: allocCond}
}

func TestIncompleteLockCallbacksAreRefused(t *testing.T) {
	forgetHooks(t)
	for name, spoil := range map[string]func(*evthread.LockCallbacks){
		"API version from the future": func(c *evthread.LockCallbacks) { c.APIVersion++ },
		"no API version":              func(c *evthread.LockCallbacks) { c.APIVersion = 0 },
		"no recursive locks":          func(c *evthread.LockCallbacks) { c.SupportedTypes = evthread.ReadWrite },
		"no Alloc":                    func(c *evthread.LockCallbacks) { c.Alloc = nil },
	} {
		t.Run(name, func(t *testing.T) {
			cbs := lockCallbacks()
			spoil(cbs)
			if err := evthread.SetLockCallbacks(cbs); err == nil {
				t.Error("accepted")
			}
			if evthread.Enabled() {
				t.Error("locking is enabled")
			}
		})
	}
}

func TestIncompleteConditionCallbacksAreRefused(t *testing.T) {
	forgetHooks(t)
	for name, spoil := range map[string]func(*evthread.ConditionCallbacks){
		"API version from the future": func(c *evthread.ConditionCallbacks) { c.APIVersion++ },
		"no Alloc":                    func(c *evthread.ConditionCallbacks) { c.Alloc = nil },
	} {
		t.Run(name, func(t *testing.T) {
			cbs := conditionCallbacks()
			spoil(cbs)
			if err := evthread.SetConditionCallbacks(cbs); err == nil {
				t.Error("accepted")
			}
			if c, err := evthread.NewCond(); c != nil || err != nil {
				t.Errorf("NewCond() = %v, %v", c, err)
			}
		})
	}
}

func TestInstalledCallbacksCannotBeReplaced(t *testing.T) {
	locks, conds := lockCallbacks(), conditionCallbacks()
	tests := []struct {
		name        string
		first, then func() error
		want        error
	}{
		{
			"the same locks again",
			func() error { return evthread.SetLockCallbacks(locks) },
			func() error { return evthread.SetLockCallbacks(locks) },
			nil,
		}, {
			"other locks",
			func() error { return evthread.SetLockCallbacks(locks) },
			func() error { return evthread.SetLockCallbacks(lockCallbacks()) },
			evthread.ErrInstalled,
		}, {
			"the same conditions again",
			func() error { return evthread.SetConditionCallbacks(conds) },
			func() error { return evthread.SetConditionCallbacks(conds) },
			nil,
		}, {
			"other conditions",
			func() error { return evthread.SetConditionCallbacks(conds) },
			func() error { return evthread.SetConditionCallbacks(conditionCallbacks()) },
			evthread.ErrInstalled,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			forgetHooks(t)
			if err := tt.first(); err != nil {
				t.Fatal(err)
			}
			if err := tt.then(); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestRemovingCallbacksWarnsAndMakesRoom(t *testing.T) {
	forgetHooks(t)
	warnings := 0
	evlog.SetSink(func(sev evlog.Severity, _ string) {
		if sev == evlog.Warn {
			warnings++
		}
	})
	t.Cleanup(func() { evlog.SetSink(nil) })

	for range 2 {
		if err := evthread.SetLockCallbacks(lockCallbacks()); err != nil {
			t.Fatal(err)
		}
		if err := evthread.SetConditionCallbacks(conditionCallbacks()); err != nil {
			t.Fatal(err)
		}
		if !evthread.Enabled() {
			t.Error("not enabled after callbacks were set")
		}
		if err := errors.Join(evthread.SetLockCallbacks(nil), evthread.SetConditionCallbacks(nil)); err != nil {
			t.Fatal(err)
		}
		if evthread.Enabled() {
			t.Error("still enabled after callbacks were removed")
		}
	}
	if warnings != 4 {
		t.Errorf("%d warnings, want 4", warnings)
	}
	if err := evthread.SetLockCallbacks(nil); err != nil || warnings != 4 {
		t.Errorf("removing nothing: error %v, %d more warnings", err, warnings-4)
	}
}

func TestIDIsOneWithoutCallback(t *testing.T) {
	forgetHooks(t)
	if id := evthread.ID(); id != 1 {
		t.Errorf("without callback: %d", id)
	}
	evthread.SetIDCallback(func() uint64 { return 42 })
	if id := evthread.ID(); id != 42 {
		t.Errorf("with callback: %d", id)
	}
	evthread.SetIDCallback(nil)
	if id := evthread.ID(); id != 1 {
		t.Errorf("callback removed: %d", id)
	}
}

func TestNothingIsMadeWithoutCallbacks(t *testing.T) {
	forgetHooks(t)
	if l, err := evthread.NewLock(evthread.Recursive); l != nil || err != nil {
		t.Errorf("NewLock() = %v, %v", l, err)
	}
	if c, err := evthread.NewCond(); c != nil || err != nil {
		t.Errorf("NewCond() = %v, %v", c, err)
	}
	evthread.FreeLock(nil, evthread.Recursive)
	evthread.FreeCond(nil)
}

func TestLocksAreMadeAndFreedByTheirType(t *testing.T) {
	for _, typ := range []evthread.LockType{0, evthread.Recursive, evthread.ReadWrite} {
		t.Run(typ.String(), func(t *testing.T) {
			f := install(t)
			l := newLock(t, typ)
			if l != evthread.Lock(f.lock) || f.lock.typ != typ {
				t.Errorf("NewLock(%v) = %+v", typ, l)
			}
			evthread.FreeLock(l, typ)
			if want := []any{l, typ}; !reflect.DeepEqual(f.freed, want) {
				t.Errorf("freed %v, want %v", f.freed, want)
			}
		})
	}
}

func TestConditionsAreMadeAndFreed(t *testing.T) {
	f := install(t)
	c := newCond(t)
	if c != evthread.Cond(f.cond) {
		t.Errorf("NewCond() = %v", c)
	}
	evthread.FreeCond(c)
	evthread.FreeCond(nil)
	if want := []any{c}; !reflect.DeepEqual(f.freed, want) {
		t.Errorf("freed %v, want %v", f.freed, want)
	}
}

func TestFreeIsOptional(t *testing.T) {
	forgetHooks(t)
	if err := errors.Join(
		evthread.SetLockCallbacks(lockCallbacks()),
		evthread.SetConditionCallbacks(conditionCallbacks()),
	); err != nil {
		t.Fatal(err)
	}
	evthread.FreeLock(newLock(t, 0), 0)
	evthread.FreeCond(newCond(t))
	evthread.EnableLockDebugging()
	evthread.FreeLock(newLock(t, 0), 0)
	evthread.FreeCond(newCond(t))
}

func TestFailuresToMakeAreReported(t *testing.T) {
	forgetHooks(t)
	broken := errors.New("out of locks")
	locks := lockCallbacks()
	locks.Alloc = func(evthread.LockType) (evthread.Lock, error) { return nil, broken }
	conds := conditionCallbacks()
	conds.Alloc = func(uint) (evthread.Cond, error) { return nil, broken }
	if err := errors.Join(evthread.SetLockCallbacks(locks), evthread.SetConditionCallbacks(conds)); err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T) {
		if l, err := evthread.NewLock(evthread.Recursive); l != nil || !errors.Is(err, broken) {
			t.Errorf("NewLock() = %v, %v", l, err)
		}
		if c, err := evthread.NewCond(); c != nil || !errors.Is(err, broken) {
			t.Errorf("NewCond() = %v, %v", c, err)
		}
		if l, err := evthread.NewLock(evthread.ReadWrite); l != nil || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("NewLock of a type that is not supported = %v, %v", l, err)
		}
	}
	t.Run("plain", check)
	evthread.EnableLockDebugging()
	t.Run("debugging", check)
}

func TestHooksMayBeSetWhileOthersReadThem(t *testing.T) {
	forgetHooks(t)
	locks, conds := lockCallbacks(), conditionCallbacks()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				l, err := evthread.NewLock(evthread.Recursive)
				if err != nil {
					t.Error(err)
				}
				evthread.FreeLock(l, evthread.Recursive)
				c, err := evthread.NewCond()
				if err != nil {
					t.Error(err)
				}
				evthread.FreeCond(c)
				evthread.ID()
			}
		})
		wg.Go(func() {
			if err := evthread.SetLockCallbacks(locks); err != nil {
				t.Error(err)
			}
			if err := evthread.SetConditionCallbacks(conds); err != nil {
				t.Error(err)
			}
			evthread.SetIDCallback(func() uint64 { return 7 })
			evthread.EnableLockDebugging()
		})
	}
	wg.Wait()
}
