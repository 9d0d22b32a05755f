package pthreads

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
)

// A cond is a condition variable: a queue of waiting goroutines, each with a
// channel that is closed to wake it. The goroutine that takes a channel off the queue
// decides how that wait ends: a signal by closing it, the waiter by timing out.
type cond struct {
	mu      sync.Mutex
	waiters []chan struct{} // longest wait first
}

func allocCond(uint) (evthread.Cond, error) { return new(cond), nil }

func (c *cond) Signal(broadcast bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(1, len(c.waiters))
	if broadcast {
		n = len(c.waiters)
	}
	for _, woken := range c.waiters[:n] {
		close(woken)
	}
	c.waiters = slices.Delete(c.waiters, 0, n)
}

func (c *cond) Wait(l evthread.Lock, timeout time.Duration) (timedOut bool, err error) {
	m, ok := l.(*mutex)
	if !ok {
		return false, fmt.Errorf("pthreads: wait with %T: %w", l, errors.ErrUnsupported)
	}
	if !m.held() {
		return false, fmt.Errorf("pthreads: wait: %w", evthread.ErrNotHeld)
	}
	woken := c.enqueue() // first, or a signal between the release and the queue is lost
	depth, err := m.release()
	if err == nil {
		timedOut = c.await(woken, timeout)
	}
	return timedOut, errors.Join(err, m.reacquire(depth))
}

func (c *cond) enqueue() chan struct{} {
	woken := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiters = append(c.waiters, woken)
	return woken
}

// await sleeps until it is woken or the timeout, if it is not negative, is
// over. A signal that came before the waiter has left the queue counts.
func (c *cond) await(woken chan struct{}, timeout time.Duration) (timedOut bool) {
	if timeout < 0 {
		<-woken
		return false
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-woken:
		return false
	case <-timer.C:
		return c.dequeue(woken)
	}
}

// dequeue takes a waiter off the queue, and reports whether it was still there.
func (c *cond) dequeue(woken chan struct{}) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiters, woken)
	if i < 0 {
		return false
	}
	c.waiters = slices.Delete(c.waiters, i, i+1)
	return true
}
