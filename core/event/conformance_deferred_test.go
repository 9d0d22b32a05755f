package event_test

import (
	"slices"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceDeferred(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"it runs once for a Schedule", testDeferredRuns},
		{"scheduling it twice is once", testDeferredTwice},
		{"Cancel takes it back", testDeferredCancel},
		{"it schedules itself", testDeferredItself},
		{"it schedules and cancels another", testDeferredOther},
		{"it runs among events by its priority", testDeferredPriority},
		{"priorities that do not exist are taken as the nearest", testDeferredClamped},
		{"thousands run in order", testDeferredMany},
		{"those that schedule themselves do not starve others", testDeferredNoStarving},
		{"LoopBreak leaves it for the next loop", testDeferredBreak},
		{"after Free it does not run", testDeferredFreed},
	})
}

// newDeferred makes a deferred callback of the most urgent priority.
func newDeferred(b *event.Base, fn func(*event.Deferred)) *event.Deferred {
	d := new(event.Deferred)
	d.Init(b, 0, fn)
	return d
}

func testDeferredRuns(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	d := newDeferred(b, func(d *event.Deferred) {
		ran++
		same(t, "Data", d.Data, any("data"))
		same(t, "scheduled", d.Scheduled(), false)
		same(t, "running event", b.RunningEvent(), nil)
	})
	d.Data = "data"
	for want := 1; want <= 3; want++ {
		same(t, "Schedule", d.Schedule(), true)
		same(t, "scheduled", d.Scheduled(), true)
		same(t, "active events", b.NumEvents(event.CountActive), 1)
		dispatch(t, b)
		same(t, "calls", ran, want)
	}
}

func testDeferredTwice(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	d := newDeferred(b, func(*event.Deferred) { ran++ })
	same(t, "Schedule", d.Schedule(), true)
	same(t, "Schedule again", d.Schedule(), false)
	dispatch(t, b)
	same(t, "calls", ran, 1)
}

func testDeferredCancel(t *testing.T, on backend) {
	b := on.base(t)
	d := newDeferred(b, func(*event.Deferred) { t.Error("it ran") })
	same(t, "Cancel before Schedule", d.Cancel(), false)
	same(t, "Schedule", d.Schedule(), true)
	same(t, "Cancel", d.Cancel(), true)
	same(t, "scheduled", d.Scheduled(), false)
	same(t, "Cancel again", d.Cancel(), false)
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
}

func testDeferredItself(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	newDeferred(b, func(d *event.Deferred) {
		if ran++; ran == 100 {
			return
		}
		same(t, "Schedule", d.Schedule(), true)
		if ran%2 == 0 { // and changes its mind
			same(t, "Cancel", d.Cancel(), true)
			same(t, "Schedule", d.Schedule(), true)
		}
	}).Schedule()
	dispatch(t, b)
	same(t, "calls", ran, 100)
}

func testDeferredOther(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	note := func(s string) func(*event.Deferred) { return func(*event.Deferred) { tr.add(s) } }
	later := newDeferred(b, note("later"))
	never := newDeferred(b, note("never"))
	newDeferred(b, func(*event.Deferred) {
		tr.add("first")
		later.Schedule()
		never.Cancel()
	}).Schedule()
	never.Schedule()
	newDeferred(b, note("second")).Schedule()
	dispatch(t, b)
	tr.want(t, "first", "second", "later")
}

func testDeferredPriority(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 3)
	var tr trace
	d := newDeferred(b, func(*event.Deferred) { tr.add("deferred") })
	d.SetPriority(2)
	d.Schedule()
	d.SetPriority(0) // too late for this time
	ev := user(1, tr.cb("event"))
	ev.Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "event", "deferred")

	d.SetPriority(0)
	ev.Activate(event.Read)
	d.Schedule()
	dispatch(t, b)
	tr.want(t, "event", "deferred", "deferred", "event")
}

func testDeferredClamped(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 3)
	var tr trace
	for name, priority := range map[string]int{"below": -5, "above": 1 << 20} {
		var d event.Deferred
		d.Init(b, priority, func(*event.Deferred) { tr.add(name) })
		d.Schedule()
	}
	user(1, tr.cb("middle")).Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "below", "middle", "above")
}

func testDeferredMany(t *testing.T, on backend) {
	b := on.base(t)
	var order []int
	all := make([]event.Deferred, 3000)
	for i := range all {
		all[i].Init(b, 0, func(*event.Deferred) { order = append(order, i) })
	}
	newDeferred(b, func(*event.Deferred) { // from a callback they are put off in part
		for i := range all {
			all[i].Schedule()
		}
		all[1000].Cancel()
	}).Schedule()
	dispatch(t, b)
	same(t, "calls", len(order), len(all)-1)
	if !slices.IsSorted(order) {
		t.Errorf("ran in the order %v", order)
	}
}

func testDeferredNoStarving(t *testing.T, on backend) {
	b := on.base(t)
	stopped := false
	newDeferred(b, func(d *event.Deferred) {
		if !stopped {
			d.Schedule()
		}
	}).Schedule()
	busy(t, b, func() { stopped = true })
}

func testDeferredBreak(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	newDeferred(b, func(*event.Deferred) {
		tr.add("first")
		b.LoopBreak()
	}).Schedule()
	newDeferred(b, func(*event.Deferred) { tr.add("second") }).Schedule()
	dispatch(t, b)
	tr.want(t, "first")
	dispatch(t, b)
	tr.want(t, "first", "second")
}

func testDeferredFreed(t *testing.T, on backend) {
	b := on.base(t)
	d := newDeferred(b, func(*event.Deferred) { t.Error("it ran") })
	d.Schedule()
	b.Free()
	same(t, "scheduled", d.Scheduled(), false)
	same(t, "Schedule", d.Schedule(), false)
	same(t, "Cancel", d.Cancel(), false)
}
