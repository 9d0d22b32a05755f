package event

import (
	"math"
	"math/bits"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
)

// Stats says how a loop has spent its time since EnableStats.
type Stats struct {
	// Iterations counts the rounds of waiting and running callbacks.
	Iterations uint64
	// PollTime is the time spent waiting for events, idle time included.
	PollTime time.Duration
	// Callbacks counts the callbacks and posted functions that ran.
	Callbacks uint64
	// CallbackTime is the time spent in them.
	CallbackTime time.Duration
	// Histogram counts the callbacks by how long they took.
	Histogram Histogram
	// Slowest is the callback that took longest.
	Slowest SlowCallback
}

// Histogram counts durations: entry i those of at least 2^(i-1) and less than
// 2^i nanoseconds, and entry 0 those of zero. The last entry has no upper
// limit.
type Histogram [36]uint64

// Bound returns the upper limit of an entry, or the longest duration for the
// last.
func (h *Histogram) Bound(i int) time.Duration {
	if i >= len(h)-1 {
		return math.MaxInt64
	}
	return 1 << i
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	h[min(bits.Len64(uint64(max(d, 0))), len(h)-1)]++
}

// SlowCallback describes a callback that took long.
type SlowCallback struct {
	// Duration is how long it took, and At when it began.
	Duration time.Duration
	At       time.Time
	// FD is the descriptor, or the signal, of the event, or -1.
	FD int
	// What is what the callback was told, or 0 for a posted or deferred
	// function.
	What What
}

// stats is a base's record of what it does: for EnableStats, or for a poller that
// traces the callbacks.
type stats struct {
	Stats
	enabled   bool
	tracer    poller.Tracer // or nil
	pollStart int64
	start     int64
	fd        int
	what      What
}

// EnableStats starts or stops the collection of statistics. Starting sets them
// to zero. While they are off they cost nothing; on, two readings of the clock
// for each callback and each wait.
func (b *Base) EnableStats(on bool) {
	b.enter()
	defer b.leave()
	b.resetStats(on)
}

// resetStats begins a new record, if there is use for one.
func (b *Base) resetStats(enabled bool) {
	tracer, traced := b.poller.(poller.Tracer)
	b.stats = nil
	if enabled || traced {
		b.stats = &stats{enabled: enabled, tracer: tracer}
	}
}

// Stats returns the statistics collected so far; zero if they are off.
func (b *Base) Stats() Stats {
	b.enter()
	defer b.leave()
	if b.stats == nil {
		return Stats{}
	}
	return b.stats.Stats
}

func (s *stats) beforePoll() {
	if s.enabled {
		s.pollStart = monotonic()
	}
}

func (s *stats) afterPoll() {
	if s.pollStart == 0 {
		return // enabled during the wait
	}
	s.Iterations++
	s.PollTime += time.Duration(monotonic() - s.pollStart)
	s.pollStart = 0
}

// beforeCallback notes what is about to run; t is nil for a posted function.
func (s *stats) beforeCallback(t *task) {
	s.fd, s.what = -1, 0
	if t != nil && t.kind != kindDeferred {
		s.fd, s.what = t.event().fd, t.result
	}
	if s.tracer != nil {
		s.tracer.TraceCallback(s.fd, uint16(s.what))
	}
	if s.enabled {
		s.start = monotonic()
	}
}

func (s *stats) afterCallback() {
	if s.start == 0 {
		return // enabled by the callback itself
	}
	d := time.Duration(monotonic() - s.start)
	s.Callbacks++
	s.CallbackTime += d
	s.Histogram.Add(d)
	if d > s.Slowest.Duration {
		s.Slowest = SlowCallback{Duration: d, At: poller.Time(s.start), FD: s.fd, What: s.what}
	}
	s.start = 0
}
