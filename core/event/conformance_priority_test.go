package event_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformancePriorities(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"the more urgent run first", testUrgentFirst},
		{"events of one priority run in the order in which they became active", testFifo},
		{"what is found in one iteration becomes active in a fixed order", testActivationOrder},
		{"a new event is in the middle", testMiddlePriority},
		{"an urgent event that a callback activates runs before the rest", testUrgentInterrupts},
		{"an urgent descriptor that a callback makes ready runs before the less urgent", testUrgentDescriptor},
		{"a less urgent event that a callback activates waits", testLessUrgentWaits},
		{"each iteration looks for events before it runs the next priority", testOnePriorityAtATime},
		{"events keep to the priorities that are left", testFewerPriorities},
		{"SetPriority refuses what makes no sense", testSetPriorityErrors},
		{"SetPriorities refuses what makes no sense", testSetPrioritiesErrors},
	})
}

func TestConformanceInversionGuard(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"MaxDispatchCallbacks lets the loop look for events in between", testMaxCallbacks},
		{"MaxDispatchCallbacks bounds posted functions", testMaxPosts},
		{"MaxDispatchInterval lets the loop look for events in between", testMaxInterval},
		{"priorities before LimitCallbacksAfterPriority are not bounded", testLimitAfterPriority},
		{"without a bound the loop looks after all have run", testNoLimit},
	})
}

// withPriorities makes a base with n priorities and a function that makes user
// events of a priority.
func withPriorities(t testing.TB, b *event.Base, n int) func(priority int, cb event.Callback) *event.Event {
	t.Helper()
	ok(t, b.SetPriorities(n))
	return func(priority int, cb event.Callback) *event.Event {
		t.Helper()
		ev := b.NewUser(cb)
		ok(t, ev.SetPriority(priority))
		return ev
	}
}

// testActivationOrder has the events of one iteration in the order in which the
// documentation says that they become active.
func testActivationOrder(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var tr trace
	late := b.NewTimer(tr.cb("late timeout"))
	addTimer(t, b, time.Microsecond, tr.cb("early timeout"))
	ok(t, late.AddTimeout(2*time.Microsecond))
	reader := newEvent(t, b, r, event.Read, tr.cb("descriptor"))
	awaitReady(t, reader)
	ok(t, reader.Add())
	inWait := b.NewUser(tr.cb("activated in the wait"))
	b.NewCheck(func(w *event.Watcher, _ event.CheckInfo) {
		w.Free()
		inWait.Activate(event.Read)
	})
	first, second := b.NewUser(tr.cb("first activated")), b.NewUser(tr.cb("second activated"))
	for _, ev := range []*event.Event{first, second, first} { // who is active keeps the place
		ev.Activate(event.Read)
	}
	for left, _ := late.Remaining(); left > 0; left, _ = late.Remaining() {
		passTime()
	}
	dispatch(t, b)
	tr.want(t, "first activated", "second activated", "descriptor", "activated in the wait", "early timeout", "late timeout")
}

func testUrgentFirst(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 5)
	var tr trace
	for _, p := range []int{3, 0, 4, 1, 2} {
		user(p, tr.cb(fmt.Sprint(p))).Activate(event.Read)
	}
	dispatch(t, b)
	tr.want(t, "0", "1", "2", "3", "4")
}

func testFifo(t *testing.T, on backend) {
	b := on.base(t)
	var order []int
	for i := range 100 {
		b.NewUser(func(*event.Event, event.What) { order = append(order, i) }).Activate(event.Read)
	}
	dispatch(t, b)
	same(t, "callbacks", len(order), 100)
	if !slices.IsSorted(order) {
		t.Errorf("ran in the order %v", order)
	}
}

func testMiddlePriority(t *testing.T, on backend) {
	b := on.base(t)
	same(t, "number of priorities of a new base", b.Priorities(), 1)
	for n, want := range map[int]int{1: 0, 2: 1, 3: 1, 5: 2, 255: 127} {
		ok(t, b.SetPriorities(n))
		same(t, "number of priorities", b.Priorities(), n)
		same(t, "priority", b.NewUser(ignore).Priority(), want)
	}
}

func testUrgentInterrupts(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 8)
	var tr trace
	urgent := user(0, tr.cb("urgent"))
	first := user(4, func(*event.Event, event.What) {
		tr.add("first")
		urgent.Activate(event.Write)
	})
	first.Activate(event.Write)
	user(4, tr.cb("second")).Activate(event.Write)
	user(4, tr.cb("third")).Activate(event.Write)
	dispatch(t, b)
	tr.want(t, "first", "urgent", "second", "third")
}

func testUrgentDescriptor(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 3)
	r, w := socketPair(t)
	var tr trace
	urgent := newEvent(t, b, r, event.Read, tr.cb("urgent"))
	ok(t, urgent.SetPriority(0))
	ok(t, urgent.Add())
	user(1, func(*event.Event, event.What) {
		tr.add("middle")
		send(t, w, r, "x")
	}).Activate(event.Read)
	user(1, tr.cb("middle too")).Activate(event.Read)
	user(2, tr.cb("last")).Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "middle", "middle too", "urgent", "last")
}

func testLessUrgentWaits(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 3)
	var tr trace
	low := user(2, tr.cb("low"))
	user(0, func(*event.Event, event.What) {
		tr.add("high")
		low.Activate(event.Read)
	}).Activate(event.Read)
	user(0, tr.cb("high")).Activate(event.Read)
	user(1, tr.cb("middle")).Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "high", "high", "middle", "low")
}

func testOnePriorityAtATime(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 3)
	var tr trace
	b.NewCheck(func(*event.Watcher, event.CheckInfo) { tr.add("look") })
	for p := range 3 {
		user(p, tr.cb(fmt.Sprint(p))).Activate(event.Read)
		user(p, tr.cb(fmt.Sprint(p))).Activate(event.Read)
	}
	dispatch(t, b)
	tr.want(t, "look", "0", "0", "look", "1", "1", "look", "2", "2")
}

func testFewerPriorities(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 10)
	var tr trace
	low, high := user(9, tr.cb("low")), user(0, tr.cb("high"))
	ok(t, b.SetPriorities(2))
	low.Activate(event.Read)
	high.Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "high", "low")
}

func testSetPriorityErrors(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 3)
	ev := user(1, ignore)
	for _, p := range []int{-1, 3, 256, 257, 1 << 20} {
		if err := ev.SetPriority(p); !errors.Is(err, event.ErrBadPriority) {
			t.Errorf("priority %d of 3: %v", p, err)
		}
		same(t, "priority", ev.Priority(), 1)
	}
	active := user(1, ignore)
	user(0, func(*event.Event, event.What) {
		if err := active.SetPriority(2); !errors.Is(err, event.ErrPending) {
			t.Errorf("SetPriority of an active event: %v", err)
		}
	}).Activate(event.Read)
	active.Activate(event.Read)
	dispatch(t, b)
	ok(t, active.SetPriority(2))
	var none event.Event
	if err := none.SetPriority(0); !errors.Is(err, event.ErrNotAssigned) {
		t.Errorf("SetPriority of an unassigned event: %v", err)
	}
}

func testSetPrioritiesErrors(t *testing.T, on backend) {
	b := on.base(t)
	for _, n := range []int{-1, 0, 256, 257, 1 << 20} {
		if err := b.SetPriorities(n); !errors.Is(err, event.ErrBadPriority) {
			t.Errorf("%d priorities: %v", n, err)
		}
		same(t, "priorities", b.Priorities(), 1)
	}
	b.NewUser(ignore).Activate(event.Read)
	b.NewUser(func(*event.Event, event.What) {
		b.NewUser(ignore).Activate(event.Read)
	}).Activate(event.Read)
	inLoop(t, b, func() {})
	waiting := b.NewUser(ignore)
	first := b.NewUser(func(*event.Event, event.What) {
		if err := b.SetPriorities(2); !errors.Is(err, event.ErrPending) {
			t.Errorf("SetPriorities while an event is active: %v", err)
		}
	})
	first.Activate(event.Read)
	waiting.Activate(event.Read)
	dispatch(t, b)
	ok(t, b.SetPriorities(2))
}

// crowd activates n user events of a base with two priorities, of which each
// adds "crowd" to the trace; looking for events adds "look".
func crowd(t testing.TB, b *event.Base, priority, n int, tr *trace) {
	t.Helper()
	user := withPriorities(t, b, 2)
	b.NewCheck(func(*event.Watcher, event.CheckInfo) { tr.add("look") })
	for range n {
		user(priority, func(*event.Event, event.What) {
			tr.add("crowd")
			passTime()
		}).Activate(event.Read)
	}
}

func testMaxCallbacks(t *testing.T, on backend) {
	cfg := on.config()
	cfg.MaxDispatchCallbacks = 2
	b := newBase(t, cfg)
	var tr trace
	crowd(t, b, 1, 5, &tr)
	r, w := socketPair(t)
	urgent := newEvent(t, b, r, event.Read, tr.cb("urgent"))
	ok(t, urgent.SetPriority(0))
	ok(t, urgent.Add())
	send(t, w, r, "x")
	dispatch(t, b)
	tr.want(t, "look", "urgent", "look", "crowd", "crowd", "look", "crowd", "crowd", "look", "crowd")
}

func testMaxPosts(t *testing.T, on backend) {
	cfg := on.config()
	cfg.MaxDispatchCallbacks = 2
	b := newBase(t, cfg)
	var tr trace
	b.NewCheck(func(*event.Watcher, event.CheckInfo) { tr.add("look") })
	for range 3 {
		ok(t, b.Post(func() { tr.add("post") }))
	}
	dispatch(t, b)
	tr.want(t, "look", "post", "post", "look", "post")
}

func testMaxInterval(t *testing.T, on backend) {
	cfg := on.config()
	cfg.MaxDispatchInterval = 1
	b := newBase(t, cfg)
	var tr trace
	crowd(t, b, 1, 3, &tr)
	dispatch(t, b)
	tr.want(t, "look", "crowd", "look", "crowd", "look", "crowd")
}

func testLimitAfterPriority(t *testing.T, on backend) {
	for priority, want := range []trace{
		{"look", "crowd", "crowd", "crowd"},
		{"look", "crowd", "look", "crowd", "look", "crowd"},
	} {
		cfg := on.config()
		cfg.MaxDispatchCallbacks = 1
		cfg.MaxDispatchInterval = time.Nanosecond
		cfg.LimitCallbacksAfterPriority = 1
		b := newBase(t, cfg)
		var tr trace
		crowd(t, b, priority, 3, &tr)
		dispatch(t, b)
		tr.want(t, want...)
	}
}

func testNoLimit(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	crowd(t, b, 1, 4, &tr)
	dispatch(t, b)
	tr.want(t, "look", "crowd", "crowd", "crowd", "crowd")
}
