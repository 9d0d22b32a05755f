package evutil

import (
	"fmt"
	"time"
)

// MonotonicFlags choose the clock of a [MonotonicTimer].
type MonotonicFlags int

const (
	// MonotPrecise asks for the finest clock, even if reading it takes
	// longer. Without it the clock is that of [time.Now], which is the
	// finest everywhere but on Windows: there it may stand still for up to
	// 15.6 ms at a time (EV_MONOT_PRECISE).
	MonotPrecise MonotonicFlags = 1 << iota
	// MonotFallback asks for the wall clock, held back from running
	// backwards, as a system without a monotonic clock would have it. It
	// overrides MonotPrecise (EV_MONOT_FALLBACK).
	MonotFallback
)

// A MonotonicTimer measures time that never runs backwards, even when the
// system's time is set back. The zero value has no flags set, like what
// [NewMonotonicTimer] makes. Only one goroutine at a time may use it
// (evutil_monotonic_timer).
type MonotonicTimer struct {
	read   func() time.Duration // nil: runtimeClock
	adjust time.Duration        // what read has run backwards so far
	last   time.Duration        // the latest result; no result is less
}

// NewMonotonicTimer returns a timer with no flags set. There is no need to
// configure or free it (evutil_monotonic_timer_new).
func NewMonotonicTimer() *MonotonicTimer {
	return new(MonotonicTimer)
}

// Configure chooses the clock anew. Results from before and after have
// nothing to do with each other. The error says that flags has unknown bits
// (evutil_configure_monotonic_time).
func (t *MonotonicTimer) Configure(flags MonotonicFlags) error {
	if unknown := flags &^ (MonotPrecise | MonotFallback); unknown != 0 {
		return opError("configure monotonic timer", fmt.Errorf("unknown flags %#x", int(unknown)))
	}
	switch {
	case flags&MonotFallback != 0:
		*t = MonotonicTimer{read: wallClock}
	case flags&MonotPrecise != 0:
		*t = MonotonicTimer{read: preciseClock}
	default:
		*t = MonotonicTimer{}
	}
	return nil
}

// Now returns the time since some moment that stays the same until
// [MonotonicTimer.Configure]. It is never less than it was before
// (evutil_gettime_monotonic).
func (t *MonotonicTimer) Now() time.Duration {
	read := t.read
	if read == nil {
		read = runtimeClock
	}
	now := read() + t.adjust
	if now < t.last {
		t.adjust += t.last - now
		now = t.last
	}
	t.last = now
	return now
}

// clockStart is the zero of runtimeClock. Where time runs apart from that of the
// process, in a bubble of testing/synctest, it may lie ahead: the first result of each
// timer is 0 there.
var clockStart = time.Now()

// runtimeClock reads the monotonic clock of the Go runtime.
func runtimeClock() time.Duration { return time.Since(clockStart) }

// wallClock reads the time since 1970, which an administrator can set.
func wallClock() time.Duration { return time.Duration(time.Now().UnixNano()) }
