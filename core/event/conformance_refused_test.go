package event_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceRefused(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"nil bases, events, functions and writers are refused", testNilRefused},
		{"a base that NewBase did not make is like a freed one", testZeroBase},
		{"a deferred callback that is not set up does nothing", testZeroDeferred},
		{"a deferred callback that is scheduled is not set up anew", testDeferredInitScheduled},
		{"DelVirtual without AddVirtual is refused", testDelVirtualAlone},
		{"Free in a callback is refused aloud", testFreeInCallbackIsLogged},
		{"two loops at once are refused", testTwoLoopsAtOnce},
		{"Events may be changed while they are visited", testEventsChanged},
		{"Events may be pulled", testEventsPulled},
		{"an activation goes to the base that the event has moved to", testActivationMoves},
		{"an activation that was taken back is gone", testActivationTakenBack},
	})
}

// warnings collects what is logged during the test.
func warnings(t testing.TB) func() string {
	var mu sync.Mutex
	var all []string
	event.SetLogCallback(func(_ event.LogSeverity, msg string) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, msg)
	})
	t.Cleanup(func() { event.SetLogCallback(nil) })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(all, "\n")
	}
}

func testNilRefused(t *testing.T, on backend) {
	logged := warnings(t)
	b := on.base(t)
	var none *event.Base
	var noEvent *event.Event
	user := b.NewUser(ignore)
	_, newErr := none.NewEvent(0, event.Read, ignore)
	_, signalErr := none.NewSignal(syscall.SIGINT, ignore)
	_, loopErr := none.Loop(0)
	_, commonErr := none.InitCommonTimeout(time.Second)
	for _, c := range []struct {
		op  string
		err error
	}{
		{"post", b.Post(nil)}, {"post", none.Post(func() {})},
		{"exit", none.LoopExit(0)}, {"exit", none.LoopExit(time.Second)},
		{"loop", none.Dispatch()}, {"loop", loopErr}, {"loop", none.Run(t.Context())},
		{"assign", newErr}, {"assign", signalErr}, {"assign", none.Once(0, event.Read, 0, ignore)},
		{"assign", noEvent.Assign(b, -1, 0, ignore)},
		{"set base", user.SetBase(nil)},
		{"init common timeout", commonErr}, {"set priorities", none.SetPriorities(1)},
		{"reinit", none.Reinit()}, {"update cache time", none.UpdateCacheTime()},
		{"dump", b.DumpEvents(nil)}, {"dump", none.DumpEvents(new(strings.Builder))},
	} {
		wantError(t, c.op, c.err, event.ErrNil, c.op)
	}
	for op, err := range map[string]error{
		"add": noEvent.Add(), "del": noEvent.Del(), "set base": noEvent.SetBase(b), "finalize": noEvent.Finalize(nil),
	} {
		wantError(t, op+" no event", err, event.ErrNotAssigned, op)
	}
	noEvent.Free()
	noEvent.Activate(event.Read)
	none.Free()
	for range none.Events() {
		t.Error("no base has events")
	}
	for _, timer := range []*event.Event{none.NewTimer(ignore), none.NewTicker(ignore), none.NewUser(ignore)} {
		same(t, "initialized", timer.Initialized(), false)
	}
	for _, w := range []*event.Watcher{b.NewPrepare(nil), b.NewCheck(nil), none.NewPrepare(nil), none.NewCheck(nil)} {
		w.Free()
	}
	new(event.Deferred).Init(nil, 0, func(*event.Deferred) {})
	same(t, "AtIterationEnd", b.AtIterationEnd(nil), false)
	for _, op := range []string{"new timer", "new prepare watcher", "new check watcher", "init deferred", "activate"} {
		if !strings.Contains(logged(), op) {
			t.Errorf("the log does not tell of %q: %s", op, logged())
		}
	}

	ev := b.NewTimer(nil) // no callback is one that does nothing
	ok(t, ev.AddTimeout(0))
	user.Activate(event.Read)
	ok(t, user.Finalize(nil))
	ok(t, b.Once(-1, event.Timeout, 0, nil))
	dispatch(t, b)
	wantUsable(t, b)
}

func testZeroBase(t *testing.T, _ backend) {
	warnings(t)
	b := new(event.Base)
	user := b.NewUser(ignore)
	reader, err := b.NewEvent(0, event.Read, ignore)
	ok(t, err)
	for op, err := range map[string]error{
		"post": b.Post(func() {}), "exit": b.LoopExit(0), "loop": b.Dispatch(), "add": reader.Add(), "reinit": b.Reinit(),
	} {
		wantError(t, op, err, event.ErrFreed, op)
	}
	wantError(t, "add", user.AddTimeout(0), event.ErrFreed)
	user.Activate(event.Read)
	same(t, "events", b.NumEvents(event.CountActive, event.CountAdded), 0)
	same(t, "method", b.Method(), "")
	b.LoopBreak()
	b.ActiveByFD(0, event.Read)
	b.Free()
}

func testZeroDeferred(t *testing.T, on backend) {
	warnings(t)
	b := on.base(t)
	var d event.Deferred
	d.SetPriority(1)
	same(t, "scheduled", d.Scheduled(), false)
	same(t, "Schedule", d.Schedule(), false)
	same(t, "Cancel", d.Cancel(), false)
	d.Init(b, 0, nil)
	same(t, "Schedule", d.Schedule(), false)
	wantUsable(t, b)
}

func testDeferredInitScheduled(t *testing.T, on backend) {
	logged := warnings(t)
	b, other := on.base(t), on.base(t)
	var tr trace
	d := newDeferred(b, func(*event.Deferred) { tr.add("first") })
	same(t, "Schedule", d.Schedule(), true)
	for _, to := range []*event.Base{b, other} {
		d.Init(to, 0, func(*event.Deferred) { t.Error("the second function ran") })
	}
	if !strings.Contains(logged(), "init deferred") {
		t.Errorf("the log has %q", logged())
	}
	dispatch(t, other)
	dispatch(t, b)
	tr.want(t, "first")
	d.Init(other, 0, func(*event.Deferred) { tr.add("third") })
	d.Schedule()
	dispatch(t, other)
	tr.want(t, "first", "third")
}

func testDelVirtualAlone(t *testing.T, on backend) {
	logged := warnings(t)
	b := on.base(t)
	b.DelVirtual()
	same(t, "virtual events", b.NumEvents(event.CountVirtual), 0)
	if !strings.Contains(logged(), "virtual") {
		t.Errorf("the log has %q", logged())
	}
	b.AddVirtual()
	same(t, "status", loop(t, b, event.LoopNonblock), event.LoopDone) // there is one
	b.DelVirtual()
	wantUsable(t, b)
}

func testFreeInCallbackIsLogged(t *testing.T, on backend) {
	for name, free := range map[string]func(*event.Base){
		"Free": (*event.Base).Free, "FreeNoFinalize": (*event.Base).FreeNoFinalize,
	} {
		logged := warnings(t)
		b := on.base(t)
		var c calls
		addTimer(t, b, 0, func(*event.Event, event.What) {
			free(b)
			addTimer(t, b, 0, c.note)
		})
		dispatch(t, b)
		c.want(t, event.Timeout)
		if !strings.Contains(logged(), event.ErrRunning.Error()) {
			t.Errorf("%s: the log has %q", name, logged())
		}
	}
}

// testTwoLoopsAtOnce starts many loops of a base at the same time: one runs.
func testTwoLoopsAtOnce(t *testing.T, on backend) {
	logged := warnings(t)
	b := on.base(t)
	const loops = 8
	refused := make(chan error, loops)
	var count atomic.Int32
	var ended sync.WaitGroup
	for range loops {
		ended.Go(func() {
			_, err := b.Loop(event.LoopNoExitOnEmpty)
			if err == nil {
				return
			}
			refused <- err
			if count.Add(1) == loops-1 { // for one of them only: an exit may not come after the loop
				b.Free() // is refused as well
				b.LoopExit(0)
			}
		})
	}
	ended.Wait()
	same(t, "refused loops", len(refused), loops-1)
	for range loops - 1 {
		wantError(t, "loop", <-refused, event.ErrRunning, "loop")
	}
	if !strings.Contains(logged(), "free base") {
		t.Errorf("the log has %q", logged())
	}
	wantUsable(t, b)
}

// testEventsChanged ends, frees, moves and adds events of all kinds while they
// are visited.
func testEventsChanged(t *testing.T, on backend) {
	for name, change := range map[string]func(ev *event.Event, b, other *event.Base){
		"Del":      func(ev *event.Event, _, _ *event.Base) { ok(t, ev.Del()) },
		"Free":     func(ev *event.Event, _, _ *event.Base) { ev.Free() },
		"Finalize": func(ev *event.Event, _, _ *event.Base) { ok(t, ev.Finalize(nil)) },
		"moved": func(ev *event.Event, _, other *event.Base) {
			ok(t, ev.Del())
			ok(t, ev.SetBase(other))
			ok(t, ev.AddTimeout(time.Hour))
		},
		"all others deleted": func(_ *event.Event, b, _ *event.Base) {
			for ev := range b.Events() {
				ok(t, ev.Del())
			}
		},
		"more": func(ev *event.Event, b, _ *event.Base) {
			if ev.Data == nil {
				more := b.NewTimer(ignore)
				more.Data = "more"
				ok(t, more.AddTimeout(time.Hour))
			}
		},
	} {
		b, other := on.base(t), on.base(t)
		const each = 5
		for range each {
			r, w := socketPair(t)
			send(t, w, r, "x")
			addEvent(t, b, r, event.Read, ignore)
			addEvent(t, b, r, event.Write|event.Persist, ignore)
			addTimer(t, b, time.Hour, ignore)
			b.NewUser(ignore).Activate(event.Read)
			ok(t, b.NewTimer(ignore).AddCommon(commonTimeout(t, b, time.Hour)))
		}
		seen := make(map[*event.Event]bool)
		for ev := range b.Events() {
			if seen[ev] {
				t.Errorf("%s: %v is visited twice", name, ev)
			}
			seen[ev] = true
			if ev.Base() != b || !ev.Initialized() || ev.Data != nil {
				t.Errorf("%s: %v is visited", name, ev)
			}
			change(ev, b, other)
		}
		want := 5 * each
		if name == "all others deleted" {
			want = 1
		}
		same(t, name+": visited events", len(seen), want)
	}
}

// testEventsPulled visits from a coroutine, which is not the goroutine, nor the
// thread, that began.
func testEventsPulled(t *testing.T, on backend) {
	b := on.base(t)
	for range 3 {
		addTimer(t, b, time.Hour, ignore)
	}
	next, stop := iter.Pull(b.Events())
	ev, found := next()
	same(t, "found", found, true)
	ok(t, ev.Del())
	goes(t, func() { same(t, "events", added(b), 2) })() // nothing is locked
	_, found = next()
	same(t, "found", found, true)
	stop()
	same(t, "events", added(b), 2)
}

// testActivationMoves moves events that their first base has yet to look at.
func testActivationMoves(t *testing.T, on backend) {
	for name, move := range map[string]func(ev *event.Event, to *event.Base, cb event.Callback){
		"SetBase": func(ev *event.Event, to *event.Base, _ event.Callback) {
			ok(t, ev.Del())
			ok(t, ev.SetBase(to))
		},
		"Assign": func(ev *event.Event, to *event.Base, cb event.Callback) {
			ok(t, ev.Del())
			ok(t, ev.Assign(to, -1, 0, cb))
		},
		"Free and Assign": func(ev *event.Event, to *event.Base, cb event.Callback) {
			ev.Free()
			ok(t, ev.Assign(to, -1, 0, cb))
		},
		"a new event in the same memory": func(ev *event.Event, to *event.Base, cb event.Callback) {
			ev.Free()
			*ev = event.Event{}
			ok(t, ev.Assign(to, -1, 0, cb))
		},
	} {
		from, to := on.base(t), on.base(t)
		var c calls
		ev := from.NewUser(c.note)
		other := from.NewUser(c.note)
		other.Activate(event.Write)
		ev.Activate(event.Read)
		move(ev, to, c.note)
		ev.Activate(event.Closed)
		same(t, name+": active", from.NumEvents(event.CountActive), 1) // looks, and finds the other
		dispatch(t, from)
		c.want(t, event.Write)
		dispatch(t, to)
		c.want(t, event.Write, event.Closed)
	}
}

func testActivationTakenBack(t *testing.T, on backend) {
	b := on.base(t)
	var events [6]*event.Event
	var tr trace
	for i := range events {
		events[i] = b.NewUser(tr.cb(fmt.Sprint(i)))
		events[i].Activate(event.Read)
	}
	for _, i := range []int{0, 2, 5} {
		ok(t, events[i].Del())
		same(t, "pending", events[i].Pending(anything), 0)
	}
	events[2].Activate(event.Read)
	events[3].Activate(event.Write) // once more
	dispatch(t, b)
	tr.want(t, "1", "3", "4", "2")
	if err := errors.Join(events[0].Del(), events[1].Del()); err != nil {
		t.Error(err)
	}
	wantUsable(t, b)
}
