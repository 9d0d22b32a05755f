package event

import (
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
)

// monotonic returns the time that deadlines are given in.
func monotonic() int64 { return poller.Monotonic() }

// A clock is a base's time. While callbacks run it stands still, so that asking
// for it is free.
type clock struct {
	uncached bool
	cached   int64     // 0: not cached
	wallTime time.Time // the wall clock's time at cached, or zero
	last     int64     // the system's time when update was called last

	// since returns how much time has passed since start, whether the clock stands
	// still or not: time.Since, or sinceSource. Any goroutine may call it.
	since  func(start time.Time) time.Duration
	start  time.Time        // poller.Epoch, or what source said at sourceStart
	source func() time.Time // Config.Clock, or nil
}

// sourceStart is the time at which a base with a Config.Clock begins. It is so late
// that the poller, which knows only the system's time, waits for ever, that is until
// ClockChanged: it must not wait for a moment that has come already elsewhere. Periods
// that are counted by this time, such as ticks of rate limits, begin with the base.
const sourceStart = 70 * 365 * 24 * time.Hour

func (c *clock) init(cfg *Config) {
	c.uncached, c.since, c.start = cfg.Flags&NoCacheTime != 0, time.Since, poller.Epoch
	if cfg.Clock != nil {
		c.source, c.since, c.start = cfg.Clock, c.sinceSource, cfg.Clock()
	}
}

func (c *clock) now() int64 {
	if c.cached != 0 {
		return c.cached
	}
	return c.read()
}

// read returns the present time, whether the clock stands still or not. The function
// is called with its argument rather than bound to it, so that a base on the system's
// time, which reads it for each timer that is added outside of callbacks, pays for
// no call in between.
func (c *clock) read() int64 { return int64(c.since(c.start)) }

func (c *clock) sinceSource(start time.Time) time.Duration {
	return sourceStart + c.source().Sub(start)
}

// update stops the clock at the present time.
func (c *clock) update() {
	c.clear()
	c.last = monotonic()
	switch {
	case c.uncached:
	case c.source == nil:
		c.cached = c.last
	default:
		c.cached = c.read()
	}
}

// clear lets the clock go.
func (c *clock) clear() { c.cached, c.wallTime = 0, time.Time{} }

// wall returns the wall clock's time, which is looked at once while the clock stands
// still.
func (c *clock) wall() time.Time {
	if c.cached == 0 {
		return c.wallNow()
	}
	if c.wallTime.IsZero() {
		c.wallTime = c.wallNow()
	}
	return c.wallTime
}

func (c *clock) wallNow() time.Time {
	switch {
	case c.source != nil:
		return c.start.Add(time.Duration(c.now()) - sourceStart)
	case c.cached == 0:
		return time.Now()
	}
	return time.Now().Add(time.Duration(c.cached - monotonic()))
}

// ClockChanged has the loop look at the Clock of its Config, which was moved on. It
// may be called from any goroutine, and does nothing to a base that was freed.
func (b *Base) ClockChanged() { b.inbox.interrupt(b) }
