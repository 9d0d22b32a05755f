package event_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceLoop(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a base without events has nothing to do", testEmptyBase},
		{"the loop ends when the last event is gone", testLastEventGone},
		{"LoopOnce waits for events and runs them once", testLoopOnce},
		{"LoopOnce runs all priorities that are active", testLoopOnceAll},
		{"LoopNonblock does not wait", testLoopNonblock},
		{"LoopNonblock runs what is ready", testLoopNonblockReady},
		{"LoopNoExitOnEmpty goes on without events", testLoopNoExitOnEmpty},
		{"virtual events keep the loop going", testVirtualEvents},
		{"LoopContinue looks for events before the rest runs", testLoopContinue},
		{"LoopContinue in a posted function looks for events before the rest runs", testLoopContinuePosted},
		{"a loop in a loop is refused", testNestedLoop},
		{"Free and Reinit in the loop are refused", testFreeInLoop},
		{"a panic in a callback comes out of the loop and leaves the base usable", testPanic},
		{"a panic in a posted function comes out of the loop and leaves the base usable", testPanicPosted},
	})
}

func TestConformanceLoopExit(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"LoopExit lets what is active run", testExitInCallback},
		{"LoopExit before the loop lets it run once", testExitBefore},
		{"LoopExit before the loop lasts until the loop", testExitBeforeLasts},
		{"LoopExit after a time", testExitAfter},
		{"LoopExit after a time, asked in a callback", testExitAfterInCallback},
		{"of several LoopExits the first counts", testExitTwice},
		{"LoopExit from another goroutine", testExitElsewhere},
		{"LoopBreak leaves the rest active for the next loop", testBreakInCallback},
		{"LoopBreak leaves posted functions for the next loop", testBreakInPost},
		{"LoopBreak before the loop does nothing", testBreakBefore},
		{"LoopBreak from another goroutine", testBreakElsewhere},
	})
}

func TestConformanceRun(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a context that is done ends it", testRunDone},
		{"a context that is cancelled ends the wait", testRunCancelled},
		{"a deadline that passes ends the wait", testRunDeadline},
		{"LoopExit and LoopBreak end it without an error", testRunExit},
		{"the base runs again", testRunAgain},
	})
}

func testEmptyBase(t *testing.T, on backend) {
	b := on.base(t)
	for _, flags := range []event.LoopFlag{0, event.LoopOnce, event.LoopNonblock, event.LoopOnce | event.LoopNonblock} {
		same(t, "status", loop(t, b, flags), event.LoopNoEvents)
	}
	ok(t, b.Dispatch())
	same(t, "GotExit", b.GotExit(), false)
	same(t, "GotBreak", b.GotBreak(), false)
}

func testLastEventGone(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	reader := addEvent(t, b, r, event.Read|event.Persist, ignore)
	timer := addTimer(t, b, time.Hour, ignore)
	ok(t, b.Post(func() {
		ok(t, reader.Del())
		ok(t, b.Post(func() { ok(t, timer.Del()) }))
	}))
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
}

func testLoopOnce(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	addEvent(t, b, r, event.Read|event.Persist, c.note)
	waiting := make(chan struct{})
	b.NewPrepare(func(wt *event.Watcher, info event.PrepareInfo) {
		if _, limited := info.Timeout(); limited {
			t.Error("the wait has a limit, but there is no timer")
		}
		wt.Free()
		close(waiting)
	})
	wait := goes(t, func() {
		<-waiting
		sysWrite(w, []byte("x"))
	})
	same(t, "status", loop(t, b, event.LoopOnce), event.LoopDone)
	wait()
	c.want(t, event.Read)
}

func testLoopOnceAll(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 3)
	var tr trace
	user(2, tr.cb("low")).Activate(event.Read)
	user(0, tr.cb("high")).Activate(event.Read)
	runOnce(t, b)
	tr.want(t, "high", "low")
}

func testLoopNonblock(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	addEvent(t, b, r, event.Read, ignore)
	addTimer(t, b, time.Hour, ignore)
	b.NewPrepare(func(_ *event.Watcher, info event.PrepareInfo) {
		if d, limited := info.Timeout(); !limited || d != 0 {
			t.Errorf("the loop waits %v, %v", d, limited)
		}
	})
	same(t, "status", loop(t, b, event.LoopNonblock), event.LoopDone)
	same(t, "status", loop(t, b, event.LoopNonblock|event.LoopOnce), event.LoopDone)
	same(t, "events", added(b), 2)
}

func testLoopNonblockReady(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "ab")
	var c calls
	addEvent(t, b, r, event.Read|event.Persist, func(ev *event.Event, what event.What) {
		c.note(ev, what)
		_, err := sysRead(r, make([]byte, 1))
		ok(t, err)
	})
	awaitReady(t, newEvent(t, b, r, event.Read, ignore))
	loop(t, b, event.LoopNonblock)
	c.want(t, event.Read, event.Read)
}

func testLoopNoExitOnEmpty(t *testing.T, on backend) {
	b := on.base(t)
	waiting := make(chan struct{}, 100)
	b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { waiting <- struct{}{} })
	posted := false
	wait := goes(t, func() {
		<-waiting
		b.Post(func() { posted = true })
		<-waiting
		b.LoopExit(0)
	})
	same(t, "status", loop(t, b, event.LoopNoExitOnEmpty), event.LoopDone)
	wait()
	same(t, "posted function ran", posted, true)
}

func testVirtualEvents(t *testing.T, on backend) {
	b := on.base(t)
	b.AddVirtual()
	b.AddVirtual()
	same(t, "virtual events", b.NumEvents(event.CountVirtual), 2)
	wait := goes(t, func() {
		b.Post(func() {
			b.DelVirtual()
			b.Post(b.DelVirtual)
		})
	})
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	wait()
	same(t, "virtual events", b.NumEvents(event.CountVirtual), 0)
}

func testLoopContinue(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	b.NewCheck(func(*event.Watcher, event.CheckInfo) { tr.add("look") })
	b.NewUser(func(*event.Event, event.What) {
		tr.add("first")
		b.LoopContinue()
		tr.add("still first")
	}).Activate(event.Read)
	b.NewUser(tr.cb("second")).Activate(event.Read)
	b.NewUser(tr.cb("third")).Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "look", "first", "still first", "look", "second", "third")
}

func testLoopContinuePosted(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	b.NewCheck(func(*event.Watcher, event.CheckInfo) { tr.add("look") })
	ok(t, b.Post(func() {
		tr.add("post")
		b.LoopContinue()
	}))
	b.NewUser(tr.cb("event")).Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "look", "post", "look", "event")
}

func testNestedLoop(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	addTimer(t, b, 0, func(*event.Event, event.What) {
		if _, err := b.Loop(event.LoopNonblock); !errors.Is(err, event.ErrRunning) {
			t.Errorf("loop in a loop: %v", err)
		}
		if err := b.Run(t.Context()); !errors.Is(err, event.ErrRunning) {
			t.Errorf("run in a loop: %v", err)
		}
		tr.add("timer")
		addTimer(t, b, 0, tr.cb("next timer"))
	})
	dispatch(t, b)
	tr.want(t, "timer", "next timer")
}

func testFreeInLoop(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var c calls
	addEvent(t, b, r, event.Read, c.note)
	ok(t, b.Post(func() {
		b.Free()
		if err := b.Reinit(); !errors.Is(err, event.ErrRunning) {
			t.Errorf("reinit in the loop: %v", err)
		}
	}))
	dispatch(t, b)
	c.want(t, event.Read)
}

// panics runs the loop and returns what it panicked with.
func panics(b *event.Base) (with any) {
	defer func() { with = recover() }()
	b.Dispatch()
	return nil
}

func testPanic(t *testing.T, on backend) {
	for _, what := range []event.What{0, event.Persist} {
		b := on.base(t)
		var tr trace
		ev := newEvent(t, b, -1, what, func(ev *event.Event, _ event.What) {
			ok(t, ev.Del())
			panic("in a callback")
		})
		ev.Activate(event.Read)
		b.NewUser(tr.cb("next")).Activate(event.Read)
		same[any](t, "panic", panics(b), "in a callback")
		same(t, "running event", b.RunningEvent(), nil)
		dispatch(t, b)
		tr.want(t, "next")
	}
}

func testPanicPosted(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	ok(t, b.Post(func() { tr.add("first") }))
	ok(t, b.Post(func() { panic("in a post") }))
	ok(t, b.Post(func() { tr.add("second") }))
	same[any](t, "panic", panics(b), "in a post")
	same[any](t, "panic", panics(b), nil)
	tr.want(t, "first", "second")
}

func testExitInCallback(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	addEvent(t, b, r, event.Read, ignore)
	var tr trace
	b.NewUser(func(*event.Event, event.What) {
		tr.add("first")
		ok(t, b.LoopExit(0))
	}).Activate(event.Read)
	b.NewUser(tr.cb("second")).Activate(event.Read)
	same(t, "status", loop(t, b, 0), event.LoopDone)
	tr.want(t, "first", "second")
	same(t, "GotExit", b.GotExit(), true)
	same(t, "GotBreak", b.GotBreak(), false)
	loop(t, b, event.LoopNonblock)
	same(t, "GotExit after the next loop", b.GotExit(), false)
}

func testExitBefore(t *testing.T, on backend) {
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	var c calls
	b.NewUser(c.note).Activate(event.Write)
	ok(t, b.LoopExit(0))
	same(t, "status", loop(t, b, 0), event.LoopDone)
	same(t, "GotExit", b.GotExit(), true)
	c.want(t, event.Write)
}

// testExitBeforeLasts looks at the base between LoopExit and the loop.
func testExitBeforeLasts(t *testing.T, on backend) {
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	ok(t, b.LoopExit(0))
	same(t, "events", added(b), 1)
	for range b.Events() {
	}
	same(t, "status", loop(t, b, 0), event.LoopDone)
	same(t, "GotExit", b.GotExit(), true)
}

func testExitAfter(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	addEvent(t, b, r, event.Read, ignore)
	const delay = 2 * time.Millisecond
	start := time.Now()
	ok(t, b.LoopExit(delay))
	same(t, "status", loop(t, b, 0), event.LoopDone)
	if passed := time.Since(start); passed < delay {
		t.Errorf("the loop ended after %v, want %v", passed, delay)
	}
	same(t, "GotExit", b.GotExit(), true)
}

func testExitAfterInCallback(t *testing.T, on backend) {
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	addTimer(t, b, 0, func(*event.Event, event.What) { ok(t, b.LoopExit(time.Millisecond)) })
	same(t, "status", loop(t, b, 0), event.LoopDone)
	same(t, "GotExit", b.GotExit(), true)
}

func testExitTwice(t *testing.T, on backend) {
	b := on.base(t)
	ok(t, b.LoopExit(time.Hour))
	ok(t, b.LoopExit(time.Millisecond))
	same(t, "status", loop(t, b, 0), event.LoopDone)
	same(t, "GotExit", b.GotExit(), true)
	same(t, "events", added(b), 1)
}

// whenWaiting runs fn in another goroutine once the loop is about to wait, and
// returns a function that waits for its end.
func whenWaiting(t testing.TB, b *event.Base, fn func()) (wait func()) {
	t.Helper()
	waiting := make(chan struct{})
	b.NewPrepare(func(w *event.Watcher, _ event.PrepareInfo) {
		w.Free()
		close(waiting)
	})
	return goes(t, func() {
		<-waiting
		fn()
	})
}

func testExitElsewhere(t *testing.T, on backend) {
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	for _, delay := range []time.Duration{0, time.Millisecond} {
		wait := whenWaiting(t, b, func() { b.LoopExit(delay) })
		same(t, "status", loop(t, b, 0), event.LoopDone)
		wait()
		same(t, "GotExit", b.GotExit(), true)
	}
}

func testBreakInCallback(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	b.NewUser(func(*event.Event, event.What) {
		b.LoopBreak()
		tr.add("first")
	}).Activate(event.Read)
	b.NewUser(tr.cb("second")).Activate(event.Read)
	b.NewUser(tr.cb("third")).Activate(event.Read)
	same(t, "status", loop(t, b, 0), event.LoopDone)
	tr.want(t, "first")
	same(t, "GotBreak", b.GotBreak(), true)
	same(t, "GotExit", b.GotExit(), false)
	same(t, "active events", b.NumEvents(event.CountActive), 2)
	dispatch(t, b)
	tr.want(t, "first", "second", "third")
	same(t, "GotBreak", b.GotBreak(), false)
}

func testBreakInPost(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	b.NewUser(tr.cb("event")).Activate(event.Read)
	ok(t, b.Post(func() {
		tr.add("post")
		b.LoopBreak()
	}))
	ok(t, b.Post(func() { tr.add("next post") }))
	dispatch(t, b)
	tr.want(t, "post")
	dispatch(t, b)
	tr.want(t, "post", "next post", "event")
}

func testBreakBefore(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	addTimer(t, b, time.Microsecond, c.note)
	b.LoopBreak()
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	c.want(t, event.Timeout)
	same(t, "GotBreak", b.GotBreak(), false)
}

func testBreakElsewhere(t *testing.T, on backend) {
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	wait := whenWaiting(t, b, b.LoopBreak)
	same(t, "status", loop(t, b, 0), event.LoopDone)
	wait()
	same(t, "GotBreak", b.GotBreak(), true)
}

func testRunDone(t *testing.T, on backend) {
	b := on.base(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != context.Canceled {
		t.Errorf("run: %v", err)
	}
}

func testRunCancelled(t *testing.T, on backend) {
	b := on.base(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	wait := whenWaiting(t, b, func() { cancel(cause) })
	if err := b.Run(ctx); err != cause {
		t.Errorf("run: %v", err)
	}
	wait()
}

func testRunDeadline(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	addEvent(t, b, r, event.Read, ignore)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := b.Run(ctx); err != context.DeadlineExceeded {
		t.Errorf("run: %v", err)
	}
}

func testRunExit(t *testing.T, on backend) {
	b := on.base(t)
	ok(t, b.Post(func() { ok(t, b.LoopExit(0)) }))
	ok(t, b.Run(t.Context()))
	ok(t, b.Post(b.LoopBreak))
	ok(t, b.Run(t.Context()))
}

// testRunAgain has a context end just when the loop does, which must not break
// the next loop. On one processor, what the context starts comes late.
func testRunAgain(t *testing.T, on backend) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b := on.base(t)
	ctx, cancel := context.WithCancel(t.Context())
	ok(t, b.Post(func() {
		cancel()
		ok(t, b.LoopExit(0))
	}))
	if err := b.Run(ctx); err != nil && err != context.Canceled {
		t.Fatalf("run: %v", err)
	}
	var tr trace
	b.NewUser(func(*event.Event, event.What) {
		tr.add("first")
		for range 100 {
			runtime.Gosched()
		}
	}).Activate(event.Read)
	b.NewUser(tr.cb("second")).Activate(event.Read)
	dispatch(t, b)
	tr.want(t, "first", "second")
}
