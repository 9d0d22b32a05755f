package pthreads

import (
	"errors"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
)

// waiting starts n goroutines that wait, and returns when all of them do. Each
// sends what its wait came to.
func waiting(t *testing.T, n int, c *cond, l evthread.Lock, timeout time.Duration) <-chan bool {
	t.Helper()
	ready, done := make(chan struct{}), make(chan bool, n)
	for range n {
		go func() {
			must(t, l.Lock(0))
			ready <- struct{}{}
			timedOut, err := c.Wait(l, timeout)
			must(t, err)
			must(t, l.Unlock(0))
			done <- timedOut
		}()
	}
	for range n {
		<-ready // the goroutine holds the lock until it waits
	}
	must(t, l.Lock(0))
	must(t, l.Unlock(0))
	return done
}

func (c *cond) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiters)
}

func TestSignalWakesOne(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		c, l := new(cond), newLock(evthread.Recursive)
		done := waiting(t, 8, c, l, -1)
		for left := 7; left >= 0; left-- {
			must(t, l.Lock(0))
			c.Signal(false)
			if c.len() != left {
				t.Errorf("%d still wait, want %d", c.len(), left)
			}
			must(t, l.Unlock(0))
			if <-done {
				t.Error("timed out")
			}
		}
	})
}

func TestBroadcastWakesAll(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		c, l := new(cond), newLock(0)
		done := waiting(t, 8, c, l, time.Hour)
		must(t, l.Lock(0))
		c.Signal(true)
		must(t, l.Unlock(0))
		for range 8 {
			if <-done {
				t.Error("timed out")
			}
		}
		if c.len() != 0 {
			t.Errorf("%d still wait", c.len())
		}
	})
}

func TestSignalWithoutWaitersIsForgotten(t *testing.T) {
	c, l := new(cond), &mutex{gate: newSemaphore()}
	c.Signal(false)
	c.Signal(true)
	must(t, l.Lock(0))
	timedOut, err := c.Wait(l, 0)
	if !timedOut || err != nil {
		t.Errorf("Wait() = %v, %v", timedOut, err)
	}
	must(t, l.Unlock(0))
}

func TestWaitTimesOut(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		for _, timeout := range []time.Duration{0, 1, time.Millisecond} {
			c, l := new(cond), newLock(0)
			for range 8 {
				if !<-waiting(t, 1, c, l, timeout) {
					t.Errorf("%v: woken without a signal", timeout)
				}
			}
			if c.len() != 0 || !free(l, 0) {
				t.Errorf("%v: %d still wait, free %v", timeout, c.len(), free(l, 0))
			}
		}
	})
}

func TestSignalBeforeTheTimeoutIsSeenCounts(t *testing.T) {
	for range 100 { // the timer and the signal are both there: either may be looked at first
		c := new(cond)
		woken := c.enqueue()
		c.Signal(false)
		if c.await(woken, 0) {
			t.Fatal("a signal was lost to a timeout")
		}
	}
}

func TestATimeoutTakesNobodysSignal(t *testing.T) {
	c := new(cond)
	first, second := c.enqueue(), c.enqueue()
	if !c.await(first, 0) {
		t.Error("woken without a signal")
	}
	c.Signal(false)
	if c.await(second, time.Hour) {
		t.Error("the signal went to a waiter that was gone")
	}
}

func TestWaitReleasesARecursiveLockCompletely(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		const depth = 3
		c, l := new(cond), newLock(evthread.Recursive)
		locked, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for range depth {
				must(t, l.Lock(0))
			}
			thread := threadID()
			close(locked)
			_, err := c.Wait(l, -1)
			must(t, err)
			if threadID() != thread {
				t.Error("on another thread after the wait")
			}
			for range depth {
				if free(l, 0) || !pinned() {
					t.Error("not held as deep as before the wait")
				}
				must(t, l.Unlock(0))
			}
			if !free(l, 0) || pinned() {
				t.Error("held deeper than before the wait")
			}
		}()
		<-locked
		must(t, l.Lock(0))
		c.Signal(false)
		must(t, l.Unlock(0))
		<-done
	})
}

func TestWaitNeedsAMutexThatTheCallerHolds(t *testing.T) {
	held, rw := &mutex{gate: newSemaphore()}, new(rwLock)
	must(t, held.Lock(0))
	defer held.Unlock(0)
	must(t, rw.Lock(evthread.ModeWrite))
	defer rw.Unlock(evthread.ModeWrite)
	tests := []struct {
		name string
		lock evthread.Lock
		want error
	}{
		{"free", &mutex{gate: newSemaphore()}, evthread.ErrNotHeld},
		{"read-write", rw, errors.ErrUnsupported},
		{"none", nil, errors.ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := new(cond)
			timedOut, err := c.Wait(tt.lock, 0)
			if timedOut || !errors.Is(err, tt.want) || c.len() != 0 {
				t.Errorf("Wait() = %v, %v with %d waiting", timedOut, err, c.len())
			}
		})
	}
	t.Run("held by another", func(t *testing.T) {
		want(t, elsewhere(func() error {
			_, err := new(cond).Wait(held, 0)
			return err
		}), evthread.ErrNotHeld)
	})
}

func TestConditionsPassABatonAround(t *testing.T) {
	eachKind(t, func(t *testing.T, newLock func(evthread.LockType) evthread.Lock) {
		const goroutines, rounds = 8, 25
		c, l := new(cond), newLock(evthread.Recursive)
		turn, next := 0, make(chan int, goroutines)
		for i := range goroutines {
			next <- i
		}
		inParallel(func() {
			me := <-next
			must(t, l.Lock(0))
			for range rounds {
				for turn%goroutines != me {
					_, err := c.Wait(l, -1)
					must(t, err)
				}
				turn++
				c.Signal(true)
			}
			must(t, l.Unlock(0))
		})
		if turn != goroutines*rounds {
			t.Errorf("%d turns, want %d", turn, goroutines*rounds)
		}
	})
}
