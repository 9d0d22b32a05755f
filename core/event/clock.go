package event

import (
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
)

// monotonic returns the time that deadlines are given in.
func monotonic() int64 { return poller.Monotonic() }

// clock is a base's time. While callbacks run it stands still, so that asking
// for it is free.
type clock struct {
	uncached bool
	cached   int64     // 0: not cached
	wallTime time.Time // the wall clock's time at cached, or zero
	last     int64     // when update was called last
}

func (c *clock) init(uncached bool) { c.uncached = uncached }

func (c *clock) now() int64 {
	if c.cached != 0 {
		return c.cached
	}
	return monotonic()
}

// update stops the clock at the present time.
func (c *clock) update() {
	c.clear()
	c.last = monotonic()
	if !c.uncached {
		c.cached = c.last
	}
}

// clear lets the clock go.
func (c *clock) clear() { c.cached, c.wallTime = 0, time.Time{} }

func (c *clock) wall() time.Time {
	if c.cached == 0 {
		return time.Now()
	}
	if c.wallTime.IsZero() {
		c.wallTime = time.Now().Add(time.Duration(c.cached - monotonic()))
	}
	return c.wallTime
}
