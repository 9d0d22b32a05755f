package pthreads

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/evthread"
)

func TestMutexExcludes(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		for _, typ := range []evthread.LockType{0, evthread.Recursive} {
			t.Run(typ.String(), func(t *testing.T) {
				l, n := newLock(typ), 0
				inParallel(func() {
					for range 500 {
						must(t, l.Lock(0))
						n++
						must(t, l.Unlock(0))
					}
				})
				if n != 8*500 {
					t.Errorf("counted %d", n)
				}
			})
		}
	})
}

func TestRecursiveMutexExcludesAtAnyDepth(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		l, n := newLock(evthread.Recursive), 0
		var descend func(depth int)
		descend = func(depth int) {
			if depth == 0 {
				return
			}
			must(t, l.Lock(0))
			n++
			descend(depth - 1)
			n++
			must(t, l.Unlock(0))
		}
		inParallel(func() {
			for range 100 {
				descend(5)
			}
		})
		if n != 8*100*5*2 {
			t.Errorf("counted %d", n)
		}
	})
}

func TestTryingExcludesToo(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		l, n := newLock(evthread.Recursive), 0
		inParallel(func() {
			for range 100 {
				err := l.Lock(evthread.ModeTry)
				if errors.Is(err, evthread.ErrBusy) {
					err = l.Lock(0)
				}
				must(t, err)
				n++
				must(t, l.Unlock(0))
			}
		})
		if n != 8*100 {
			t.Errorf("counted %d", n)
		}
	})
}

func TestMutexIsFreeWhenUnlockedAsOftenAsLocked(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		l := newLock(evthread.Recursive)
		must(t, l.Lock(0))
		must(t, l.Lock(0))
		must(t, l.Lock(evthread.ModeTry))
		for range 3 {
			if free(l, 0) {
				t.Error("free before the last Unlock")
			}
			must(t, l.Unlock(0))
		}
		if !free(l, 0) {
			t.Error("not free after the last Unlock")
		}
		want(t, l.Unlock(0), evthread.ErrNotHeld)
	})
}

func TestPlainMutexCannotBeTakenTwice(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		l := newLock(0)
		must(t, l.Lock(0))
		want(t, l.Lock(0), evthread.ErrRecursive)
		want(t, l.Lock(evthread.ModeTry), evthread.ErrBusy)
		must(t, l.Unlock(0))
		if !free(l, 0) {
			t.Error("not free after Unlock")
		}
	})
}

func TestOnlyTheHolderUnlocks(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		for _, typ := range []evthread.LockType{0, evthread.Recursive} {
			t.Run(typ.String(), func(t *testing.T) {
				l := newLock(typ)
				want(t, l.Unlock(0), evthread.ErrNotHeld)
				must(t, l.Lock(0))
				want(t, elsewhere(func() error { return l.Unlock(0) }), evthread.ErrNotHeld)
				if free(l, 0) {
					t.Error("another goroutine's Unlock freed it")
				}
				must(t, l.Unlock(0))
			})
		}
	})
}

func TestLockWaitsForUnlock(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		l, unlocked := newLock(evthread.Recursive), false
		must(t, l.Lock(0))
		done := make(chan struct{})
		go func() {
			defer close(done)
			must(t, l.Lock(0))
			if !unlocked {
				t.Error("locked before it was unlocked")
			}
			must(t, l.Unlock(0))
		}()
		want(t, elsewhere(func() error { return l.Lock(evthread.ModeTry) }), evthread.ErrBusy)
		unlocked = true
		must(t, l.Unlock(0))
		<-done
	})
}

func TestHoldersArePinnedToTheirThread(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		for typ, mode := range map[evthread.LockType]evthread.Mode{
			0:                  0,
			evthread.Recursive: 0,
			evthread.ReadWrite: evthread.ModeWrite,
		} {
			t.Run(typ.String(), func(t *testing.T) {
				l, other := newLock(typ), newLock(evthread.Recursive)
				steps := []struct {
					name   string
					do     func() error
					result error
					pinned bool
				}{
					{"Lock", func() error { return l.Lock(mode) }, nil, true},
					{"Lock of another", func() error { return other.Lock(0) }, nil, true},
					{"nested Lock of another", func() error { return other.Lock(0) }, nil, true},
					{"first Unlock", func() error { return l.Unlock(mode) }, nil, true},
					{"Unlock of another", func() error { return other.Unlock(0) }, nil, true},
					{"last Unlock", func() error { return other.Unlock(0) }, nil, false},
					{"Unlock too many", func() error { return l.Unlock(mode) }, evthread.ErrNotHeld, false},
					{"try", func() error { return l.Lock(mode | evthread.ModeTry) }, nil, true},
					{"Unlock after try", func() error { return l.Unlock(mode) }, nil, false},
				}
				for _, s := range steps {
					want(t, s.do(), s.result)
					if pinned() != s.pinned {
						t.Errorf("after %s: pinned %v, want %v", s.name, pinned(), s.pinned)
					}
				}

				must(t, l.Lock(mode))
				must(t, elsewhere(func() error {
					want(t, l.Lock(mode|evthread.ModeTry), evthread.ErrBusy)
					if pinned() {
						t.Error("pinned by a lock it did not get")
					}
					return nil
				}))
				must(t, l.Unlock(mode))
			})
		}
	})
}

func TestLocksDoNotAllocate(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		l, rw := newLock(evthread.Recursive), newLock(evthread.ReadWrite)
		for name, pair := range map[string]func(){
			"once":    func() { l.Lock(0); l.Unlock(0) },
			"twice":   func() { l.Lock(0); l.Lock(0); l.Unlock(0); l.Unlock(0) },
			"trying":  func() { l.Lock(evthread.ModeTry); l.Unlock(0) },
			"reading": func() { rw.Lock(evthread.ModeRead); rw.Unlock(evthread.ModeRead) },
			"writing": func() { rw.Lock(evthread.ModeWrite); rw.Unlock(evthread.ModeWrite) },
		} {
			if n := testing.AllocsPerRun(100, pair); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		}
	})
}
