package event_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceActivate(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"an idle event runs once with what it was told", testActivateIdle},
		{"activations add up to one", testActivateAddsUp},
		{"a pending event is deleted, unless persistent", testActivatePending},
		{"an activation of an event that is ready is part of its readiness", testActivateReady},
		{"Del takes an activation back", testActivateThenDel},
		{"Free takes an activation back", testActivateThenFree},
		{"activations in callbacks run in the same loop", testActivateInCallback},
		{"an event activates itself", testActivateItself},
		{"activations come from many goroutines", testActivateElsewhere},
		{"an activation ends the wait", testActivateWakes},
		{"events that activate themselves do not starve others", testActivateNoStarving},
		{"events that activate each other do not starve others", testActivateEachOther},
	})
}

func TestConformancePost(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"functions run in order and before events", testPostOrder},
		{"a function that is posted by another runs in the next iteration", testPostFromPost},
		{"functions come from many goroutines in the order of each", testPostElsewhere},
		{"a post ends the wait", testPostWakes},
		{"functions that post themselves do not starve others", testPostNoStarving},
		{"after Free a post is refused", testPostAfterFree},
		{"Free drops what was posted and says so", testPostThenFree},
		{"DrainPosts runs what was posted and refuses more", testDrainPosts},
		{"DrainPosts runs all that was accepted", testDrainPostsWhilePosting},
		{"DrainPosts goes on after a panic", testDrainPostsPanic},
		{"DrainPosts is not ended by LoopBreak", testDrainPostsAndLoopBreak},
		{"the last iteration runs all that was posted", testPostInLastIteration},
		{"a backlog is run in small doses", testPostsInSmallDoses},
	})
}

func TestConformanceOnce(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"each combination of readiness and timeout", testOnceTable},
		{"timeouts of zero keep their order", testOnceOrder},
		{"what makes no sense is refused", testOnceErrors},
		{"a Once that never comes is dropped with the base", testOnceNever},
	})
}

func testActivateIdle(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := b.NewUser(func(ev *event.Event, what event.What) {
		c.note(ev, what)
		same(t, "Data", ev.Data, any("data"))
		same(t, "pending", ev.Pending(event.Read), 0)
	})
	ev.Data = "data"
	for _, what := range []event.What{event.Read, event.Timeout, event.Write | event.Closed} {
		ev.Activate(what)
		same(t, "pending", ev.Pending(what|event.Signal), what)
		same(t, "active events", b.NumEvents(event.CountActive), 1)
		same(t, "pending events", added(b), 0)
		same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	}
	c.want(t, event.Read, event.Timeout, event.Write|event.Closed)
}

func testActivateAddsUp(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := b.NewUser(c.note)
	ev.Activate(event.Read)
	ev.Activate(event.Write)
	same(t, "pending", ev.Pending(event.Read|event.Write), event.Read|event.Write)
	same(t, "active events", b.NumEvents(event.CountActive), 1)
	ev.Activate(event.Write)
	dispatch(t, b)
	c.want(t, event.Read|event.Write)
}

func testActivatePending(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	var c calls
	ev := newEvent(t, b, r, event.Read, c.note)
	ok(t, ev.AddTimeout(time.Hour))
	ev.Activate(event.Write)
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	c.want(t, event.Write)

	stays := newEvent(t, b, r, event.Read|event.Persist, c.note)
	ok(t, stays.AddTimeout(time.Hour))
	stays.Activate(event.Write)
	runOnce(t, b)
	c.want(t, event.Write, event.Write)
	same(t, "pending", stays.Pending(event.Read|event.Timeout), event.Read|event.Timeout)
}

func testActivateReady(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var c calls
	ev := addEvent(t, b, r, event.Read, c.note)
	awaitReady(t, ev)
	ev.Activate(event.Timeout)
	dispatch(t, b)
	c.want(t, event.Timeout|event.Read)
}

func testActivateThenDel(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := b.NewUser(c.note)
	ev.Activate(event.Read)
	ok(t, ev.Del())
	same(t, "pending", ev.Pending(event.Read), 0)
	dispatch(t, b)
	c.want(t)
	ev.Activate(event.Read)
	ok(t, ev.Del())
	ev.Activate(event.Write)
	dispatch(t, b)
	c.want(t, event.Write)
}

func testActivateThenFree(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := b.NewUser(c.note)
	ev.Activate(event.Read)
	ev.Free()
	dispatch(t, b)
	c.want(t)
}

func testActivateInCallback(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	const chain = 100 // more than the loop lets run in one iteration
	events := make([]*event.Event, chain)
	for i := range events {
		events[i] = b.NewUser(func(*event.Event, event.What) {
			tr.add(fmt.Sprint(i))
			if i+1 < chain {
				events[i+1].Activate(event.Read)
			}
		})
	}
	events[0].Activate(event.Read)
	dispatch(t, b)
	same(t, "callbacks", len(tr), chain)
	same(t, "last", tr[chain-1], fmt.Sprint(chain-1))
}

func testActivateItself(t *testing.T, on backend) {
	b := on.base(t)
	for _, what := range []event.What{0, event.Persist} {
		ran := 0
		newEvent(t, b, -1, what, func(ev *event.Event, what event.What) {
			same(t, "what", what, event.Read)
			if ran++; ran < 100 {
				ev.Activate(event.Read)
			}
		}).Activate(event.Read)
		dispatch(t, b)
		same(t, "callbacks", ran, 100)
	}
}

func testActivateElsewhere(t *testing.T, on backend) {
	b := on.base(t)
	const goroutines, rounds = 8, 50
	b.AddVirtual()
	left := goroutines
	var all sync.WaitGroup
	for range goroutines {
		ran := make(chan struct{}, 1)
		ev := b.NewUser(func(*event.Event, event.What) { ran <- struct{}{} })
		all.Go(func() {
			for range rounds {
				ev.Activate(event.Read)
				<-ran
			}
			b.Post(func() {
				if left--; left == 0 {
					b.DelVirtual()
				}
			})
		})
	}
	dispatch(t, b)
	all.Wait()
}

func testActivateWakes(t *testing.T, on backend) {
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	var c calls
	ev := b.NewUser(c.note)
	for range 10 {
		wait := whenWaiting(t, b, func() { ev.Activate(event.Read) })
		runOnce(t, b)
		wait()
	}
	same(t, "calls", len(c), 10)
}

// busy checks that while something keeps the loop busy without end, it still
// finds what is readable and what is due. stop ends what keeps it busy.
func busy(t testing.TB, b *event.Base, stop func()) {
	t.Helper()
	needsKernel(t, "time that passes while a loop never waits")
	r, w := socketPair(t)
	send(t, w, r, "x")
	var tr trace
	seen := func(name string) event.Callback {
		return func(*event.Event, event.What) {
			if tr.add(name); len(tr) == 2 {
				stop()
			}
		}
	}
	addEvent(t, b, r, event.Read, seen("data"))
	addTimer(t, b, time.Millisecond, seen("timer"))
	dispatch(t, b)
	slices.Sort(tr)
	tr.want(t, "data", "timer")
}

func testActivateNoStarving(t *testing.T, on backend) {
	b := on.base(t)
	stopped := false
	again := func(ev *event.Event, _ event.What) {
		if !stopped {
			ev.Activate(event.Read)
		}
	}
	b.NewUser(again).Activate(event.Read)
	newEvent(t, b, -1, event.Persist, again).Activate(event.Read)
	busy(t, b, func() { stopped = true })
}

func testActivateEachOther(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 3)
	stopped := false
	var one, two *event.Event
	other := func(ev *event.Event, _ event.What) {
		switch {
		case stopped:
		case ev == one:
			two.Activate(event.Read)
		default:
			one.Activate(event.Read)
		}
	}
	one, two = user(1, other), user(1, other)
	one.Activate(event.Read)
	two.Activate(event.Read)
	busy(t, b, func() { stopped = true })
}

func testPostOrder(t *testing.T, on backend) {
	b := on.base(t)
	user := withPriorities(t, b, 2)
	var tr trace
	user(0, tr.cb("event")).Activate(event.Read)
	for i := range 5 {
		ok(t, b.Post(func() { tr.add(fmt.Sprint(i)) }))
	}
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	tr.want(t, "0", "1", "2", "3", "4", "event")
}

func testPostFromPost(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	b.NewCheck(func(*event.Watcher, event.CheckInfo) { tr.add("look") })
	ok(t, b.Post(func() {
		tr.add("first")
		ok(t, b.Post(func() { tr.add("third") }))
	}))
	ok(t, b.Post(func() { tr.add("second") }))
	dispatch(t, b)
	tr.want(t, "look", "first", "second", "look", "third")
}

func testPostElsewhere(t *testing.T, on backend) {
	b := on.base(t)
	const goroutines, posts = 8, 200
	b.AddVirtual()
	var got [goroutines][]int
	missing := goroutines * posts
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range posts {
				b.Post(func() {
					got[g] = append(got[g], i)
					if missing--; missing == 0 {
						b.DelVirtual()
					}
				})
			}
		})
	}
	dispatch(t, b)
	all.Wait()
	for g := range got {
		if len(got[g]) != posts || !slices.IsSorted(got[g]) {
			t.Errorf("functions of goroutine %d ran in the order %v", g, got[g])
		}
	}
}

func testPostWakes(t *testing.T, on backend) {
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	ran := 0
	for range 10 {
		wait := whenWaiting(t, b, func() { b.Post(func() { ran++ }) })
		runOnce(t, b)
		wait()
	}
	same(t, "functions ran", ran, 10)
}

func testPostNoStarving(t *testing.T, on backend) {
	b := on.base(t)
	stopped := false
	var again func()
	again = func() {
		if !stopped {
			ok(t, b.Post(again))
		}
	}
	ok(t, b.Post(again))
	busy(t, b, func() { stopped = true })
}

func testPostAfterFree(t *testing.T, on backend) {
	b := on.base(t)
	b.Free()
	err := b.Post(func() { t.Error("it ran") })
	if !errors.Is(err, event.ErrFreed) {
		t.Errorf("post after Free: %v", err)
	}
}

func testPostThenFree(t *testing.T, on backend) {
	b := on.base(t)
	logged := warnings(t)
	ok(t, b.Post(func() { t.Error("it ran") }))
	ok(t, b.Post(func() { t.Error("it ran") }))
	b.NewUser(func(*event.Event, event.What) { t.Error("it ran") }).Activate(event.Read)
	b.Free()
	if want := "2 posted functions"; !strings.Contains(logged(), want) {
		t.Errorf("the log has %q, want %q", logged(), want)
	}
}

func testDrainPosts(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	f := finish(func() { tr.add("end") })
	ok(t, b.Post(func() {
		tr.add("first")
		wantError(t, "post", b.Post(func() { t.Error("it ran") }), event.ErrFreed)
		wantError(t, "loop", b.Dispatch(), event.ErrRunning)
		wantError(t, "drain posts", b.DrainPosts(), event.ErrRunning)
		b.AtIterationEnd(f)
		addTimer(t, b, 0, tr.cb("timer")) // the base is in use as before
	}))
	ok(t, b.Post(func() { tr.add("second") }))
	ok(t, b.DrainPosts())
	tr.want(t, "first", "second", "end")
	wantError(t, "post", b.Post(func() { t.Error("it ran") }), event.ErrFreed)
	dispatch(t, b)
	tr.want(t, "first", "second", "end", "timer")
	ok(t, b.DrainPosts())
	b.Free()
	wantError(t, "drain posts", b.DrainPosts(), event.ErrFreed)
}

// testDrainPostsWhilePosting posts from other goroutines until they are refused.
func testDrainPostsWhilePosting(t *testing.T, on backend) {
	b := on.base(t)
	const posters = 4
	var accepted [posters]int
	var done sync.WaitGroup
	begun := make(chan struct{}, posters)
	ran := 0
	for i := range posters {
		done.Go(func() {
			for b.Post(func() { ran++ }) == nil {
				if accepted[i]++; accepted[i] == 10 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range posters {
		<-begun
	}
	ok(t, b.DrainPosts())
	done.Wait()
	same(t, "functions that ran", ran, accepted[0]+accepted[1]+accepted[2]+accepted[3])
}

// testDrainPostsAndLoopBreak breaks the loop before the functions run, and while they do.
func testDrainPostsAndLoopBreak(t *testing.T, on backend) {
	b := on.base(t)
	calls := 0
	ok(t, b.Post(func() {
		for range 3 {
			ok(t, b.Post(func() { calls++; b.LoopBreak() }))
		}
		b.LoopBreak()
	}))
	if _, err := b.Loop(0); err != nil || calls > 0 {
		t.Fatalf("%d functions were called, %v", calls, err)
	}
	ok(t, b.DrainPosts())
	if calls != 3 {
		t.Errorf("%d functions were called of 3", calls)
	}
}

func testDrainPostsPanic(t *testing.T, on backend) {
	b := on.base(t)
	ran := false
	ok(t, b.Post(func() { panic("in a post") }))
	ok(t, b.Post(func() { ran = true }))
	func() {
		defer func() { same[any](t, "panic", recover(), "in a post") }()
		b.DrainPosts()
	}()
	ok(t, b.DrainPosts())
	same(t, "the rest ran", ran, true)
}

// testPostInLastIteration posts in all that runs when the loop exits.
func testPostInLastIteration(t *testing.T, on backend) {
	cfg := on.config()
	cfg.MaxDispatchCallbacks = 1
	b := newBase(t, cfg)
	ran := 0
	post := func() { ok(t, b.Post(func() { ran++ })) }
	for range 10 {
		post()
	}
	b.NewUser(func(*event.Event, event.What) {
		post()
		ok(t, b.LoopExit(0))
	}).Activate(event.Read)
	ok(t, b.Post(post))
	loop(t, b, event.LoopNoExitOnEmpty)
	same(t, "functions that ran before the loop ended", ran, 11)
	ok(t, b.DrainPosts())
	same(t, "functions that ran at all", ran, 12)
}

func testPostsInSmallDoses(t *testing.T, on backend) {
	cfg := on.config()
	cfg.MaxDispatchCallbacks = 1
	b := newBase(t, cfg)
	backlog := 20_000
	if testing.Short() { // an iteration takes long where the system is emulated
		backlog = 5000
	}
	ran, posted := 0, 0
	var one func()
	one = func() {
		ran++
		if posted < 2*backlog {
			posted++
			ok(t, b.Post(one))
		}
	}
	for posted < backlog {
		posted++
		ok(t, b.Post(one))
	}
	dispatch(t, b)
	same(t, "functions that ran", ran, 2*backlog)
}

func testOnceTable(t *testing.T, on backend) {
	closed := on.has(t, event.FeatureEarlyClose)
	const none = -1
	for _, c := range []struct {
		name    string
		what    event.What
		timeout time.Duration
		data    bool
		end     bool
		want    event.What
	}{
		{name: "readable", what: event.Read, timeout: none, data: true, want: event.Read},
		{name: "readable in time", what: event.Read, timeout: time.Hour, data: true, want: event.Read},
		{name: "readable too late", what: event.Read, timeout: time.Millisecond, want: event.Timeout},
		{name: "readable or a timeout", what: event.Read | event.Timeout, timeout: time.Millisecond, want: event.Timeout},
		{name: "writable", what: event.Write, timeout: none, want: event.Write},
		{name: "either", what: event.Read | event.Write, timeout: none, data: true, want: event.Read | event.Write},
		{name: "closed", what: event.Closed, timeout: none, end: true, want: event.Closed},
		{name: "closed too late", what: event.Closed, timeout: time.Millisecond, data: true, want: event.Timeout},
		{name: "timeout", what: event.Timeout, timeout: time.Millisecond, data: true, want: event.Timeout},
		{name: "timeout of zero", what: event.Timeout, timeout: 0, want: event.Timeout},
		{name: "timeout of less than zero", what: event.Timeout, timeout: -time.Hour, want: event.Timeout},
	} {
		if c.what&event.Closed != 0 && !closed {
			continue
		}
		b := on.base(t)
		r, w := socketPair(t)
		if c.data {
			send(t, w, r, "x")
			awaitReady(t, newEvent(t, b, r, event.Read|event.Write, ignore))
		}
		if c.end {
			shutdown(t, w, r)
		}
		var got calls
		ok(t, b.Once(r, c.what, c.timeout, got.note))
		same(t, "status", loop(t, b, 0), event.LoopNoEvents)
		if !slices.Equal(got, calls{c.want}) {
			t.Errorf("%s: called with %v, want %v", c.name, got, c.want)
		}
	}
}

func testOnceOrder(t *testing.T, on backend) {
	b := on.base(t)
	var order []int
	for i := range 200 {
		ok(t, b.Once(-1, event.Timeout, 0, func(*event.Event, event.What) { order = append(order, i) }))
	}
	dispatch(t, b)
	same(t, "callbacks", len(order), 200)
	if !slices.IsSorted(order) {
		t.Errorf("ran in the order %v", order)
	}
}

func testOnceErrors(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	for _, what := range []event.What{0, event.Signal, event.Read | event.Persist, event.Signal | event.Persist, event.ET, event.Finalize} {
		if err := b.Once(r, what, 0, ignore); !errors.Is(err, event.ErrBadWhat) {
			t.Errorf("once with %v: %v", what, err)
		}
	}
	if err := b.Once(-1, event.Read, -1, ignore); err == nil {
		t.Error("the descriptor -1 was watched")
	}
	same(t, "events", added(b), 0)
}

func testOnceNever(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	never := func(*event.Event, event.What) { t.Error("it ran") }
	ok(t, b.Once(r, event.Read, -1, never))
	ok(t, b.Once(-1, event.Timeout, time.Hour, never))
	ok(t, b.Once(-1, event.Timeout, 0, never))
	same(t, "events", added(b), 2)
	b.Free()
}
