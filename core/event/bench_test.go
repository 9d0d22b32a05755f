package event_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

var timerCounts = []int{1_000, 100_000, 1_000_000}

// newTimers assigns n timers on a new base.
func newTimers(b *testing.B, n int) (*event.Base, []event.Event) {
	base := newBase(b, nil)
	events := make([]event.Event, n)
	for i := range events {
		events[i].AssignTimer(base, ignore)
	}
	return base, events
}

func randomTimeout(r *rand.Rand) time.Duration {
	return time.Second + time.Duration(r.Int64N(int64(999*time.Second)))
}

// benchTimers times op on each of n timers, in random order.
func benchTimers(b *testing.B, prepare, op func(ev *event.Event, r *rand.Rand)) {
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

func start(ev *event.Event, r *rand.Rand) { ev.AddTimeout(randomTimeout(r)) }

func BenchmarkTimerAdd(b *testing.B)   { benchTimers(b, nil, start) }
func BenchmarkTimerReAdd(b *testing.B) { benchTimers(b, start, start) }
func BenchmarkTimerDelete(b *testing.B) {
	benchTimers(b, start, func(ev *event.Event, _ *rand.Rand) { ev.Del() })
}

// Outside of callbacks each addition reads the clock; in one, the time is known.
func BenchmarkTimerAddOutsideCallback(b *testing.B) {
	_, events := newTimers(b, 1000)
	addInSequence(b, events)
}

func BenchmarkTimerAddInCallback(b *testing.B) {
	base, events := newTimers(b, 1000)
	base.Once(-1, event.Timeout, 0, func(*event.Event, event.What) {
		addInSequence(b, events)
		base.LoopBreak()
	})
	if err := base.Dispatch(); err != nil {
		b.Fatal(err)
	}
}

func addInSequence(b *testing.B, events []event.Event) {
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += len(events) {
		for j := range events {
			start(&events[j], r)
		}
		b.StopTimer()
		for j := range events {
			events[j].Del()
		}
		b.StartTimer()
	}
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
				if _, err := base.Loop(event.LoopOnce | event.LoopNonblock); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// onEachMethod runs a benchmark on all backends without locks.
func onEachMethod(b *testing.B, bench func(b *testing.B, base *event.Base)) {
	for _, on := range backends() {
		if on.locked {
			continue
		}
		b.Run(on.method+"/"+on.variant, func(b *testing.B) {
			base := on.base(b)
			b.ReportAllocs()
			bench(b, base)
		})
	}
}

// step runs the loop once. It is for what is ready, or will be soon.
func step(b *testing.B, base *event.Base) {
	if _, err := base.Loop(event.LoopOnce); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkDispatch finds one descriptor ready and runs its callback.
func BenchmarkDispatch(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		r, w := socketPair(b)
		send(b, w, r, "x")
		addEvent(b, base, r, event.Read|event.Persist, ignore)
		for b.Loop() {
			step(b, base)
		}
	})
}

// BenchmarkEcho writes a byte, waits for it and reads it.
func BenchmarkEcho(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		r, w := socketPair(b)
		buf := []byte("x")
		addEvent(b, base, r, event.Read|event.Persist, func(*event.Event, event.What) { sysRead(r, buf) })
		for b.Loop() {
			sysWrite(w, buf)
			step(b, base)
		}
	})
}

// BenchmarkChain passes bytes on from one connection to the next, as
// libevent's own bench does. An operation is one byte passed on: a write, a
// read and a callback.
func BenchmarkChain(b *testing.B) {
	for _, size := range []struct{ connections, active int }{{100, 1}, {100, 100}, {1000, 1}, {1000, 100}} {
		b.Run(fmt.Sprintf("%dconnections/%dactive", size.connections, size.active), func(b *testing.B) {
			allowDescriptors(b, 2*size.connections)
			onEachMethod(b, func(b *testing.B, base *event.Base) {
				newChain(b, base, size.connections).run(b, size.active)
			})
		})
	}
}

// A chain is connections of which each passes what it gets on to the next.
type chain struct {
	base    *event.Base
	writers []int
	left    int // how many bytes are still to be written
	under   int // way: written and not read
	buf     [1]byte
}

func newChain(b *testing.B, base *event.Base, n int) *chain {
	c := &chain{base: base}
	for i := range n {
		r, w := socketPair(b)
		c.writers = append(c.writers, w)
		addEvent(b, base, r, event.Read|event.Persist, func(*event.Event, event.What) {
			sysRead(r, c.buf[:])
			c.under--
			c.pass(i + 1)
		})
	}
	return c
}

// pass writes a byte to a connection.
func (c *chain) pass(to int) {
	if c.left > 0 {
		c.left--
		c.under++
		sysWrite(c.writers[to%len(c.writers)], c.buf[:])
	}
}

func (c *chain) run(b *testing.B, active int) {
	c.left = b.N
	b.ResetTimer()
	for i := range active {
		c.pass(i * len(c.writers) / active)
	}
	for c.under > 0 {
		step(b, c.base)
	}
}

// BenchmarkAddDel adds an event for a descriptor and deletes it.
func BenchmarkAddDel(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		r, _ := socketPair(b)
		ev := newEvent(b, base, r, event.Read|event.Persist, ignore)
		for b.Loop() {
			ev.Add()
			ev.Del()
		}
	})
}

// BenchmarkAddDelSecond does so while another event waits for the same, and
// the kernel needs not be told.
func BenchmarkAddDelSecond(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		r, _ := socketPair(b)
		addEvent(b, base, r, event.Read|event.Persist, ignore)
		ev := newEvent(b, base, r, event.Read|event.Persist, ignore)
		for b.Loop() {
			ev.Add()
			ev.Del()
		}
	})
}

// BenchmarkActivate activates an event and runs it in an iteration of its own.
func BenchmarkActivate(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		ev := base.NewUser(ignore)
		for b.Loop() {
			ev.Activate(event.Read)
			step(b, base)
		}
	})
}

// BenchmarkActivateMany activates a thousand events and runs them. An operation
// is one event.
func BenchmarkActivateMany(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		events := make([]event.Event, 1000)
		for i := range events {
			events[i].AssignTimer(base, ignore)
		}
		for i := 0; i < b.N; i += len(events) {
			for j := range events {
				events[j].Activate(event.Read)
			}
			step(b, base)
		}
	})
}

// BenchmarkSchedule schedules a deferred callback that schedules itself.
func BenchmarkSchedule(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		left := b.N
		var d event.Deferred
		d.Init(base, 0, func(*event.Deferred) {
			left--
			if left > 0 {
				d.Schedule()
			}
		})
		d.Schedule()
		b.ResetTimer()
		dispatch(b, base)
	})
}

// BenchmarkPost posts a function from another goroutine while the loop runs,
// each as soon as the one before has run.
func BenchmarkPost(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		stop := looping(b, base)
		ran := make(chan struct{})
		fn := func() { ran <- struct{}{} }
		for b.Loop() {
			base.Post(fn)
			<-ran
		}
		stop()
	})
}

// BenchmarkPostMany posts functions as fast as it can.
func BenchmarkPostMany(b *testing.B) {
	onEachMethod(b, func(b *testing.B, base *event.Base) {
		stop := looping(b, base)
		left, done := b.N, make(chan struct{})
		fn := func() {
			left--
			if left == 0 {
				close(done)
			}
		}
		b.ResetTimer()
		for range b.N {
			base.Post(fn)
		}
		<-done
		b.StopTimer()
		stop()
	})
}
