//go:build !race

package event_test

import (
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// TestSteadyStateDoesNotAllocate is for bases without locks: those of these
// tests allocate.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	for _, on := range backends() {
		if on.locked {
			continue
		}
		t.Run(on.method+"/"+on.variant, func(t *testing.T) {
			for _, c := range []struct {
				name  string
				start func(t *testing.T, b *event.Base) (step func())
			}{
				{"an I/O event", allocsIO},
				{"an I/O event with a timeout", allocsTimeout},
				{"adding and deleting", allocsAddDel},
				{"a timer that repeats", allocsPersist},
				{"a timer that is started again", allocsTimer},
				{"a timer that is waited for", allocsWait},
				{"a common timeout", allocsCommon},
				{"an activation", allocsActivate},
				{"a posted function", allocsPost},
				{"a deferred callback", allocsDeferred},
			} {
				t.Run(c.name, func(t *testing.T) {
					evtest.Leaks(t)
					step := c.start(t, on.base(t))
					for range 50 {
						step() // lets buffers grow to what they need
					}
					if n := testing.AllocsPerRun(50, step); n != 0 {
						t.Errorf("%v allocations", n)
					}
				})
			}
		})
	}
}

// reading returns a step that reads a byte which its event is told of.
func reading(t *testing.T, b *event.Base, ev *event.Event) func() {
	r, w := socketPair(t)
	one := make([]byte, 1)
	ok(t, ev.Assign(b, r, event.Read|event.Persist, func(*event.Event, event.What) { sysRead(r, one) }))
	return func() {
		sysWrite(w, one)
		b.Loop(event.LoopOnce)
	}
}

func allocsIO(t *testing.T, b *event.Base) func() {
	var ev event.Event
	step := reading(t, b, &ev)
	ok(t, ev.Add())
	return step
}

func allocsTimeout(t *testing.T, b *event.Base) func() {
	var ev event.Event
	step := reading(t, b, &ev)
	ok(t, ev.AddTimeout(time.Hour))
	return step
}

func allocsAddDel(t *testing.T, b *event.Base) func() {
	r, w := socketPair(t)
	reader := newEvent(t, b, r, event.Read, ignore)
	writer := newEvent(t, b, w, event.Write, ignore)
	return func() {
		reader.AddTimeout(time.Hour)
		writer.Add()
		b.Loop(event.LoopOnce)
		reader.Del()
	}
}

func allocsPersist(t *testing.T, b *event.Base) func() {
	ok(t, newEvent(t, b, -1, event.Persist, ignore).AddTimeout(1))
	return func() { b.Loop(event.LoopOnce) }
}

func allocsTimer(t *testing.T, b *event.Base) func() {
	ev := b.NewTimer(ignore)
	return func() {
		ev.AddTimeout(time.Hour)
		ev.AddTimeout(0)
		b.Loop(event.LoopOnce)
	}
}

func allocsWait(t *testing.T, b *event.Base) func() {
	ok(t, newEvent(t, b, -1, event.Persist, ignore).AddTimeout(200*time.Microsecond))
	return func() { b.Loop(event.LoopOnce) }
}

func allocsCommon(t *testing.T, b *event.Base) func() {
	hour, soon := commonTimeout(t, b, time.Hour), commonTimeout(t, b, 0)
	ev := b.NewTimer(ignore)
	return func() {
		ev.AddCommon(hour)
		ev.AddCommon(soon)
		b.Loop(event.LoopOnce)
	}
}

func allocsActivate(_ *testing.T, b *event.Base) func() {
	ev := b.NewUser(ignore)
	return func() {
		ev.Activate(event.Read)
		b.Loop(event.LoopOnce)
	}
}

func allocsPost(_ *testing.T, b *event.Base) func() {
	return func() {
		b.Post(ignorePost)
		b.Post(ignorePost)
		b.Loop(event.LoopOnce)
	}
}

func allocsDeferred(_ *testing.T, b *event.Base) func() {
	d := newDeferred(b, func(*event.Deferred) {})
	return func() {
		d.Schedule()
		b.Loop(event.LoopOnce)
	}
}
