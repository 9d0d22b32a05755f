package event_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceFinalize(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"the finalizer runs in the loop and leaves the event unassigned", testFinalizeIdle},
		{"a pending event is deleted first", testFinalizePending},
		{"an active event's callback does not run any more", testFinalizeActive},
		{"an event is finalized in its own callback", testFinalizeItself},
		{"until the finalizer ran every use is refused", testFinalizeUse},
		{"a finalizer uses its event again", testFinalizeReuse},
		{"Free runs the finalizers that are due", testFinalizeFree},
		{"Free runs the finalizers that finalizers ask for", testFinalizeFreeChain},
		{"a finalizer cannot add events to a base that is freed", testFinalizeFreeAdds},
		{"FreeNoFinalize does not run finalizers", testFinalizeFreeNone},
		{"FreeFinalize is Finalize", testFreeFinalize},
		{"after Free it is refused", testFinalizeFreed},
	})
}

func testFinalizeIdle(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := b.NewUser(c.note)
	ev.Data = "data"
	ran := 0
	ok(t, ev.Finalize(func(got *event.Event) {
		ran++
		same(t, "event", got, ev)
		same(t, "Data", got.Data, any("data"))
		same(t, "running event", b.RunningEvent(), nil)
	}))
	same(t, "calls before the loop", ran, 0)
	dispatch(t, b)
	same(t, "calls", ran, 1)
	same(t, "initialized", ev.Initialized(), false)
	c.want(t)
}

func testFinalizePending(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	ev := newEvent(t, b, r, event.Read|event.Persist|event.Finalize, func(*event.Event, event.What) {
		t.Error("the callback ran")
	})
	ok(t, ev.AddTimeout(0))
	ran := 0
	ok(t, ev.Finalize(func(*event.Event) { ran++ }))
	same(t, "events", added(b), 0)
	dispatch(t, b)
	same(t, "calls", ran, 1)
}

func testFinalizeActive(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	second := b.NewUser(func(*event.Event, event.What) { t.Error("the callback ran") })
	first := b.NewUser(func(*event.Event, event.What) { ok(t, second.Finalize(func(*event.Event) { ran++ })) })
	first.Activate(event.Read)
	second.Activate(event.Read)
	dispatch(t, b)
	same(t, "calls", ran, 1)
}

func testFinalizeItself(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	for _, what := range []event.What{event.Write, event.Write | event.Persist} {
		var tr trace
		ev := addEvent(t, b, r, what, func(ev *event.Event, _ event.What) {
			ok(t, ev.Finalize(func(*event.Event) { tr.add("finalizer") }))
			tr.add("callback")
		})
		dispatch(t, b)
		tr.want(t, "callback", "finalizer")
		same(t, "initialized", ev.Initialized(), false)
	}
}

func testFinalizeUse(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	ev := b.NewTimer(func(*event.Event, event.What) { t.Error("the callback ran") })
	ok(t, ev.Finalize(func(*event.Event) { ran++ }))
	for name, err := range map[string]error{
		"Add":        ev.Add(),
		"AddTimeout": ev.AddTimeout(0),
		"Finalize":   ev.Finalize(func(*event.Event) { t.Error("the second finalizer ran") }),
	} {
		if !errors.Is(err, event.ErrFinalizing) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := ev.AssignTimer(b, ignore); !errors.Is(err, event.ErrPending) {
		t.Errorf("AssignTimer: %v", err)
	}
	ok(t, ev.Del())
	ev.Free()
	ev.Activate(event.Read)
	dispatch(t, b)
	same(t, "calls", ran, 1)
}

func testFinalizeReuse(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	ev := b.NewUser(ignore)
	ok(t, ev.Finalize(func(ev *event.Event) {
		tr.add("finalizer")
		ok(t, ev.AssignTimer(b, tr.cb("timer")))
		ok(t, ev.AddTimeout(0))
	}))
	dispatch(t, b)
	tr.want(t, "finalizer", "timer")
}

func testFinalizeFree(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	ran := 0
	for range 3 {
		ev := addEvent(t, b, r, event.Read, ignore)
		ok(t, ev.Finalize(func(ev *event.Event) {
			ran++
			same(t, "initialized", ev.Initialized(), false)
		}))
	}
	b.Free()
	same(t, "calls", ran, 3)
	b.Free()
	same(t, "calls", ran, 3)
}

func testFinalizeFreeChain(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	second, third := b.NewUser(ignore), addTimer(t, b, time.Hour, ignore)
	ok(t, b.NewUser(ignore).Finalize(func(*event.Event) {
		tr.add("first")
		ok(t, second.Finalize(func(*event.Event) {
			tr.add("second")
			ok(t, third.Finalize(func(*event.Event) { tr.add("third") }))
		}))
	}))
	b.Free()
	tr.want(t, "first", "second", "third")
}

func testFinalizeFreeAdds(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	timer, reader := b.NewTimer(ignore), newEvent(t, b, r, event.Read, ignore)
	ok(t, b.NewUser(ignore).Finalize(func(*event.Event) {
		for _, err := range []error{timer.AddTimeout(time.Hour), reader.Add()} {
			if !errors.Is(err, event.ErrFreed) {
				t.Errorf("add while the base is freed: %v", err)
			}
		}
	}))
	b.Free()
	same(t, "pending", timer.Pending(event.Timeout)|reader.Pending(event.Read), 0)
}

func testFinalizeFreeNone(t *testing.T, on backend) {
	b := on.base(t)
	ok(t, b.NewUser(ignore).Finalize(func(*event.Event) { t.Error("the finalizer ran") }))
	b.FreeNoFinalize()
}

func testFreeFinalize(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	ev := addTimer(t, b, time.Hour, ignore)
	ok(t, ev.FreeFinalize(func(*event.Event) { ran++ }))
	dispatch(t, b)
	same(t, "calls", ran, 1)
	same(t, "initialized", ev.Initialized(), false)
}

func testFinalizeFreed(t *testing.T, on backend) {
	b := on.base(t)
	ev := b.NewUser(ignore)
	b.Free()
	if err := ev.Finalize(func(*event.Event) { t.Error("the finalizer ran") }); !errors.Is(err, event.ErrFreed) {
		t.Errorf("finalize after Free: %v", err)
	}
}
