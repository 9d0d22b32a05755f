package evtest

import (
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A Clock is a clock that stands still until the test moves it on. Bases that it
// has made live by it: their timeouts, those of bufferevents, and rate limits. It
// may be used from any goroutine.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	bases []*event.Base
}

// NewClock returns a clock that shows midnight of 1 January 2000, UTC.
func NewClock() *Clock {
	return &Clock{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on. Timeouts that have passed then become active in the
// next iteration of their loops. The test fails to notice one that is started only
// by a callback of another unless the clock is moved on again: for many steps of
// time, move it on in many.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(d, 0))
	for _, base := range c.bases {
		base.ClockChanged()
	}
}

// Base is the function Base, for a base that lives by the clock.
func (c *Clock) Base(t testing.TB) *event.Base {
	t.Helper()
	base := newBase(t, &event.Config{Clock: c.Now})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bases = append(c.bases, base)
	return base
}
