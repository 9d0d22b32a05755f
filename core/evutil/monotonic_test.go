package evutil_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

// fakeClock returns a clock that reads the given times, one after the other.
func fakeClock(times ...time.Duration) func() time.Duration {
	return func() time.Duration {
		now := times[0]
		times = times[1:]
		return now
	}
}

func TestMonotonicTimerStandsStillWhileTheClockIsSetBack(t *testing.T) {
	for _, test := range []struct {
		name        string
		clock, want []time.Duration
	}{
		{"steady", []time.Duration{10, 11, 11, 13}, []time.Duration{10, 11, 11, 13}},
		{"back once", []time.Duration{10, 20, 5, 6, 8}, []time.Duration{10, 20, 20, 21, 23}},
		{"back twice", []time.Duration{10, 4, 5, 1, 3}, []time.Duration{10, 10, 11, 11, 13}},
		{"forward", []time.Duration{10, 1000, 1001}, []time.Duration{10, 1000, 1001}},
	} {
		timer := evutil.NewTimerOf(fakeClock(test.clock...))
		var got []time.Duration
		for range test.clock {
			got = append(got, timer.Now())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestMonotonicTimerNeverRunsBackwards(t *testing.T) {
	for _, flags := range []evutil.MonotonicFlags{0, evutil.MonotPrecise, evutil.MonotFallback, evutil.MonotPrecise | evutil.MonotFallback} {
		timer := evutil.NewMonotonicTimer()
		if err := timer.Configure(flags); err != nil {
			t.Fatal(err)
		}
		start := timer.Now()
		last := start
		for range 10000 {
			now := timer.Now()
			if now < last {
				t.Fatalf("flags %d: %v after %v", flags, now, last)
			}
			last = now
		}
		for timer.Now() == start { // every clock moves on some time
		}
	}
}

// In a bubble results do not depend on when the process was started.
func TestMonotonicTimerInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timer := evutil.NewMonotonicTimer()
		if first := timer.Now(); first != 0 {
			t.Errorf("first %v, want 0", first)
		}
		time.Sleep(time.Hour)
		if now := timer.Now(); now != time.Hour {
			t.Errorf("an hour later %v", now)
		}
	})
}

func TestMonotonicTimerFallbackIsTheWallClock(t *testing.T) {
	timer := evutil.NewMonotonicTimer()
	if err := timer.Configure(evutil.MonotFallback | evutil.MonotPrecise); err != nil {
		t.Fatal(err)
	}
	before, got, after := evutil.WallClock(), timer.Now(), evutil.WallClock()
	if got < before || after < got {
		t.Errorf("%v is not between %v and %v", got, before, after)
	}
}

func TestMonotonicTimerConfigureStartsAnew(t *testing.T) {
	timer := evutil.NewTimerOf(fakeClock(1<<62, 0))
	timer.Now()
	timer.Now()
	if err := timer.Configure(0); err != nil {
		t.Fatal(err)
	}
	if now := timer.Now(); now >= 1<<62 {
		t.Errorf("%v is left over from the clock before", now)
	}
}

func TestMonotonicTimerRefusesUnknownFlags(t *testing.T) {
	timer := evutil.NewTimerOf(fakeClock(7))
	if err := timer.Configure(evutil.MonotPrecise | 0x40); err == nil {
		t.Error("no error")
	}
	if now := timer.Now(); now != 7 {
		t.Errorf("the clock was changed all the same: %v", now)
	}
}

func TestMonotonicTimerDoesNotAllocate(t *testing.T) {
	timer := evutil.NewMonotonicTimer()
	if n := testing.AllocsPerRun(100, func() { timer.Now() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestZeroMonotonicTimer(t *testing.T) {
	var timer evutil.MonotonicTimer
	first := timer.Now()
	if second := timer.Now(); second < first {
		t.Errorf("%v after %v", second, first)
	}
}
