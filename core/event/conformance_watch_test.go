package event_test

import (
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceWatchers(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"they are called around the wait in the order in which they were made", testWatchOrder},
		{"a prepare watcher is told how long the loop will wait", testWatchTimeout},
		{"time that callbacks have taken is taken off the wait", testWatchTimeoutAfterCallbacks},
		{"what a prepare watcher does counts for the wait", testWatchChangesWait},
		{"the loop ends when a prepare watcher deletes the last event", testWatchDeletesLast},
		{"what a check watcher does is done before callbacks", testWatchCheck},
		{"a watcher frees itself", testWatchFreesItself},
		{"a watcher frees its neighbours", testWatchFreesOthers},
		{"a watcher makes another", testWatchMakesOther},
		{"a watcher that is freed again is left alone", testWatchFreedTwice},
	})
}

// watching makes watchers that add their names to the trace.
func watching(b *event.Base, tr *trace) (prepare, check func(name string) *event.Watcher) {
	prepare = func(name string) *event.Watcher {
		return b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { tr.add(name) })
	}
	check = func(name string) *event.Watcher {
		return b.NewCheck(func(*event.Watcher, event.CheckInfo) { tr.add(name) })
	}
	return prepare, check
}

func testWatchOrder(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	prepare, check := watching(b, &tr)
	check("check 1")
	w := prepare("prepare 1")
	prepare("prepare 2")
	check("check 2")
	same(t, "base", w.Base(), b)
	b.NewUser(tr.cb("event")).Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "prepare 1", "prepare 2", "check 1", "check 2", "event")
}

func testWatchTimeout(t *testing.T, on backend) {
	b := on.base(t)
	var wait time.Duration
	var limited bool
	b.NewPrepare(func(_ *event.Watcher, info event.PrepareInfo) { wait, limited = info.Timeout() })
	idle := func() {
		t.Helper()
		ended := whenWaiting(t, b, b.LoopBreak)
		dispatch(t, b)
		ended()
	}
	r, _ := socketPair(t)
	addEvent(t, b, r, event.Read, ignore)
	idle()
	same(t, "without a timer: limited", limited, false)

	addTimer(t, b, time.Hour, ignore)
	idle()
	if !limited || wait > time.Hour || wait < time.Hour/2 {
		t.Errorf("with a timer of an hour: %v, %v", wait, limited)
	}

	b.NewUser(ignore).Activate(event.Read)
	runOnce(t, b)
	if !limited || wait != 0 {
		t.Errorf("with an active event: %v, %v", wait, limited)
	}

	wait = -1
	loop(t, b, event.LoopNonblock)
	if !limited || wait != 0 {
		t.Errorf("with LoopNonblock: %v, %v", wait, limited)
	}
}

func testWatchTimeoutAfterCallbacks(t *testing.T, on backend) {
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	var spent time.Duration
	b.NewUser(func(*event.Event, event.What) {
		spend(time.Millisecond)
		spent = time.Millisecond
	}).Activate(event.Read)
	b.NewPrepare(func(_ *event.Watcher, info event.PrepareInfo) {
		if wait, limited := info.Timeout(); spent > 0 {
			if !limited || wait > time.Hour-spent {
				t.Errorf("a timer is due in %v, and the loop waits %v after callbacks of %v", time.Hour, wait, spent)
			}
			b.LoopBreak()
		}
	})
	dispatch(t, b)
}

func testWatchChangesWait(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var tr trace
	addEvent(t, b, r, event.Read, func(*event.Event, event.What) { tr.add("data") })
	b.NewPrepare(func(w *event.Watcher, _ event.PrepareInfo) {
		w.Free()
		addTimer(t, b, time.Millisecond, tr.cb("timer"))
	})
	runOnce(t, b)
	tr.want(t, "timer")
	b.NewPrepare(func(w *event.Watcher, _ event.PrepareInfo) {
		w.Free()
		b.NewUser(tr.cb("event")).Activate(event.Read)
	})
	runOnce(t, b)
	tr.want(t, "timer", "event")
	b.NewPrepare(func(watcher *event.Watcher, _ event.PrepareInfo) {
		watcher.Free()
		send(t, w, r, "x")
	})
	dispatch(t, b)
	tr.want(t, "timer", "event", "data")
}

func testWatchDeletesLast(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	ev := addEvent(t, b, r, event.Read, ignore)
	b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { ok(t, ev.Del()) })
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
}

func testWatchCheck(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var tr trace
	ev := addEvent(t, b, r, event.Read, tr.cb("data"))
	b.NewCheck(func(*event.Watcher, event.CheckInfo) {
		tr.add("check")
		ok(t, ev.Del())
		addTimer(t, b, 0, tr.cb("timer"))
		b.LoopExit(0)
	})
	dispatch(t, b)
	tr.want(t, "check", "timer")
}

func testWatchFreesItself(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	prepare, _ := watching(b, &tr)
	prepare("first")
	b.NewPrepare(func(w *event.Watcher, _ event.PrepareInfo) {
		tr.add("self")
		w.Free()
	})
	prepare("last")
	inLoop(t, b, func() {})
	inLoop(t, b, func() {})
	tr.want(t, "first", "self", "last", "first", "last")
}

func testWatchFreesOthers(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	_, check := watching(b, &tr)
	before := check("before")
	var after *event.Watcher
	b.NewCheck(func(*event.Watcher, event.CheckInfo) {
		tr.add("self")
		before.Free()
		after.Free()
	})
	after = check("after")
	check("last")
	inLoop(t, b, func() {})
	inLoop(t, b, func() {})
	tr.want(t, "before", "self", "last", "self", "last")
}

func testWatchMakesOther(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	_, check := watching(b, &tr)
	b.NewCheck(func(w *event.Watcher, _ event.CheckInfo) {
		tr.add("self")
		w.Free()
		check("other")
	})
	inLoop(t, b, func() {})
	inLoop(t, b, func() {})
	if len(tr) < 2 || tr[0] != "self" || tr[len(tr)-1] != "other" {
		t.Errorf("called %q", []string(tr))
	}
}

func testWatchFreedTwice(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	prepare, _ := watching(b, &tr)
	one := prepare("one")
	prepare("two")
	one.Free()
	one.Free()
	inLoop(t, b, func() {})
	tr.want(t, "two")
}
