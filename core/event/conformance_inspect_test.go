package event_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceInspection(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"Pending tells what an event waits for and why it is active", testPending},
		{"an event tells what it was assigned with", testAssignment},
		{"counts and their maxima", testCounts},
		{"Events visits each event once", testEvents},
		{"DumpEvents describes the events", testDumpEvents},
		{"DumpEvents passes a writer's error on", testDumpError},
		{"RunningEvent is the event whose callback runs", testRunningEvent},
		{"ActiveByFD activates what waits for the descriptor", testActiveByFD},
		{"ActiveBySignal activates what waits for the signal", testActiveBySignal},
	})
}

func TestConformanceBase(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"SetBase moves an idle event", testSetBase},
		{"SetBase refuses an event that is in use", testSetBaseInUse},
		{"an event that was activated is not assigned anew", testAssignActivated},
		{"an event of a freed base is assigned to another", testAssignAfterFree},
		{"Reinit keeps everything going", testReinit},
		{"Reinit goes on past a descriptor that was closed", testReinitClosed},
		{"Reinit does not watch its own descriptors for those that were closed", testReinitTakesNumbers},
		{"two bases share a descriptor", testTwoBases},
	})
}

func TestConformanceStats(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"they count iterations and callbacks", testStats},
		{"they are zero while off", testStatsOff},
		{"a callback turns them on", testStatsInCallback},
	})
}

const anything = event.Timeout | event.Read | event.Write | event.Signal | event.Closed | event.Persist | event.ET

func testPending(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	ev := newEvent(t, b, r, event.Read|event.Write|event.Persist, ignore)
	same(t, "idle", ev.Pending(anything), 0)
	ok(t, ev.Add())
	same(t, "added", ev.Pending(anything), event.Read|event.Write)
	same(t, "a part of it", ev.Pending(event.Read|event.Timeout), event.Read)
	ok(t, ev.AddTimeout(time.Hour))
	same(t, "with a timeout", ev.Pending(anything), event.Read|event.Write|event.Timeout)
	ev.Activate(event.Closed)
	same(t, "active", ev.Pending(anything), event.Read|event.Write|event.Timeout|event.Closed)
	ok(t, ev.Del())
	same(t, "deleted", ev.Pending(anything), 0)

	var none event.Event
	same(t, "unassigned", none.Pending(anything), 0)
	_, has := none.Remaining()
	same(t, "timeout of an unassigned event", has, false)
}

func testAssignment(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	ev := newEvent(t, b, r, event.Read|event.Persist, ignore)
	ev.Data = 42
	same(t, "FD", ev.FD(), r)
	same(t, "What", ev.What(), event.Read|event.Persist)
	same(t, "Base", ev.Base(), b)
	same(t, "Initialized", ev.Initialized(), true)
	a := ev.Assignment()
	same(t, "Assignment.Base", a.Base, b)
	same(t, "Assignment.FD", a.FD, r)
	same(t, "Assignment.What", a.What, event.Read|event.Persist)
	same(t, "Assignment.Data", a.Data, any(42))
	for _, cb := range []event.Callback{ev.Callback(), a.Callback} {
		same(t, "callback", reflect.ValueOf(cb).Pointer(), reflect.ValueOf(ignore).Pointer())
	}

	sig, err := b.NewSignal(syscall.SIGINT, ignore)
	ok(t, err)
	same(t, "Sig", sig.Sig(), syscall.SIGINT)
	same(t, "What of a signal", sig.What(), event.Signal|event.Persist)
	timer := b.NewTimer(ignore)
	same(t, "FD of a timer", timer.FD(), -1)
	same(t, "What of a timer", timer.What(), 0)

	ev.DebugUnassign()
	same(t, "Initialized", ev.Initialized(), false)
}

func testCounts(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	all := []event.Count{event.CountActive, event.CountVirtual, event.CountAdded}
	same(t, "of a new base", b.NumEvents(all...), 0)

	io := newEvent(t, b, r, event.Read, ignore)
	ok(t, io.AddTimeout(time.Hour)) // counts once
	timer := addTimer(t, b, time.Hour, ignore)
	b.AddVirtual()
	b.NewUser(ignore).Activate(event.Read)
	same(t, "added", added(b), 2)
	same(t, "virtual", b.NumEvents(event.CountVirtual), 1)
	same(t, "active", b.NumEvents(event.CountActive), 1)
	same(t, "all", b.NumEvents(all...), 4)
	same(t, "maximum", b.MaxEvents(false, all...), 4)

	ok(t, io.Del())
	ok(t, timer.Del())
	b.DelVirtual()
	dispatch(t, b)
	same(t, "all in the end", b.NumEvents(all...), 0)
	same(t, "maximum", b.MaxEvents(true, event.CountAdded), 2)
	same(t, "maximum after it was cleared", b.MaxEvents(false, event.CountAdded), 0)
	same(t, "maximum of the rest", b.MaxEvents(true, event.CountActive, event.CountVirtual), 2)
	same(t, "maximum after it was cleared", b.MaxEvents(false, all...), 0)
}

// oneOfEach adds an event of every kind, and returns them with a word that
// their description has.
func oneOfEach(t testing.TB, b *event.Base) map[*event.Event]string {
	t.Helper()
	r, w := socketPair(t)
	both := newEvent(t, b, w, event.Read|event.Persist, ignore)
	ok(t, both.AddTimeout(time.Hour))
	common := b.NewTimer(ignore)
	ok(t, common.AddCommon(commonTimeout(t, b, time.Hour)))
	sig, err := b.NewSignal(syscall.SIGINT, ignore)
	ok(t, err)
	ok(t, sig.Add())
	t.Cleanup(func() { sig.Del() })
	user := b.NewUser(ignore)
	user.Activate(event.Closed)
	pendingAndActive := addTimer(t, b, time.Hour, ignore)
	pendingAndActive.Activate(event.Write)
	return map[*event.Event]string{
		addEvent(t, b, r, event.Read|event.Write, ignore): fmt.Sprintf("fd %d Read|Write", r),
		both:                              fmt.Sprintf("fd %d Read|Persist", w),
		addTimer(t, b, time.Hour, ignore): "timeout",
		common:                            "timeout",
		sig:                               fmt.Sprintf("signal %d Signal|Persist", int(syscall.SIGINT)),
		user:                              "Closed",
		pendingAndActive:                  "Write",
	}
}

func testEvents(t *testing.T, on backend) {
	b := on.base(t)
	for range b.Events() {
		t.Fatal("a new base has events")
	}
	newDeferred(b, func(*event.Deferred) {}).Schedule() // is no event
	events := oneOfEach(t, b)
	seen := make(map[*event.Event]int)
	for ev := range b.Events() {
		seen[ev]++
	}
	for ev := range events {
		same(t, fmt.Sprint("visits of ", ev), seen[ev], 1)
	}
	same(t, "events", len(seen), len(events))
	for n := 1; n < len(events); n++ { // the walk may end anywhere
		visited := 0
		for range b.Events() {
			if visited++; visited == n {
				break
			}
		}
		same(t, "visited", visited, n)
	}
	same(t, "events", added(b), len(events)-1)
}

func testDumpEvents(t *testing.T, on backend) {
	b := on.base(t)
	events := oneOfEach(t, b)
	var out bytes.Buffer
	ok(t, b.DumpEvents(&out))
	pending, active, found := strings.Cut(out.String(), "Active events:\n")
	if !found || !strings.HasPrefix(pending, "Pending events:\n") {
		t.Fatalf("the dump has not its two parts:\n%s", &out)
	}
	same(t, "lines of pending events", strings.Count(pending, "\n"), 1+len(events)-1)
	same(t, "lines of active events", strings.Count(active, "\n"), 2)
	for ev, word := range events {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the dump has no %q for %v:\n%s", word, ev, &out)
		}
	}
}

// A shortWriter takes n writes and fails then.
type shortWriter struct{ n int }

var errShort = errors.New("disk full")

func (w *shortWriter) Write(p []byte) (int, error) {
	if w.n--; w.n < 0 {
		return 0, errShort
	}
	return len(p), nil
}

func testDumpError(t *testing.T, on backend) {
	b := on.base(t)
	lines := 2 + 6 + 2
	same(t, "events", len(oneOfEach(t, b)), 7)
	for n := range lines {
		if err := b.DumpEvents(&shortWriter{n}); !errors.Is(err, errShort) {
			t.Errorf("dump to a writer that takes %d lines: %v", n, err)
		}
	}
	ok(t, b.DumpEvents(&shortWriter{lines}))
}

func testRunningEvent(t *testing.T, on backend) {
	b := on.base(t)
	nobody := func(where string) {
		t.Helper()
		same(t, "running event "+where, b.RunningEvent(), nil)
	}
	nobody("before the loop")
	b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { nobody("before the wait") })
	b.NewCheck(func(*event.Watcher, event.CheckInfo) { nobody("after the wait") })
	ok(t, b.Post(func() { nobody("in a posted function") }))
	for _, what := range []event.What{0, event.Persist} {
		newEvent(t, b, -1, what, func(ev *event.Event, _ event.What) {
			same(t, "running event", b.RunningEvent(), ev)
			ok(t, b.Post(func() { nobody("in a posted function") }))
		}).Activate(event.Read)
	}
	newDeferred(b, func(*event.Deferred) { nobody("in a deferred callback") }).Schedule()
	dispatch(t, b)
	nobody("after the loop")
}

func testActiveByFD(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var read, write, both, timed, other calls
	events := []*event.Event{
		addEvent(t, b, r, event.Read, read.note),
		addEvent(t, b, r, event.Write, write.note),
		addEvent(t, b, r, event.Read|event.Write, both.note),
		addEvent(t, b, w, event.Read, other.note),
	}
	withTimeout := newEvent(t, b, r, event.Read, timed.note)
	ok(t, withTimeout.AddTimeout(time.Hour))
	ok(t, events[1].Del())

	b.ActiveByFD(r, event.Read|event.Timeout)
	b.ActiveByFD(-1, event.Read)
	b.ActiveByFD(1<<20, event.Read)
	same(t, "active events", b.NumEvents(event.CountActive), 3)
	runReady(t, b)
	read.want(t, event.Read)
	write.want(t)
	timed.want(t, event.Read|event.Timeout)
	other.want(t)
	if len(both) != 1 || both[0]&event.Read == 0 {
		t.Errorf("the event for both was told %v", both)
	}
}

func testActiveBySignal(t *testing.T, on backend) {
	b := on.base(t)
	b.ActiveBySignal(syscall.SIGINT) // nobody waits
	var one, two calls
	events := make([]*event.Event, 2)
	for i, c := range []*calls{&one, &two} {
		var err error
		events[i], err = b.NewSignal(syscall.SIGINT, c.note)
		ok(t, err)
		ok(t, events[i].Add())
	}
	b.ActiveBySignal(syscall.SIGTERM)
	b.ActiveBySignal(-1)
	b.ActiveBySignal(1 << 20)
	same(t, "active events", b.NumEvents(event.CountActive), 0)
	b.ActiveBySignal(syscall.SIGINT)
	runReady(t, b)
	one.want(t, event.Signal)
	two.want(t, event.Signal)
	ok(t, events[0].Del())
	b.ActiveBySignal(syscall.SIGINT)
	b.ActiveBySignal(syscall.SIGINT)
	runReady(t, b)
	one.want(t, event.Signal)
	two.want(t, event.Signal, event.Signal, event.Signal) // once for each
	ok(t, events[1].Del())
}

func testSetBase(t *testing.T, on backend) {
	from, to := on.base(t), on.base(t)
	ok(t, to.SetPriorities(5))
	r, w := socketPair(t)
	var c calls
	ev := newEvent(t, from, r, event.Read, c.note)
	ok(t, ev.SetBase(to))
	same(t, "base", ev.Base(), to)
	same(t, "priority", ev.Priority(), 2)
	send(t, w, r, "x")
	ok(t, ev.Add())
	same(t, "status of the old base", loop(t, from, 0), event.LoopNoEvents)
	dispatch(t, to)
	c.want(t, event.Read)
}

func testSetBaseInUse(t *testing.T, on backend) {
	b, other := on.base(t), on.base(t)
	refused := func(what string, ev *event.Event, want error) {
		t.Helper()
		if err := ev.SetBase(other); !errors.Is(err, want) {
			t.Errorf("SetBase of an event that is %s: %v", what, err)
		}
	}
	r, _ := socketPair(t)
	refused("pending", addEvent(t, b, r, event.Read, ignore), event.ErrPending)
	refused("pending", addTimer(t, b, time.Hour, ignore), event.ErrPending)
	refused("unassigned", new(event.Event), event.ErrNotAssigned)
	finalized := b.NewUser(ignore)
	ok(t, finalized.Finalize(func(*event.Event) {}))
	refused("finalized", finalized, event.ErrPending)

	var c calls
	activated := b.NewUser(c.note)
	activated.Activate(event.Read)
	refused("active", activated, event.ErrPending)
	runReady(t, b)
	c.want(t, event.Read)
}

// testAssignActivated says that an activation that the loop has not seen yet
// makes an event active as well as one that it has.
func testAssignActivated(t *testing.T, on backend) {
	b, other := on.base(t), on.base(t)
	var c calls
	ev := b.NewUser(c.note)
	ev.Activate(event.Read)
	for _, to := range []*event.Base{b, other} {
		if err := ev.AssignTimer(to, ignore); !errors.Is(err, event.ErrPending) {
			t.Errorf("assign of an active event: %v", err)
		}
	}
	dispatch(t, b)
	c.want(t, event.Read)
}

func testAssignAfterFree(t *testing.T, on backend) {
	b, other := on.base(t), on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var c calls
	pending := addEvent(t, b, r, event.Read, ignore)
	timer := addTimer(t, b, time.Hour, ignore)
	active := b.NewUser(ignore)
	active.Activate(event.Read)
	b.Free()
	for _, ev := range []*event.Event{pending, timer, active} {
		same(t, "pending", ev.Pending(anything), 0)
		ok(t, ev.Assign(other, r, event.Read, c.note))
		ok(t, ev.Add())
	}
	dispatch(t, other)
	c.want(t, event.Read, event.Read, event.Read)
	active.Activate(event.Write)
	dispatch(t, other)
	same(t, "calls", len(c), 4)
}

func testReinit(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c, writes, timer, user calls
	ev := addEvent(t, b, r, event.Read|event.Persist, c.note)
	wr := addEvent(t, b, w, event.Write, writes.note)
	ok(t, wr.Del())
	addTimer(t, b, time.Millisecond, timer.note)
	b.NewUser(user.note).Activate(event.Read)
	for range 3 {
		ok(t, b.Reinit())
	}
	send(t, w, r, "x")
	for len(c) == 0 || len(timer) == 0 || len(user) == 0 {
		runOnce(t, b)
		readAll(t, r)
	}
	writes.want(t)
	timer.want(t, event.Timeout)
	user.want(t, event.Read)

	c = nil
	send(t, w, r, "x")
	wait := whenWaiting(t, b, func() { b.Post(ignorePost) })
	runOnce(t, b)
	wait()
	runOnce(t, b)
	if len(c) == 0 {
		t.Error("the descriptor is not watched any more")
	}
	ok(t, ev.Del())
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
}

// testReinitClosed closes a descriptor that is still watched, which is wrong,
// but must not harm others.
func testReinitClosed(t *testing.T, on backend) {
	b := on.base(t)
	low1, low2 := socketPair(t)
	low3, low4 := socketPair(t)
	gone, _ := socketPair(t)
	r, w := socketPair(t)
	stale := addEvent(t, b, gone, event.Read, ignore)
	var c calls
	addEvent(t, b, r, event.Read, c.note)
	closeFD(t, gone)
	for _, fd := range []int{low1, low2, low3, low4} {
		closeFD(t, fd) // for Reinit to take, and not the number of gone
	}
	if err := b.Reinit(); err == nil {
		t.Error("no error for the descriptor that was closed")
	}
	ok(t, stale.Del())
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read)
}

// testReinitTakesNumbers closes descriptors whose numbers the new ones of the
// base get, because they are the lowest.
func testReinitTakesNumbers(t *testing.T, on backend) {
	b := on.base(t)
	var stale []*event.Event
	var gone []int
	for range 4 {
		r, w := socketPair(t)
		gone = append(gone, r, w)
		for _, fd := range []int{r, w} {
			stale = append(stale, addEvent(t, b, fd, event.Read|event.Persist, func(*event.Event, event.What) {
				t.Errorf("descriptor %d became ready, which was closed", fd)
			}))
		}
	}
	r, w := socketPair(t)
	var c calls
	addEvent(t, b, r, event.Read, c.note)
	for _, fd := range gone {
		closeFD(t, fd)
	}
	err := b.Reinit()
	for _, fd := range gone {
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("fd %d:", fd)) {
			t.Errorf("the error does not name descriptor %d: %v", fd, err)
		}
	}
	for _, ev := range stale {
		same(t, "pending", ev.Pending(anything), 0)
		ok(t, ev.Del())
	}
	wait := whenWaiting(t, b, func() { ok(t, b.Post(ignorePost)) })
	runOnce(t, b) // is woken
	wait()
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read)
}

func testTwoBases(t *testing.T, on backend) {
	one, two := on.base(t), on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var first, second calls
	addEvent(t, one, r, event.Read, first.note)
	addEvent(t, two, r, event.Read, second.note)
	dispatch(t, one)
	dispatch(t, two)
	first.want(t, event.Read)
	second.want(t, event.Read)
}

func testStats(t *testing.T, on backend) {
	b := on.base(t)
	b.EnableStats(true)
	r, w := socketPair(t)
	send(t, w, r, "x")
	addEvent(t, b, r, event.Read, func(*event.Event, event.What) {
		spend(time.Millisecond)
	})
	before := time.Now()
	dispatch(t, b)
	slow := b.Stats().Slowest // of one, as a slow machine can make any callback the slowest
	ok(t, b.Post(ignorePost))
	newDeferred(b, func(*event.Deferred) {}).Schedule()
	dispatch(t, b)
	addTimer(t, b, time.Microsecond, ignore) // for which the loop waits
	dispatch(t, b)

	s := b.Stats()
	same(t, "callbacks", s.Callbacks, 4)
	if s.Iterations < 2 {
		t.Errorf("%d iterations, want at least 2", s.Iterations)
	}
	if s.CallbackTime < time.Millisecond || s.CallbackTime < s.Slowest.Duration {
		t.Errorf("time in callbacks %v, slowest %v", s.CallbackTime, s.Slowest.Duration)
	}
	if s.PollTime <= 0 {
		t.Errorf("time waiting %v", s.PollTime)
	}
	same(t, "slowest descriptor", slow.FD, r)
	same(t, "slowest what", slow.What, event.Read)
	if slow.Duration < time.Millisecond || slow.At.Before(before) {
		t.Errorf("slowest callback: %+v", slow)
	}
	if s.Slowest.Duration < slow.Duration {
		t.Errorf("slowest callback: %+v after %+v", s.Slowest, slow)
	}
	sum := uint64(0)
	for i, n := range s.Histogram {
		sum += n
		if n > 0 && i == len(s.Histogram)-1 {
			t.Error("a callback took longer than the histogram tells")
		}
	}
	same(t, "callbacks in the histogram", sum, s.Callbacks)

	b.EnableStats(true)
	same(t, "after a new start", b.Stats(), event.Stats{})
}

func testStatsOff(t *testing.T, on backend) {
	b := on.base(t)
	b.NewUser(ignore).Activate(event.Read)
	dispatch(t, b)
	same(t, "never turned on", b.Stats(), event.Stats{})
	b.EnableStats(true)
	b.NewUser(ignore).Activate(event.Read)
	dispatch(t, b)
	b.EnableStats(false)
	same(t, "turned off", b.Stats(), event.Stats{})
}

func testStatsInCallback(t *testing.T, on backend) {
	b := on.base(t)
	b.NewUser(func(*event.Event, event.What) { b.EnableStats(true) }).Activate(event.Read)
	b.NewUser(ignore).Activate(event.Read)
	dispatch(t, b)
	same(t, "callbacks", b.Stats().Callbacks, 1)
}
