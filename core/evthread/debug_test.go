package evthread_test

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
)

const (
	read  = evthread.ModeRead
	write = evthread.ModeWrite
	try   = evthread.ModeTry
)

// A step is something thread does with a lock, and what comes of it.
type step struct {
	thread  uint64
	do      func(evthread.Lock, evthread.Mode) error
	mode    evthread.Mode
	mistake error
}

func lock(l evthread.Lock, mode evthread.Mode) error   { return l.Lock(mode) }
func unlock(l evthread.Lock, mode evthread.Mode) error { return l.Unlock(mode) }

func TestDebuggingFindsMisuse(t *testing.T) {
	const plain, recursive, readWrite = evthread.LockType(0), evthread.Recursive, evthread.ReadWrite
	tests := []struct {
		name  string
		typ   evthread.LockType
		steps []step
		depth int // of the fake inside, at the end
	}{
		{"plain lock used well", plain, []step{
			{1, lock, 0, nil}, {1, unlock, 0, nil}, {2, lock, try, nil}, {2, unlock, 0, nil},
		}, 0},
		{"recursive lock used well", recursive, []step{
			{1, lock, 0, nil}, {1, lock, try, nil}, {1, unlock, 0, nil}, {1, unlock, 0, nil}, {2, lock, 0, nil},
		}, 1},
		{"read-write lock used well", readWrite, []step{
			{1, lock, read, nil}, {2, lock, read | try, nil}, {1, lock, read, nil}, {2, unlock, read, nil},
			{1, unlock, read, nil}, {1, unlock, read, nil}, {2, lock, write, nil}, {2, unlock, write, nil},
		}, 0},

		{"unlocking a free lock", plain, []step{{1, unlock, 0, evthread.ErrNotHeld}}, 0},
		{"unlocking once too often", recursive, []step{
			{1, lock, 0, nil}, {1, lock, 0, nil}, {1, unlock, 0, nil}, {1, unlock, 0, nil}, {1, unlock, 0, evthread.ErrNotHeld},
		}, 0},
		{"unlocking another thread's lock", recursive, []step{
			{1, lock, 0, nil}, {2, unlock, 0, evthread.ErrNotHeld},
		}, 1},
		{"unlocking for writing what is held for reading", readWrite, []step{
			{1, lock, read, nil}, {1, unlock, write, evthread.ErrNotHeld},
		}, 1},
		{"unlocking another reader's lock", readWrite, []step{
			{1, lock, read, nil}, {2, unlock, read, evthread.ErrNotHeld},
		}, 1},

		{"taking a plain lock twice", plain, []step{
			{1, lock, 0, nil}, {1, lock, 0, evthread.ErrRecursive}, {1, unlock, 0, nil},
		}, 0},
		{"trying a plain lock twice", plain, []step{
			{1, lock, 0, nil}, {1, lock, try, evthread.ErrRecursive}, {1, unlock, 0, nil},
		}, 0},

		{"locking a plain lock for reading", plain, []step{{1, lock, read, evthread.ErrMode}}, 0},
		{"locking a recursive lock for writing", recursive, []step{{1, lock, write, evthread.ErrMode}}, 0},
		{"unlocking a recursive lock for writing", recursive, []step{
			{1, lock, 0, nil}, {1, unlock, write, evthread.ErrMode},
		}, 1},
		{"locking a read-write lock for nothing", readWrite, []step{{1, lock, 0, evthread.ErrMode}}, 0},
		{"locking a read-write lock for both", readWrite, []step{{1, lock, read | write, evthread.ErrMode}}, 0},
		{"locking in a mode unknown", plain, []step{{1, lock, 0x100, evthread.ErrMode}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := install(t)
			evthread.EnableLockDebugging()
			l := newLock(t, tt.typ)
			for i, s := range tt.steps {
				f.thread, f.fatal = s.thread, nil
				if err := s.do(l, s.mode); !errors.Is(err, s.mistake) {
					t.Errorf("step %d: got %v, want %v", i, err, s.mistake)
				}
				f.wantFatal(t, s.mistake)
			}
			if f.lock.depth != tt.depth {
				t.Errorf("the lock inside is held %d times, want %d", f.lock.depth, tt.depth)
			}
		})
	}
}

func TestDebuggingFindsMisuseOfFree(t *testing.T) {
	const typ = evthread.Recursive
	tests := []struct {
		name    string
		misuse  func(evthread.Lock)
		mistake error
	}{
		{"nothing wrong", func(l evthread.Lock) { evthread.FreeLock(l, typ) }, nil},
		{"still held", func(l evthread.Lock) { l.Lock(0); evthread.FreeLock(l, typ) }, evthread.ErrHeld},
		{"as another type", func(l evthread.Lock) { evthread.FreeLock(l, 0) }, evthread.ErrLockType},
		{"twice", func(l evthread.Lock) { evthread.FreeLock(l, typ); evthread.FreeLock(l, typ) }, evthread.ErrFreed},
		{"locked later", func(l evthread.Lock) { evthread.FreeLock(l, typ); l.Lock(0) }, evthread.ErrFreed},
		{"unlocked later", func(l evthread.Lock) { evthread.FreeLock(l, typ); l.Unlock(0) }, evthread.ErrFreed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := install(t)
			evthread.EnableLockDebugging()
			tt.misuse(newLock(t, typ))
			f.wantFatal(t, tt.mistake)
			freedOnce := reflect.DeepEqual(f.freed, []any{f.lock, f.lock.typ})
			survives := tt.mistake == evthread.ErrHeld || tt.mistake == evthread.ErrLockType
			if freedOnce == survives {
				t.Errorf("freed %v", f.freed)
			}
		})
	}
}

func TestDebuggingNamesTheMistake(t *testing.T) {
	f := install(t)
	f.thread = 4711
	evthread.EnableLockDebugging()
	newLock(t, evthread.Recursive).Unlock(0)
	for _, part := range []string{"evthread: unlock recursive lock", "by thread 4711", evthread.ErrNotHeld.Error()} {
		if !strings.Contains(f.fatal[0].Error(), part) {
			t.Errorf("%q does not say %q", f.fatal[0], part)
		}
	}
}

func TestDebuggingPassesOnTheAnswersOfTheLockInside(t *testing.T) {
	broken := errors.New("broken lock")
	tests := []struct {
		name    string
		err     error
		mistake error
	}{
		{"busy", evthread.ErrBusy, nil},
		{"broken", broken, nil},
		{"recursion that only the lock inside can see", evthread.ErrRecursive, evthread.ErrRecursive},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := install(t)
			evthread.EnableLockDebugging()
			l := newLock(t, evthread.ReadWrite)
			f.lock.err = tt.err
			if err := l.Lock(write); !errors.Is(err, tt.err) {
				t.Errorf("got %v", err)
			}
			f.wantFatal(t, tt.mistake)
			if evthread.Held(l) {
				t.Error("held after a failed Lock")
			}
		})
	}
}

func TestDebuggingMakesPlainLocksRecursiveInside(t *testing.T) {
	inside := map[evthread.LockType]evthread.LockType{
		0:                  evthread.Recursive,
		evthread.Recursive: evthread.Recursive,
		evthread.ReadWrite: evthread.ReadWrite,
	}
	for asked, want := range inside {
		t.Run(asked.String(), func(t *testing.T) {
			f := install(t)
			evthread.EnableLockDebugging()
			l := newLock(t, asked)
			if f.lock.typ != want {
				t.Errorf("inside is a %v, want a %v", f.lock.typ, want)
			}
			evthread.FreeLock(l, asked)
			f.wantFatal(t, nil)
			if freed := []any{f.lock, want}; !reflect.DeepEqual(f.freed, freed) {
				t.Errorf("freed %v, want %v", f.freed, freed)
			}
		})
	}
}

func TestHeldKnowsOnlyCheckedLocks(t *testing.T) {
	f := install(t)
	if !evthread.Held(newLock(t, 0)) || !evthread.Held(nil) {
		t.Error("a lock that is not checked does not count as held")
	}
	evthread.EnableLockDebugging()
	for typ, mode := range map[evthread.LockType]evthread.Mode{0: 0, evthread.Recursive: 0, evthread.ReadWrite: read} {
		f.thread = 1
		l := newLock(t, typ)
		if evthread.Held(l) {
			t.Errorf("%v: held from the start", typ)
		}
		l.Lock(mode)
		if !evthread.Held(l) {
			t.Errorf("%v: not held after Lock", typ)
		}
		f.thread = 2
		if evthread.Held(l) {
			t.Errorf("%v: held by another thread too", typ)
		}
		f.thread = 1
		l.Unlock(mode)
		if evthread.Held(l) {
			t.Errorf("%v: held after Unlock", typ)
		}
	}
	f.wantFatal(t, nil)
}

func TestWithoutIdentitiesAnyHolderWillDo(t *testing.T) {
	f := install(t)
	evthread.SetIDCallback(nil)
	evthread.EnableLockDebugging()
	l := newLock(t, evthread.Recursive)
	var wg sync.WaitGroup
	wg.Go(func() { l.Lock(0) })
	wg.Wait()
	if !evthread.Held(l) {
		t.Error("not held")
	}
	l.Unlock(0)
	f.wantFatal(t, nil)
}

func TestDebuggedWaitReleasesTheLock(t *testing.T) {
	f := install(t)
	evthread.EnableLockDebugging()
	l, c := newLock(t, evthread.Recursive), newCond(t)
	l.Lock(0)
	l.Lock(0)
	f.cond.during = func(inside evthread.Lock, timeout time.Duration) {
		if inside != evthread.Lock(f.lock) || timeout != time.Second {
			t.Errorf("waits with %v for %v", inside, timeout)
		}
		if evthread.Held(l) {
			t.Error("held during the wait")
		}
	}
	f.cond.timedOut = true
	if timedOut, err := c.Wait(l, time.Second); !timedOut || err != nil {
		t.Errorf("Wait() = %v, %v", timedOut, err)
	}
	l.Unlock(0)
	if !evthread.Held(l) {
		t.Error("not held as deep as before the wait")
	}
	l.Unlock(0)
	if evthread.Held(l) {
		t.Error("held deeper than before the wait")
	}
	f.wantFatal(t, nil)
}

func TestDebuggedWaitNeedsTheLock(t *testing.T) {
	tests := []struct {
		name    string
		holder  uint64
		mistake error
	}{
		{"held by the caller", 1, nil},
		{"held by another thread", 2, evthread.ErrNotHeld},
		{"held by nobody", 0, evthread.ErrNotHeld},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := install(t)
			evthread.EnableLockDebugging()
			l, c := newLock(t, 0), newCond(t)
			if tt.holder != 0 {
				f.thread = tt.holder
				l.Lock(0)
			}
			f.thread = 1
			waited := false
			f.cond.during = func(evthread.Lock, time.Duration) { waited = true }
			if _, err := c.Wait(l, -1); !errors.Is(err, tt.mistake) {
				t.Errorf("got %v, want %v", err, tt.mistake)
			}
			f.wantFatal(t, tt.mistake)
			if waited != (tt.mistake == nil) {
				t.Errorf("waited: %v", waited)
			}
		})
	}
}

func TestDebuggedConditionSignalsAndIsFreed(t *testing.T) {
	f := install(t)
	evthread.EnableLockDebugging()
	c := newCond(t)
	c.Signal(true)
	if f.cond.signals != 1 || !f.cond.broadcast {
		t.Errorf("%d signals, broadcast %v", f.cond.signals, f.cond.broadcast)
	}
	evthread.FreeCond(c)
	if want := []any{f.cond}; !reflect.DeepEqual(f.freed, want) {
		t.Errorf("freed %v, want %v", f.freed, want)
	}
}

func TestObjectsFromBeforeDebuggingWorkOn(t *testing.T) {
	f := install(t)
	l, c := newLock(t, evthread.Recursive), newCond(t)
	evthread.EnableLockDebugging()
	checked := newCond(t)
	l.Lock(0)
	for _, c := range []evthread.Cond{c, checked} {
		if _, err := c.Wait(l, -1); err != nil {
			t.Error(err)
		}
	}
	l.Unlock(0)
	evthread.FreeLock(l, evthread.Recursive)
	if f.lock.depth != 0 || len(f.freed) != 2 {
		t.Errorf("depth %d, freed %v", f.lock.depth, f.freed)
	}
	f.wantFatal(t, nil)
}

// realLock excludes, unlike a fake.
type realLock struct{ sync.Mutex }

func (l *realLock) Lock(evthread.Mode) error   { l.Mutex.Lock(); return nil }
func (l *realLock) Unlock(evthread.Mode) error { l.Mutex.Unlock(); return nil }

func TestDebuggingStaysQuietAmongManyGoroutines(t *testing.T) {
	f := install(t)
	evthread.Reset()
	cbs := lockCallbacks()
	cbs.Alloc = func(evthread.LockType) (evthread.Lock, error) { return new(realLock), nil }
	if err := evthread.SetLockCallbacks(cbs); err != nil {
		t.Fatal(err)
	}
	evthread.EnableLockDebugging()

	l := newLock(t, 0)
	n := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				l.Lock(0)
				n++
				l.Unlock(0)
			}
		})
	}
	wg.Wait()
	if n != 8000 {
		t.Errorf("counted %d", n)
	}
	f.wantFatal(t, nil)
}
