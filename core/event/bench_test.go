package event

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var timerCounts = []int{1_000, 100_000, 1_000_000}

// newTimers assigns n timers on a new base.
func newTimers(b *testing.B, n int) (*Base, []Event) {
	base, err := NewBase()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(base.Free)
	events := make([]Event, n)
	for i := range events {
		events[i].AssignTimer(base, func(*Event, What) {})
	}
	return base, events
}

func randomTimeout(r *rand.Rand) time.Duration {
	return time.Second + time.Duration(r.Int64N(int64(999*time.Second)))
}

// benchTimers times op on each of n timers, in random order.
func benchTimers(b *testing.B, prepare, op func(ev *Event, r *rand.Rand)) {
	for _, n := range timerCounts {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			_, events := newTimers(b, n)
			r := rand.New(rand.NewPCG(1, 2))
			order := r.Perm(n)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += n {
				b.StopTimer()
				for j := range events {
					events[j].Del()
					if prepare != nil {
						prepare(&events[j], r)
					}
				}
				b.StartTimer()
				for _, j := range order {
					op(&events[j], r)
				}
			}
		})
	}
}

func start(ev *Event, r *rand.Rand) { ev.AddTimeout(randomTimeout(r)) }

func BenchmarkTimerAdd(b *testing.B)   { benchTimers(b, nil, start) }
func BenchmarkTimerReAdd(b *testing.B) { benchTimers(b, start, start) }
func BenchmarkTimerDelete(b *testing.B) {
	benchTimers(b, start, func(ev *Event, _ *rand.Rand) { ev.Del() })
}

func BenchmarkTimerFire(b *testing.B) {
	for _, n := range timerCounts {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			base, events := newTimers(b, n)
			r := rand.New(rand.NewPCG(1, 2))
			b.ReportAllocs()
			for i := 0; i < b.N; i += n {
				b.StopTimer()
				for j := range events {
					events[j].AddTimeout(time.Duration(r.Int64N(int64(time.Millisecond))))
				}
				time.Sleep(time.Millisecond)
				b.StartTimer()
				if _, err := base.Loop(LoopOnce | LoopNonblock); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
