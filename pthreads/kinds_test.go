package pthreads

import (
	"bytes"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/evthread"
)

// eachKind runs a test on the locks of every kind that this system has.
func eachKind(t *testing.T, test func(t *testing.T, newLock func(evthread.LockType) evthread.Lock)) {
	run := func(name string, cbs *evthread.LockCallbacks) {
		t.Run(name, func(t *testing.T) {
			test(t, func(typ evthread.LockType) evthread.Lock {
				l, err := cbs.Alloc(typ)
				if err != nil {
					t.Fatal(err)
				}
				return l
			})
		})
	}
	run("normal", &plainLocks)
	if inheriting, err := inheritingLocks(); err == nil {
		run("priority inheritance", inheriting)
	} else if !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// elsewhere calls fn in another goroutine and returns its result.
func elsewhere(fn func() error) error {
	done := make(chan error)
	go func() { done <- fn() }()
	return <-done
}

// free reports whether another goroutine could take the lock in the given mode.
func free(l evthread.Lock, mode evthread.Mode) bool {
	return elsewhere(func() error {
		if err := l.Lock(mode | evthread.ModeTry); err != nil {
			return err
		}
		return l.Unlock(mode)
	}) == nil
}

// pinned reports whether the calling goroutine is locked to its thread, as the
// first line of a stack trace tells.
func pinned() bool {
	buf := make([]byte, 200)
	header, _, _ := bytes.Cut(buf[:runtime.Stack(buf, false)], []byte("\n"))
	return bytes.Contains(header, []byte("locked to thread"))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %v, want %v", err, target)
	}
}

// inParallel runs fn in 8 goroutines at once.
func inParallel(fn func()) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(fn)
	}
	wg.Wait()
}
