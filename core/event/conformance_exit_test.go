package event_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceLoopEnds(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"LoopExit lets the active events of all priorities run", testExitRunsAllPriorities},
		{"LoopExit lets them run whatever bounds an iteration", testExitBeyondLimits},
		{"LoopExit at the end of an iteration lets them run", testExitAtIterationEnd},
		{"LoopExit ends a loop in which events activate each other", testExitEndsChain},
		{"LoopExit after a time is not kept off by urgent events", testExitAfterBesideUrgent},
		{"LoopOnce waits for an event, not for what LoopExit needs", testOnceWaitsPastExit},
		{"LoopOnce ends after an event, whatever else wakes the loop", testOnceEndsAfterEvent},
		{"the status does not depend on what was asked before the loop", testStatusAfterAsking},
		{"what comes out of Run leaves nothing behind", testRunLeavesNothing},
		{"a panic leaves the next loop as if there had been none", testPanicLeavesNothing},
	})
}

// testExitRunsAllPriorities exits in each priority, from each kind of callback.
func testExitRunsAllPriorities(t *testing.T, on backend) {
	for priorities := 1; priorities <= 4; priorities++ {
		for exitIn := range priorities {
			b := on.base(t)
			user := withPriorities(t, b, priorities)
			b.AddVirtual() // the loop would go on
			var want, got trace
			for pri := range priorities {
				name := fmt.Sprint("priority ", pri)
				want.add(name)
				if pri == exitIn {
					user(pri, func(*event.Event, event.What) {
						got.add(name)
						ok(t, b.LoopExit(0))
					}).Activate(event.Read)
				} else {
					user(pri, got.cb(name)).Activate(event.Read)
				}
				want.add(name + " too")
				user(pri, got.cb(name+" too")).Activate(event.Read)
			}
			same(t, "status", loop(t, b, 0), event.LoopDone)
			got.want(t, want...)
			same(t, "active events", b.NumEvents(event.CountActive), 0)
		}
	}
}

func testExitBeyondLimits(t *testing.T, on backend) {
	cfg := on.config()
	cfg.MaxDispatchCallbacks = 2
	b := newBase(t, cfg)
	user := withPriorities(t, b, 3)
	b.AddVirtual()
	ran := 0
	for pri := range 3 {
		for range 5 {
			user(pri, func(*event.Event, event.What) { ran++ }).Activate(event.Read)
		}
	}
	ok(t, b.Post(func() { ok(t, b.LoopExit(0)) }))
	ok(t, b.Post(func() { b.LoopContinue() }))
	ok(t, b.Post(func() { ran++ }))
	loop(t, b, 0)
	same(t, "callbacks", ran, 16)
}

// testExitAtIterationEnd exits when the callbacks of an iteration have run already, and
// looks at the base, which may have taken note of it then, or does not.
func testExitAtIterationEnd(t *testing.T, on backend) {
	for _, flags := range []event.LoopFlag{0, event.LoopOnce, event.LoopNonblock, event.LoopNoExitOnEmpty} {
		for _, looks := range []bool{false, true} {
			b := on.base(t)
			user := withPriorities(t, b, 2)
			var got trace
			user(0, func(*event.Event, event.What) {
				got.add("urgent")
				b.AtIterationEnd(finish(func() {
					got.add("end")
					ok(t, b.LoopExit(0))
					if looks {
						same(t, "active events", b.NumEvents(event.CountActive), 1)
					}
				}))
			}).Activate(event.Read)
			user(1, got.cb("less urgent")).Activate(event.Read)
			same(t, "status", loop(t, b, flags), event.LoopDone)
			got.want(t, "urgent", "end", "less urgent")
			same(t, "exit", b.GotExit(), true)
		}
	}
}

func testExitEndsChain(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 2)
	low := 0
	for pri := range 2 {
		user(pri, func(ev *event.Event, _ event.What) {
			low += pri
			ev.Activate(event.Read) // again and again
			ok(t, b.LoopExit(0))
		}).Activate(event.Read)
	}
	loop(t, b, 0)
	if low == 0 {
		t.Error("the less urgent event did not run")
	}
}

func testExitAfterBesideUrgent(t *testing.T, on backend) {
	needsKernel(t, "time that passes while a loop never waits")
	b := on.base(t)
	user := withPriorities(t, b, 3)
	user(0, func(ev *event.Event, _ event.What) { ev.Activate(event.Read) }).Activate(event.Read)
	user(2, func(ev *event.Event, _ event.What) { ev.Activate(event.Read) }).Activate(event.Read)
	ok(t, b.LoopExit(time.Millisecond))
	same(t, "status", loop(t, b, 0), event.LoopDone)
	same(t, "GotExit", b.GotExit(), true)
}

func testOnceWaitsPastExit(t *testing.T, on backend) {
	for name, ask := range map[string]func(b *event.Base){
		"one": func(b *event.Base) { ok(t, b.LoopExit(time.Hour)) },
		"several": func(b *event.Base) {
			for range 3 {
				ok(t, b.LoopExit(time.Hour))
			}
		},
		"LoopBreak, too":    func(b *event.Base) { ok(t, b.LoopExit(time.Hour)); b.LoopBreak() },
		"LoopContinue, too": func(b *event.Base) { ok(t, b.LoopExit(time.Hour)); b.LoopContinue() },
	} {
		b := on.base(t)
		var tr trace
		addTimer(t, b, 5*time.Millisecond, tr.cb("timer"))
		ask(b)
		runOnce(t, b)
		tr.want(t, "timer")
		same(t, name+": GotExit", b.GotExit(), false)
		ok(t, b.LoopExit(time.Millisecond)) // and now that is all there is
		addTimer(t, b, time.Hour, ignore)
		runOnce(t, b)
		same(t, name+": GotExit", b.GotExit(), true)
	}
}

// testOnceEndsAfterEvent wakes the loop without giving it anything to do while
// the last callback runs.
func testOnceEndsAfterEvent(t *testing.T, on backend) {
	for name, wake := range map[string]func(b *event.Base){
		"LoopContinue": (*event.Base).LoopContinue,
		"virtual event": func(b *event.Base) {
			b.AddVirtual()
			b.DelVirtual()
		},
		"LoopExit":              func(b *event.Base) { ok(t, b.LoopExit(time.Hour)) },
		"an event and its end":  func(b *event.Base) { ok(t, addTimer(t, b, time.Hour, ignore).Del()) },
		"activation taken back": func(b *event.Base) { ev := b.NewUser(ignore); ev.Activate(event.Read); ok(t, ev.Del()) },
	} {
		b := on.base(t)
		r, _ := socketPair(t)
		addEvent(t, b, r, event.Read, ignore)
		ran := 0
		b.NewUser(func(*event.Event, event.What) { ran++; wake(b) }).Activate(event.Read)
		same(t, name+": status", loop(t, b, event.LoopOnce), event.LoopDone)
		same(t, name+": callbacks", ran, 1)
	}
}

func testStatusAfterAsking(t *testing.T, on backend) {
	for _, c := range []struct {
		name  string
		ask   func(b *event.Base)
		flags event.LoopFlag
		want  event.Status
	}{
		{"nothing", func(*event.Base) {}, 0, event.LoopNoEvents},
		{"nothing", func(*event.Base) {}, event.LoopNonblock, event.LoopNoEvents},
		{"LoopBreak", (*event.Base).LoopBreak, 0, event.LoopNoEvents},
		{"LoopBreak", (*event.Base).LoopBreak, event.LoopOnce, event.LoopNoEvents},
		{"LoopBreak", (*event.Base).LoopBreak, event.LoopNonblock, event.LoopNoEvents},
		{"LoopBreak", (*event.Base).LoopBreak, event.LoopOnce | event.LoopNonblock, event.LoopNoEvents},
		{"LoopContinue", (*event.Base).LoopContinue, event.LoopNonblock, event.LoopNoEvents},
		{"LoopExit", func(b *event.Base) { ok(t, b.LoopExit(0)) }, 0, event.LoopDone},
		{"LoopExit", func(b *event.Base) { ok(t, b.LoopExit(0)) }, event.LoopNonblock, event.LoopDone},
		{"LoopExit", func(b *event.Base) { ok(t, b.LoopExit(0)) }, event.LoopNoExitOnEmpty, event.LoopDone},
		{"activation taken back", func(b *event.Base) {
			ev := b.NewUser(ignore)
			ev.Activate(event.Read)
			ok(t, ev.Del())
		}, event.LoopNonblock, event.LoopNoEvents},
	} {
		b := on.base(t)
		c.ask(b)
		same(t, fmt.Sprintf("status of loop %b after %s", c.flags, c.name), loop(t, b, c.flags), c.want)
		same(t, "status of the next loop", loop(t, b, 0), event.LoopNoEvents)
	}
}

// testRunLeavesNothing ends Run in all ways that a callback has, with a context
// that is done only later.
func testRunLeavesNothing(t *testing.T, on backend) {
	b := on.base(t)
	for name, end := range map[string]func(){
		"panic":     func() { panic("out of Run") },
		"Goexit":    runtime.Goexit,
		"LoopExit":  func() { ok(t, b.LoopExit(0)) },
		"LoopBreak": b.LoopBreak,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		addTimer(t, b, 0, func(*event.Event, event.What) { end() })
		goes(t, func() {
			defer func() { _ = recover() }()
			if err := b.Run(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})()
		ran := false
		addTimer(t, b, 0, func(*event.Event, event.What) {
			cancel(errors.New("too late for " + name))
			runtime.Gosched() // a watcher would run now
			addTimer(t, b, time.Millisecond, func(*event.Event, event.What) { ran = true })
		})
		dispatch(t, b)
		same(t, name+": GotBreak", b.GotBreak(), false)
		same(t, name+": the next loop ran to its end", ran, true)
	}
}

// testPanicLeavesNothing panics in every kind of function that the loop calls.
func testPanicLeavesNothing(t *testing.T, on backend) {
	for name, plant := range map[string]func(b *event.Base, fn func()){
		"event":    func(b *event.Base, fn func()) { addTimer(t, b, 0, func(*event.Event, event.What) { fn() }) },
		"post":     func(b *event.Base, fn func()) { ok(t, b.Post(fn)) },
		"deferred": func(b *event.Base, fn func()) { newDeferred(b, func(*event.Deferred) { fn() }).Schedule() },
		"prepare": func(b *event.Base, fn func()) {
			b.NewPrepare(func(w *event.Watcher, _ event.PrepareInfo) { w.Free(); fn() })
		},
		"check": func(b *event.Base, fn func()) {
			b.NewCheck(func(w *event.Watcher, _ event.CheckInfo) { w.Free(); fn() })
		},
		"at end": func(b *event.Base, fn func()) { b.AtIterationEnd(finish(fn)) },
		"finalizer": func(b *event.Base, fn func()) {
			ok(t, b.NewUser(ignore).Finalize(func(*event.Event) { fn() }))
		},
	} {
		b := on.base(t)
		b.AddVirtual()            // for those that do not keep a loop going
		addTimer(t, b, 0, ignore) // nor end its wait
		plant(b, func() { panic(name) })
		same[any](t, "panic", panics(b), name)
		same(t, name+": running event", b.RunningEvent(), nil)
		b.DelVirtual()
		// More activations than a pass takes, counted from its start.
		var order []int
		b.NewUser(func(*event.Event, event.What) {
			for i := range event.MaxInPass {
				ev := b.NewUser(func(*event.Event, event.What) { order = append(order, i) })
				ev.Activate(event.Read)
			}
		}).Activate(event.Read)
		f := finish(func() { order = append(order, -1) })
		b.AtIterationEnd(f)
		dispatch(t, b)
		same(t, name+": callbacks and the end of the iteration", len(order), event.MaxInPass+1)
		same(t, name+": the last", order[event.MaxInPass], -1)
		wantUsable(t, b)
	}
}
