package listener_test

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
)

// enableLocks installs an implementation of locks for the time of the test.
func enableLocks(t testing.TB, alloc func() (evthread.Lock, error), free func(evthread.Lock)) {
	t.Helper()
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return alloc() },
		Free:           func(l evthread.Lock, _ evthread.LockType) { free(l) },
	}))
	evthread.SetIDCallback(func() uint64 { return uint64(evthread.Goroutine()) })
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
	owner atomic.Uintptr
	depth int
}

func (l *recursiveLock) Lock(evthread.Mode) error {
	me := evthread.Goroutine()
	if l.owner.Load() != me {
		l.mu.Lock()
		l.owner.Store(me)
	}
	l.depth++
	return nil
}

func (l *recursiveLock) Unlock(evthread.Mode) error {
	if l.owner.Load() != evthread.Goroutine() {
		return evthread.ErrNotHeld
	}
	l.depth--
	if l.depth == 0 {
		l.owner.Store(0)
		l.mu.Unlock()
	}
	return nil
}

// inBackground runs the loop in another goroutine until the end of the test.
func inBackground(t testing.TB, b *event.Base) {
	t.Helper()
	loop := make(chan error)
	go func() {
		_, err := b.Loop(event.LoopNoExitOnEmpty)
		loop <- err
	}()
	t.Cleanup(func() {
		ok(t, b.LoopExit(0))
		ok(t, <-loop)
	})
}

// The lock is what ThreadSafe is about: it is held by callbacks and by whoever
// changes the listener, and by nobody in the end.
func TestThreadSafeListenersHaveALock(t *testing.T) {
	lock := new(recursiveLock)
	b := evtest.Base(t) // has none
	enableLocks(t, func() (evthread.Lock, error) { return lock, nil }, func(evthread.Lock) {})
	bind(t, b, 0, nil) // takes none
	held := map[string]int{}
	l := bind(t, b, listener.ThreadSafe, func(l *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		held["callback"] = lock.depth
		b.LoopBreak()
	})
	l.SetErrorCallback(func(l *listener.Listener, _ error) {
		held["error callback"] = lock.depth
		b.LoopBreak()
	})
	ok(t, l.SetPause(shortPause))
	f := failAccept(t, shortages[0], 1)
	dial(t, l.Addr())
	run(t, b)
	run(t, b)
	want(t, "faults left", f.left, 0)
	want(t, "depth in the callback", held["callback"], 1)
	want(t, "depth in the error callback", held["error callback"], 1)
	ok(t, l.Disable())
	l.Free()
	want(t, "depth in the end", lock.depth, 0)
}

func TestFreeInACallbackReleasesTheLock(t *testing.T) {
	lock := new(recursiveLock)
	b := evtest.Base(t)
	enableLocks(t, func() (evthread.Lock, error) { return lock, nil }, func(evthread.Lock) {})
	l := bind(t, b, listener.ThreadSafe, func(l *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		l.Free()
	})
	dial(t, l.Addr())
	ok(t, b.Dispatch())
	want(t, "depth", lock.depth, 0)
}

func TestErrorsOfLocksAreReported(t *testing.T) {
	b := evtest.Base(t)
	broken := errors.New("no locks today")
	enableLocks(t, func() (evthread.Lock, error) { return nil, broken }, nil)
	_, err := listener.NewBind(b, loopback, listener.ThreadSafe, -1, nil)
	wantError(t, "NewBind", err, broken)
}

type brokenLock struct{}

var errBrokenLock = errors.New("broken lock")

func (brokenLock) Lock(evthread.Mode) error   { return errBrokenLock }
func (brokenLock) Unlock(evthread.Mode) error { return errBrokenLock }

func TestBrokenLocksAreFatal(t *testing.T) {
	b := evtest.Base(t)
	enableLocks(t, func() (evthread.Lock, error) { return brokenLock{}, nil }, func(evthread.Lock) {})
	var fatal []error
	event.SetFatalCallback(func(err error) { fatal = append(fatal, err) })
	t.Cleanup(func() { event.SetFatalCallback(nil) }) // after the listener has gone
	l := bind(t, b, listener.ThreadSafe|listener.Disabled, nil)
	fatal = nil
	ok(t, l.Enable())
	want(t, "fatal errors", len(fatal), 2)
	for _, err := range fatal {
		wantError(t, "fatal", err, errBrokenLock)
	}
}

// A lock is given back when nobody can take it any more.
func TestLocksAreFreed(t *testing.T) {
	count := evtest.Locks(t)
	b := evtest.Base(t)
	before := count.Made() - count.Freed()
	func() {
		l, err := listener.NewBind(b, loopback, listener.ThreadSafe|listener.CloseOnFree, -1, nil)
		ok(t, err)
		l.Free()
		want(t, "locks of a listener", count.Made()-count.Freed(), before+1)
		wantError(t, "Enable", l.Enable(), listener.ErrFreed)
	}()
	for deadline := time.Now().Add(patience); count.Made()-count.Freed() > before; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("the lock was not freed")
		}
	}
}

// After Disable, or Free, has returned to another goroutine, nothing runs.
func TestNothingRunsAfterDisableOrFree(t *testing.T) {
	for name, end := range map[string]func(l *listener.Listener){
		"Disable": func(l *listener.Listener) { ok(t, l.Disable()) },
		"Free":    (*listener.Listener).Free,
	} {
		t.Run(name, func(t *testing.T) {
			evtest.Locks(t)
			b := evtest.Base(t)
			inBackground(t, b)
			for range 20 {
				var ended, running atomic.Bool
				started := make(chan struct{}, 100)
				l := bind(t, b, listener.ThreadSafe, func(_ *listener.Listener, fd int, _ netip.AddrPort) {
					running.Store(true)
					evutil.CloseSocket(fd)
					started <- struct{}{}
					runtime.Gosched()
					if ended.Load() {
						t.Error("a callback ran after the end")
					}
					running.Store(false)
				})
				addr := l.Addr()
				for range 5 {
					dial(t, addr)
				}
				<-started
				end(l)
				ended.Store(true)
				if running.Load() {
					t.Error("a callback runs")
				}
			}
		})
	}
}

// Goroutines do everything at once. What matters is that the race detector stays
// quiet, nobody waits for ever, and the listener works in the end.
func TestManyGoroutines(t *testing.T) {
	const workers, rounds = 4, 200
	evtest.Locks(t)
	b := evtest.Base(t)
	inBackground(t, b)
	cb := func(l *listener.Listener, fd int, _ netip.AddrPort) { evutil.CloseSocket(fd) }
	for _, flags := range []listener.Flag{0, listener.Disabled} {
		l := bind(t, b, flags|listener.ThreadSafe, cb)
		ok(t, l.SetPause(shortPause))
		addr := l.Addr()
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := range rounds {
					switch (w + i) % 8 {
					case 0, 1:
						ok(t, l.Enable())
					case 2:
						ok(t, l.Disable())
					case 3:
						ok(t, l.SetCallback(cb))
					case 4:
						ok(t, l.SetCallback(nil))
					case 5:
						l.SetErrorCallback(func(*listener.Listener, error) {})
					case 6:
						ok(t, l.SetAcceptLimit(i+1))
						ok(t, l.SetPause(shortPause))
					case 7:
						want(t, "address", l.Addr().String(), addr.String())
						want(t, "base", l.Base(), b)
					}
					if i%10 == w {
						if c, err := net.Dial("tcp", addr.String()); err == nil {
							c.Close()
						}
					}
				}
			})
		}
		wg.Wait()
		ok(t, l.SetCallback(cb))
		ok(t, l.Enable())
		ends(t, dial(t, addr))
		for range workers {
			wg.Go(l.Free)
		}
		wg.Wait()
		refused(t, addr)
	}
}
