package event_test

import (
	"slices"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceAtEnd(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"it comes after the callbacks of this iteration", testAtEndOrder},
		{"what it asks for comes in the same iteration, but not for ever", testAtEndAgain},
		{"what asks for itself comes in the next iteration", testAtEndItself},
		{"the loop does not end or wait before it", testAtEndKeepsLoop},
		{"LoopBreak leaves it for the next loop", testAtEndBreak},
		{"after Free it does not come", testAtEndFreed},
		{"others may ask for it, if there are locks", testAtEndFromOthers},
	})
}

// finisher is a function to be called at the end of an iteration.
type finisher struct{ fn func() }

func (f *finisher) EndIteration() { f.fn() }

func finish(fn func()) *finisher { return &finisher{fn} }

func testAtEndOrder(t *testing.T, on backend) {
	b := on.base(t)
	if err := b.SetPriorities(3); err != nil {
		t.Fatal(err)
	}
	var order []string
	add := func(name string, priority int, fn func()) {
		d := newDeferred(b, func(*event.Deferred) {
			order = append(order, name)
			fn()
		})
		d.SetPriority(priority)
		d.Schedule()
	}
	add("later", 2, func() {})
	add("first", 1, func() {
		b.AtIterationEnd(finish(func() { order = append(order, "end") }))
		b.AtIterationEnd(finish(func() { order = append(order, "end 2") }))
	})
	add("second", 1, func() {})
	dispatch(t, b)
	want := []string{"first", "second", "end", "end 2", "later"}
	same(t, "order", slices.Equal(order, want), true)
}

func testAtEndAgain(t *testing.T, on backend) {
	b := on.base(t)
	ran, iterations := 0, 0
	b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { iterations++ })
	var ask func()
	ask = func() {
		if ran++; ran < 9 {
			b.AtIterationEnd(finish(ask))
		}
	}
	b.AtIterationEnd(finish(ask))
	dispatch(t, b)
	same(t, "calls", ran, 9)
	same(t, "iterations", iterations, 3)
}

func testAtEndItself(t *testing.T, on backend) {
	b := on.base(t)
	ran, iterations := 0, 0
	b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { iterations++ })
	var f *finisher
	f = finish(func() {
		if ran++; ran < 5 {
			b.AtIterationEnd(f)
		}
	})
	b.AtIterationEnd(f)
	dispatch(t, b)
	same(t, "calls", ran, 5)
	same(t, "iterations", iterations, 5)
}

func testAtEndKeepsLoop(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	b.AtIterationEnd(finish(func() { ran++ }))
	same(t, "status", loop(t, b, event.LoopOnce), event.LoopDone)
	same(t, "calls", ran, 1)
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	same(t, "calls", ran, 1)
}

func testAtEndBreak(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	b.AtIterationEnd(finish(func() { ran++; b.LoopBreak() }))
	b.AtIterationEnd(finish(func() { ran++ }))
	dispatch(t, b)
	same(t, "calls", ran, 1)
	dispatch(t, b)
	same(t, "calls", ran, 2)
}

func testAtEndFreed(t *testing.T, on backend) {
	b := on.base(t)
	b.AtIterationEnd(finish(func() { t.Error("it came") }))
	b.Free()
	same(t, "AtIterationEnd", b.AtIterationEnd(finish(func() { t.Error("it came") })), false)
}

func testAtEndFromOthers(t *testing.T, on backend) {
	if !on.locked {
		t.Skip("only with locks")
	}
	b := on.base(t)
	ran := 0
	go func() {
		for range 100 {
			b.AtIterationEnd(finish(func() {
				if ran++; ran == 100 {
					b.LoopExit(0)
				}
			}))
		}
	}()
	same(t, "status", loop(t, b, event.LoopNoExitOnEmpty), event.LoopDone)
	same(t, "calls", ran, 100)
}
