package event_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// What operations mean for each other, in combination.
func TestConformanceCombinations(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"Del forgets a persistent event's timeout", testDelForgetsTimeout},
		{"an active event is added for what follows", testAddActive},
		{"a new timeout takes back one that has passed", testNewTimeout},
		{"a new timeout takes back one that has passed and was put off", testNewTimeoutPutOff},
		{"nothing runs after LoopBreak in a watcher", testBreakInWatcher},
		{"an event is finalized after its descriptor was closed", testFinalizeClosed},
		{"what the callback adds while another goroutine frees it is freed", testFreeWhileAdding},
	})
}

func testDelForgetsTimeout(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	ev := newEvent(t, b, r, event.Read|event.Persist, c.note)
	ok(t, ev.AddTimeout(time.Hour))
	ok(t, ev.Del())
	ok(t, ev.Add())
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read)
	same(t, "pending", ev.Pending(anything), event.Read)
	ok(t, ev.Del())
	ev.Activate(event.Read)
	runOnce(t, b)
	same(t, "pending after Del and Activate", ev.Pending(anything), 0)
}

func testAddActive(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	ev := newEvent(t, b, r, event.Read|event.Persist, c.note)
	ev.Activate(event.Write)
	same(t, "active", b.NumEvents(event.CountActive), 1)
	ok(t, ev.Add())
	same(t, "added", added(b), 1)
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read|event.Write)
	same(t, "pending", ev.Pending(anything), event.Read)
}

func testNewTimeout(t *testing.T, on backend) {
	b := on.base(t)
	late := b.NewTimer(func(*event.Event, event.What) { t.Error("the timeout that was replaced") })
	late.Activate(event.Timeout)
	same(t, "active", b.NumEvents(event.CountActive), 1)
	ok(t, late.AddTimeout(time.Hour))
	runReady(t, b)
}

// beyondPass makes the loop run fn at a time when what its callbacks make active
// has to wait for the next iteration.
func beyondPass(t testing.TB, b *event.Base, fn func()) {
	inLoop(t, b, func() {
		for range event.MaxInPass {
			ok(t, b.Once(-1, event.Timeout, 0, ignore))
		}
		fn()
	})
}

func testNewTimeoutPutOff(t *testing.T, on backend) {
	b := on.base(t)
	late := b.NewTimer(func(*event.Event, event.What) { t.Error("the timeout that was replaced") })
	beyondPass(t, b, func() {
		late.Activate(event.Timeout)
		b.NumEvents(event.CountActive) // it is active now
		ok(t, late.AddTimeout(time.Hour))
	})
	same(t, "pending", late.Pending(anything), event.Timeout)
	same(t, "active", b.NumEvents(event.CountActive), 0)
}

func testBreakInWatcher(t *testing.T, on backend) {
	for _, where := range []string{"prepare", "check"} {
		b := on.base(t)
		var tr trace
		first := true
		broken := func() {
			if first {
				b.LoopBreak()
			}
			first = false
		}
		if where == "prepare" {
			b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { broken() })
		} else {
			b.NewCheck(func(*event.Watcher, event.CheckInfo) { broken() })
		}
		ok(t, b.Post(func() { tr.add("post") }))
		ok(t, b.Once(-1, event.Timeout, 0, tr.cb("event")))
		dispatch(t, b)
		tr.want(t)
		dispatch(t, b)
		tr.want(t, "post", "event")
	}
}

func testFinalizeClosed(t *testing.T, on backend) {
	b := on.base(t)
	fd, _ := socketPair(t)
	addEvent(t, b, fd, event.Write, ignore)
	ev := addEvent(t, b, fd, event.Read, ignore)
	closeFD(t, fd) // too early, which is a mistake
	n := 0
	ok(t, ev.Finalize(func(*event.Event) { n++ }))
	runReady(t, b)
	same(t, "finalizers", n, 1)
}

func testFreeWhileAdding(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	needsKernel(t, "goroutines that run while a callback does")
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var running atomic.Bool
	ev := addEvent(t, b, r, event.Read|event.Persist, func(ev *event.Event, _ event.What) {
		running.Store(true)
		for late := time.Now().Add(patience); ev.Pending(event.Read) != 0; {
			if time.Now().After(late) {
				t.Error("Free does not begin")
				return
			}
		}
		ok(t, ev.Add())
	})
	freed := goes(t, func() {
		for !running.Load() {
			time.Sleep(time.Microsecond)
		}
		ev.Free()
	})
	runOnce(t, b)
	freed()
	same(t, "added", added(b), 0)
	same(t, "assigned", ev.Initialized(), false)
}
