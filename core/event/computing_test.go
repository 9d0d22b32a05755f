package event_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// While other goroutines compute, a loop's timers come about when those of any
// goroutine do. Both have to wait for a processor; a loop must not do so more
// often than others, and what it waits must not be added to its timeouts. How
// long that takes depends on the machine, so the two are compared.
func TestTimersBesideComputingGoroutines(t *testing.T) {
	if testing.Short() {
		t.Skip("keeps all processors busy")
	}
	defer compute(6 * runtime.GOMAXPROCS(0))()
	for _, on := range backends() {
		if on.locked || on.flags&event.PreciseTimer != 0 {
			continue // a timerfd is as late as any descriptor
		}
		t.Run(on.method+"/"+on.variant, func(t *testing.T) {
			const attempts = 4
			for attempt := 1; ; attempt++ {
				others, loops := latenessOfSleep(), latenessOfTimer(t, on)
				if loops < 3*others+40*time.Millisecond {
					return
				}
				if attempt == attempts {
					t.Fatalf("a timer of the loop comes %v late, one of a goroutine %v", loops, others)
				}
			}
		})
	}
}

const (
	latenessSamples = 15
	latenessTimeout = 5 * time.Millisecond
)

func latenessOfSleep() time.Duration {
	var late []time.Duration
	for range latenessSamples {
		start := time.Now()
		time.Sleep(latenessTimeout)
		late = append(late, time.Since(start)-latenessTimeout)
	}
	return median(late)
}

func latenessOfTimer(t *testing.T, on backend) time.Duration {
	b := on.base(t)
	var late []time.Duration
	var start time.Time
	ev := newEvent(t, b, -1, 0, func(ev *event.Event, _ event.What) {
		late = append(late, time.Since(start)-latenessTimeout)
		if len(late) < latenessSamples {
			start = time.Now()
			ok(t, ev.AddTimeout(latenessTimeout))
		}
	})
	start = time.Now()
	ok(t, ev.AddTimeout(latenessTimeout))
	dispatch(t, b)
	return median(late)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// compute keeps n goroutines busy until the function that it returns is called.
func compute(n int) (stop func()) {
	var done atomic.Bool
	var running sync.WaitGroup
	for range n {
		running.Go(func() {
			for x := 1; !done.Load(); {
				for range 1000 {
					x *= 7
				}
			}
		})
	}
	return func() {
		done.Store(true)
		running.Wait()
	}
}
