package pthreads_test

import (
	"errors"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/pthreads"
)

// forgetHooks removes what other tests installed, and at the end what this one
// did.
func forgetHooks(t *testing.T) {
	remove := func() {
		// Removing hooks that are in use deserves its warning, but not here.
		defer slog.SetDefault(slog.Default())
		slog.SetDefault(slog.New(slog.DiscardHandler))
		evthread.SetLockCallbacks(nil)
		evthread.SetConditionCallbacks(nil)
		evthread.SetIDCallback(nil)
	}
	remove()
	t.Cleanup(remove)
}

func TestUseInstallsAllHooks(t *testing.T) {
	forgetHooks(t)
	if evthread.Enabled() {
		t.Fatal("enabled before Use")
	}
	for range 2 {
		if err := pthreads.Use(); err != nil {
			t.Fatal(err)
		}
		if !evthread.Enabled() {
			t.Error("not enabled after Use")
		}
	}
	for _, typ := range []evthread.LockType{0, evthread.Recursive, evthread.ReadWrite} {
		l, err := evthread.NewLock(typ)
		if l == nil || err != nil {
			t.Errorf("NewLock(%v) = %v, %v", typ, l, err)
		}
		evthread.FreeLock(l, typ)
	}
	c, err := evthread.NewCond()
	if c == nil || err != nil {
		t.Errorf("NewCond() = %v, %v", c, err)
	}
	evthread.FreeCond(c)

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, there := evthread.ID(), make(chan uint64)
	go func() { there <- evthread.ID() }()
	if here == <-there {
		t.Error("two threads have one identity")
	}
}

func TestRecursiveReadWriteLocksAreUnsupported(t *testing.T) {
	forgetHooks(t)
	if err := pthreads.Use(); err != nil {
		t.Fatal(err)
	}
	_, err := evthread.NewLock(evthread.Recursive | evthread.ReadWrite)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestUnknownFlagsAreRefused(t *testing.T) {
	forgetHooks(t)
	if err := pthreads.UseWithFlags(0x80); err == nil || evthread.Enabled() {
		t.Errorf("error %v, enabled %v", err, evthread.Enabled())
	}
}

func TestPriorityInheritanceOrAnHonestNo(t *testing.T) {
	forgetHooks(t)
	err := pthreads.UseWithFlags(pthreads.PrioInherit)
	if runtime.GOOS != "linux" || errors.Is(err, errors.ErrUnsupported) {
		if !errors.Is(err, errors.ErrUnsupported) || evthread.Enabled() {
			t.Errorf("error %v, enabled %v", err, evthread.Enabled())
		}
		return
	}
	if err != nil || !evthread.Enabled() {
		t.Fatalf("error %v, enabled %v", err, evthread.Enabled())
	}
	if err := pthreads.UseWithFlags(pthreads.PrioInherit); err != nil {
		t.Errorf("the same flags again: %v", err)
	}
	if err := pthreads.Use(); !errors.Is(err, evthread.ErrInstalled) {
		t.Errorf("other flags: %v", err)
	}
}

func TestAnotherImplementationIsNotReplaced(t *testing.T) {
	foreign := &evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return nil, os.ErrInvalid },
	}
	forgetHooks(t)
	if err := evthread.SetLockCallbacks(foreign); err != nil {
		t.Fatal(err)
	}
	if err := pthreads.Use(); !errors.Is(err, evthread.ErrInstalled) {
		t.Errorf("got %v", err)
	}
}

// TestLockDebuggingChecksTheseLocks leaves lock debugging on, which no other
// test minds.
func TestLockDebuggingChecksTheseLocks(t *testing.T) {
	forgetHooks(t)
	if err := pthreads.Use(); err != nil {
		t.Fatal(err)
	}
	evthread.EnableLockDebugging()
	tests := []struct {
		name    string
		typ     evthread.LockType
		use     func(evthread.Lock, evthread.Cond)
		mistake error
	}{
		{"good use", evthread.Recursive, func(l evthread.Lock, c evthread.Cond) {
			l.Lock(0)
			l.Lock(evthread.ModeTry)
			c.Wait(l, time.Millisecond)
			if !evthread.Held(l) {
				t.Error("not held")
			}
			l.Unlock(0)
			l.Unlock(0)
			if evthread.Held(l) {
				t.Error("held")
			}
		}, nil},
		{"unlocking what another holds", evthread.Recursive, func(l evthread.Lock, _ evthread.Cond) {
			var wg sync.WaitGroup
			locked, tried := make(chan struct{}), make(chan struct{})
			wg.Go(func() {
				l.Lock(0)
				close(locked)
				<-tried
				l.Unlock(0)
			})
			defer wg.Wait()
			defer close(tried)
			<-locked
			l.Unlock(0)
		}, evthread.ErrNotHeld},
		{"locking a plain lock twice", 0, func(l evthread.Lock, _ evthread.Cond) {
			l.Lock(0)
			defer l.Unlock(0)
			l.Lock(0)
		}, evthread.ErrRecursive},
		{"writing what one reads", evthread.ReadWrite, func(l evthread.Lock, _ evthread.Cond) {
			l.Lock(evthread.ModeRead)
			defer l.Unlock(evthread.ModeRead)
			l.Lock(evthread.ModeWrite)
		}, evthread.ErrRecursive},
		{"waiting without the lock", evthread.Recursive, func(l evthread.Lock, c evthread.Cond) {
			c.Wait(l, 0)
		}, evthread.ErrNotHeld},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := evthread.NewLock(tt.typ)
			if err != nil {
				t.Fatal(err)
			}
			c, err := evthread.NewCond()
			if err != nil {
				t.Fatal(err)
			}
			// Mistakes panic, for there is no fatal callback.
			defer slog.SetDefault(slog.Default())
			slog.SetDefault(slog.New(slog.DiscardHandler))
			defer func() {
				err, _ := recover().(error)
				if !errors.Is(err, tt.mistake) {
					t.Errorf("got %v, want %v", err, tt.mistake)
				}
			}()
			tt.use(l, c)
		})
	}
}
