package event_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceTimers(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a timer fires once and not too early", testTimerNotEarly},
		{"a timeout of zero or less fires at once", testTimerZero},
		{"timers fire in the order of their deadlines", testTimerOrder},
		{"a timer of ages does not upset the wait", testTimerOfAges},
		{"the earliest timer counts, whatever comes and goes", testTimerEarliest},
		{"Del stops a timer", testTimerDel},
		{"a new timeout replaces the old one", testTimerReplaced},
		{"Add keeps the timeout", testTimerKept},
		{"a timer starts itself again", testTimerAgain},
		{"a timer that is due is deleted by another", testTimerDeletesDue},
		{"a timer that is due is put off by another", testTimerPutsOffDue},
		{"a persistent timer that is due is put off by another", testTimerPutsOffPersistent},
		{"timeouts are exact through any sequence of operations", testTimerModel},
	})
}

func TestConformancePersistentTimers(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"the next timeout counts from the last expiry", testPersistFromExpiry},
		{"expiries that were missed are skipped", testPersistSkips},
		{"a timeout of zero does not repeat", testPersistZero},
		{"the callback changes its own timeout", testPersistChanges},
		{"the callback removes its own timeout", testPersistRemoves},
	})
}

func TestConformanceTimeoutsBesideIO(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"data comes before the timeout", testDataFirst},
		{"the timeout comes before data", testTimeoutFirst},
		{"after data a persistent event's timeout counts from now", testDataRestarts},
		{"after a timeout a persistent event waits for data", testTimeoutThenData},
		{"RemoveTimer leaves the descriptor watched", testRemoveTimer},
		{"a failed AddTimeout leaves no timeout", testFailedAddTimeout},
	})
}

func TestConformanceClock(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"the clock stands still while callbacks run", testClockStands},
		{"UpdateCacheTime reads the clock again", testClockUpdated},
		{"with NoCacheTime the clock runs", testClockRuns},
	})
}

// remaining returns the time to the event's timeout, which must exist.
func remaining(t testing.TB, ev *event.Event) time.Duration {
	t.Helper()
	d, has := ev.Remaining()
	if !has {
		t.Fatalf("%v has no timeout", ev)
	}
	return d
}

func wantNoTimeout(t testing.TB, ev *event.Event) {
	t.Helper()
	if d, has := ev.Remaining(); has || ev.Pending(event.Timeout) != 0 {
		t.Fatalf("%v has a timeout in %v", ev, d)
	}
}

// A stopwatch reads the base's clock exactly, through a timer that is never
// due.
type stopwatch struct{ ev *event.Event }

const faraway = 1000 * time.Hour

// startStopwatch is called from the loop. The stopwatch must be stopped for the
// loop to end.
func startStopwatch(t testing.TB, b *event.Base) stopwatch {
	t.Helper()
	return stopwatch{addTimer(t, b, faraway, ignore)}
}

func (s stopwatch) elapsed(t testing.TB) time.Duration {
	t.Helper()
	return faraway - remaining(t, s.ev)
}

func (s stopwatch) stop(t testing.TB) { t.Helper(); ok(t, s.ev.Del()) }

// passTime returns once the real clock shows another time.
func passTime() { spend(0) }

func testTimerNotEarly(t *testing.T, on backend) {
	b := on.base(t)
	for _, d := range []time.Duration{1, 100 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond} {
		var c calls
		start := time.Now()
		ev := addTimer(t, b, d, c.note)
		same(t, "pending", ev.Pending(event.Timeout|event.Read), event.Timeout)
		dispatch(t, b)
		if passed := time.Since(start); passed < d {
			t.Errorf("a timer of %v fired after %v", d, passed)
		}
		c.want(t, event.Timeout)
		wantNoTimeout(t, ev)
	}
}

func testTimerZero(t *testing.T, on backend) {
	b := on.base(t)
	for _, d := range []time.Duration{0, -1, -time.Hour, math.MinInt64} {
		var c calls
		addTimer(t, b, d, c.note)
		runReady(t, b)
		c.want(t, event.Timeout)
	}
}

func testTimerOrder(t *testing.T, on backend) {
	b := on.base(t)
	const n = 500
	var fired []int
	inLoop(t, b, func() {
		for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
			addTimer(t, b, time.Duration(i)*3*time.Microsecond, func(*event.Event, event.What) {
				fired = append(fired, i)
			})
		}
	})
	dispatch(t, b)
	same(t, "timers fired", len(fired), n)
	if !slices.IsSorted(fired) {
		t.Errorf("the timers fired in the order %v", fired)
	}
}

// testTimerOfAges waits with a timeout that overflows whatever the system counts
// in, and has another goroutine end the wait.
func testTimerOfAges(t *testing.T, on backend) {
	for _, d := range []time.Duration{math.MaxInt64, 200 * 365 * 24 * time.Hour, 70 * 365 * 24 * time.Hour, 50 * 24 * time.Hour} {
		b := on.base(t)
		ev := addTimer(t, b, d, ignore)
		if left := remaining(t, ev); left <= d/2 || left > d {
			t.Errorf("remaining of %v: %v", d, left)
		}
		waiting := make(chan struct{})
		first := b.NewPrepare(func(w *event.Watcher, info event.PrepareInfo) {
			w.Free()
			if left, has := info.Timeout(); !has || left <= d/2 {
				t.Errorf("wait for a timer of %v: %v, %v", d, left, has)
			}
			close(waiting)
		})
		wait := goes(t, func() {
			<-waiting
			b.Post(ignorePost)
		})
		runOnce(t, b)
		wait()
		first.Free()
		same(t, "pending", ev.Pending(event.Timeout), event.Timeout)
	}
}

func ignorePost() {}

// testTimerEarliest looks at how long the loop is going to wait.
func testTimerEarliest(t *testing.T, on backend) {
	b := on.base(t)
	one, two, three := b.NewTimer(ignore), b.NewTimer(ignore), b.NewTimer(ignore)
	steps := []struct {
		change func() error
		first  *event.Event
	}{
		{func() error { return one.AddTimeout(2 * time.Hour) }, one},
		{func() error { return two.AddTimeout(time.Hour) }, two},
		{func() error { return three.AddTimeout(3 * time.Hour) }, two},
		{func() error { return two.AddTimeout(4 * time.Hour) }, one},
		{func() error { return one.Del() }, three},
		{func() error { return two.AddTimeout(time.Minute) }, two},
		{func() error { return two.RemoveTimer() }, three},
	}
	for i, step := range steps {
		ok(t, step.change())
		look := b.NewPrepare(func(_ *event.Watcher, info event.PrepareInfo) {
			d, limited := info.Timeout()
			if want := remaining(t, step.first); !limited || d < want || d > want+time.Minute/2 {
				t.Errorf("after step %d the loop waits %v, want %v", i, d, want)
			}
			b.LoopBreak()
		})
		dispatch(t, b)
		look.Free()
	}
}

func testTimerDel(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := addTimer(t, b, 0, c.note)
	ok(t, ev.Del())
	wantNoTimeout(t, ev)
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	c.want(t)
}

func testTimerReplaced(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	inLoop(t, b, func() {
		ev := addTimer(t, b, time.Hour, c.note)
		same(t, "remaining", remaining(t, ev), time.Hour)
		ok(t, ev.AddTimeout(2*time.Hour))
		same(t, "put off", remaining(t, ev), 2*time.Hour)
		ok(t, ev.AddTimeout(time.Minute))
		same(t, "brought forward", remaining(t, ev), time.Minute)
		ok(t, ev.AddTimeout(-time.Second))
		same(t, "due", remaining(t, ev), 0)
		same(t, "events", added(b), 1)
	})
	dispatch(t, b)
	c.want(t, event.Timeout)
}

func testTimerKept(t *testing.T, on backend) {
	b := on.base(t)
	inLoop(t, b, func() {
		ev := addTimer(t, b, time.Hour, ignore)
		ok(t, ev.Add())
		same(t, "remaining", remaining(t, ev), time.Hour)
		ok(t, ev.Del())
	})
}

func testTimerAgain(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	addTimer(t, b, 0, func(ev *event.Event, what event.What) {
		wantNoTimeout(t, ev)
		c.note(ev, what)
		if len(c) < 3 {
			ok(t, ev.AddTimeout(time.Microsecond))
		}
	})
	dispatch(t, b)
	c.want(t, event.Timeout, event.Timeout, event.Timeout)
}

// dueTogether starts two timers that the loop finds due at once, with the
// first to be run first.
func dueTogether(t testing.TB, b *event.Base, first, second *event.Event) {
	t.Helper()
	ok(t, first.AddTimeout(0))
	passTime()
	ok(t, second.AddTimeout(0))
	passTime()
}

func testTimerDeletesDue(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	second := b.NewTimer(c.note)
	first := b.NewTimer(func(*event.Event, event.What) {
		same(t, "pending", second.Pending(event.Timeout), event.Timeout)
		ok(t, second.Del())
		same(t, "pending", second.Pending(event.Timeout), 0)
	})
	dueTogether(t, b, first, second)
	dispatch(t, b)
	c.want(t)
}

func testTimerPutsOffDue(t *testing.T, on backend) {
	b := on.base(t)
	putOff(t, b, b.NewTimer)
}

func testTimerPutsOffPersistent(t *testing.T, on backend) {
	b := on.base(t)
	putOff(t, b, func(cb event.Callback) *event.Event { return newEvent(t, b, -1, event.Persist, cb) })
}

// putOff says that an event that is due is not any more once it has another
// timeout.
func putOff(t testing.TB, b *event.Base, newTimer func(event.Callback) *event.Event) {
	t.Helper()
	var c calls
	second := newTimer(c.note)
	first := b.NewTimer(func(*event.Event, event.What) {
		same(t, "active events", b.NumEvents(event.CountActive), 1)
		ok(t, second.AddTimeout(time.Hour))
		same(t, "active events", b.NumEvents(event.CountActive), 0)
		same(t, "remaining", remaining(t, second), time.Hour)
	})
	dueTogether(t, b, first, second)
	runOnce(t, b)
	runReady(t, b)
	c.want(t)
	ok(t, second.Del())
}

func testPersistFromExpiry(t *testing.T, on backend) {
	b := on.base(t)
	const interval = 300 * time.Microsecond
	var sw stopwatch
	next := interval // by the stopwatch
	rounds := 0
	ev := newEvent(t, b, -1, event.Persist, func(ev *event.Event, what event.What) {
		same(t, "what", what, event.Timeout)
		now := sw.elapsed(t)
		if now < next {
			t.Errorf("expiry at %v came at %v", next, now)
		}
		if next += interval; next < now {
			next = now + interval
		}
		same(t, "remaining", remaining(t, ev), next-now)
		if rounds++; rounds == 10 {
			ok(t, ev.Del())
			sw.stop(t)
		}
	})
	inLoop(t, b, func() {
		sw = startStopwatch(t, b)
		ok(t, ev.AddTimeout(interval))
	})
	dispatch(t, b)
	same(t, "rounds", rounds, 10)
}

func testPersistSkips(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := newEvent(t, b, -1, event.Persist, c.note)
	ok(t, ev.AddTimeout(1))
	for range 5 { // intervals of a nanosecond: millions are missed
		before := len(c)
		runOnce(t, b)
		same(t, "calls", len(c)-before, 1)
	}
	const interval = time.Millisecond
	late := newEvent(t, b, -1, event.Persist, func(ev *event.Event, _ event.What) {
		spend(3 * interval)
		ok(t, b.UpdateCacheTime())
	})
	ok(t, ev.Del())
	ok(t, late.AddTimeout(interval))
	runOnce(t, b)
	if left := remaining(t, late); left > interval {
		t.Errorf("after missed expiries the next is in %v, want at most %v", left, interval)
	}
	runOnce(t, b)
}

func testPersistZero(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := newEvent(t, b, -1, event.Persist, c.note)
	ok(t, ev.AddTimeout(0))
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	c.want(t, event.Timeout)
}

func testPersistChanges(t *testing.T, on backend) {
	b := on.base(t)
	ev := newEvent(t, b, -1, event.Persist, func(ev *event.Event, _ event.What) {
		ok(t, ev.AddTimeout(time.Hour))
		same(t, "remaining", remaining(t, ev), time.Hour)
	})
	ok(t, ev.AddTimeout(1))
	runOnce(t, b)
	runReady(t, b)
	ok(t, ev.Del())
}

func testPersistRemoves(t *testing.T, on backend) {
	b := on.base(t)
	var c calls
	ev := newEvent(t, b, -1, event.Persist, func(ev *event.Event, what event.What) {
		c.note(ev, what)
		ok(t, ev.RemoveTimer())
		wantNoTimeout(t, ev)
	})
	ok(t, ev.AddTimeout(1))
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	c.want(t, event.Timeout)
}

func testDataFirst(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var c calls
	ev := newEvent(t, b, r, event.Read, c.note)
	ok(t, ev.AddTimeout(time.Hour))
	same(t, "pending", ev.Pending(event.Read|event.Timeout), event.Read|event.Timeout)
	same(t, "events", added(b), 1)
	dispatch(t, b)
	c.want(t, event.Read)
	wantNoTimeout(t, ev)
}

func testTimeoutFirst(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	ev := newEvent(t, b, r, event.Read, c.note)
	ok(t, ev.AddTimeout(time.Millisecond))
	dispatch(t, b)
	c.want(t, event.Timeout)
	same(t, "pending", ev.Pending(event.Read|event.Timeout), 0)
	send(t, w, r, "x")
	runReady(t, b)
	c.want(t, event.Timeout)
}

func testDataRestarts(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	const timeout = time.Hour
	var c calls
	ev := newEvent(t, b, r, event.Read|event.Persist, func(ev *event.Event, what event.What) {
		c.note(ev, what)
		same(t, "remaining", remaining(t, ev), timeout)
	})
	ok(t, ev.AddTimeout(timeout))
	for range 3 {
		passTime()
		runOnce(t, b)
	}
	c.want(t, event.Read, event.Read, event.Read)
}

func testTimeoutThenData(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	ev := newEvent(t, b, r, event.Read|event.Persist, func(ev *event.Event, what event.What) {
		c.note(ev, what)
		if what == event.Timeout {
			same(t, "pending", ev.Pending(event.Read|event.Timeout), event.Read|event.Timeout)
			ok(t, ev.AddTimeout(time.Hour))
		}
	})
	ok(t, ev.AddTimeout(time.Millisecond))
	runOnce(t, b)
	c.want(t, event.Timeout)
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Timeout, event.Read)
}

func testRemoveTimer(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	ev := newEvent(t, b, r, event.Read|event.Persist, c.note)
	ok(t, ev.AddTimeout(time.Hour))
	ok(t, ev.RemoveTimer())
	wantNoTimeout(t, ev)
	same(t, "pending", ev.Pending(event.Read), event.Read)
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read)
	wantNoTimeout(t, ev) // also not again
	ok(t, ev.RemoveTimer())

	timer := addTimer(t, b, time.Hour, ignore)
	ok(t, timer.RemoveTimer())
	same(t, "events", added(b), 1)
}

func testFailedAddTimeout(t *testing.T, on backend) {
	b := on.base(t)
	ev := newEvent(t, b, closedFD(t), event.Read, ignore)
	if err := ev.AddTimeout(time.Hour); err == nil {
		t.Fatal("a closed descriptor was added")
	}
	wantNoTimeout(t, ev)
	same(t, "events", added(b), 0)
}

// testTimerModel does random things to timers, and after each compares what is
// left of all their timeouts with a plain list of deadlines. Then it lets them
// pass and looks at the order.
func testTimerModel(t *testing.T, on backend) {
	b := on.base(t)
	const timers, steps = 60, 600
	type model struct {
		ev      *event.Event
		timeout time.Duration // -1: none
	}
	all := make([]*model, timers)
	var fired []time.Duration
	for i := range all {
		m := &model{timeout: -1}
		all[i] = m
		m.ev = b.NewTimer(func(*event.Event, event.What) { fired = append(fired, m.timeout) })
	}
	r := rand.New(rand.NewPCG(3, 4))
	inLoop(t, b, func() {
		for step := range steps {
			m := all[r.IntN(timers)]
			switch r.IntN(4) {
			case 0:
				ok(t, m.ev.Del())
				m.timeout = -1
			case 1:
				ok(t, m.ev.RemoveTimer())
				m.timeout = -1
			default:
				m.timeout = time.Duration(r.IntN(2000)) * time.Microsecond
				ok(t, m.ev.AddTimeout(m.timeout))
			}
			if d, has := m.ev.Remaining(); has != (m.timeout >= 0) || has && d != m.timeout {
				t.Fatalf("step %d: remaining %v, %v, want %v", step, d, has, m.timeout)
			}
		}
	})
	all = slices.DeleteFunc(all, func(m *model) bool { return m.timeout < 0 })
	same(t, "events", added(b), len(all))
	dispatch(t, b)
	same(t, "timers fired", len(fired), len(all))
	if !slices.IsSortedFunc(fired, cmp.Compare[time.Duration]) {
		t.Errorf("the timers fired in the order %v", fired)
	}
}

func testClockStands(t *testing.T, on backend) {
	b := on.base(t)
	inLoop(t, b, func() {
		now, elapsed := b.Now(), b.Elapsed()
		ev := addTimer(t, b, time.Hour, ignore)
		passTime()
		same(t, "remaining", remaining(t, ev), time.Hour)
		if !b.Now().Equal(now) {
			t.Errorf("the time went from %v to %v in a callback", now, b.Now())
		}
		same(t, "elapsed", b.Elapsed(), elapsed)
		ok(t, ev.Del())
	})
	before := time.Now()
	if now := b.Now(); now.Before(before) {
		t.Errorf("after the loop Now is %v, want at least %v", now, before)
	}
	start := b.Elapsed()
	passTime()
	if now := b.Elapsed(); start <= 0 || now <= start {
		t.Errorf("after the loop %v have elapsed, and later %v", start, now)
	}
}

func testClockUpdated(t *testing.T, on backend) {
	b := on.base(t)
	inLoop(t, b, func() {
		ev := addTimer(t, b, time.Hour, ignore)
		passTime()
		ok(t, b.UpdateCacheTime())
		left := remaining(t, ev)
		if left >= time.Hour {
			t.Errorf("remaining after UpdateCacheTime: %v, want less than an hour", left)
		}
		passTime()
		same(t, "remaining", remaining(t, ev), left)
		ok(t, ev.Del())
	})
	ok(t, b.UpdateCacheTime())
}

func testClockRuns(t *testing.T, on backend) {
	cfg := on.config()
	cfg.Flags |= event.NoCacheTime
	b := newBase(t, cfg)
	inLoop(t, b, func() {
		ev := addTimer(t, b, time.Hour, ignore)
		passTime()
		if left := remaining(t, ev); left >= time.Hour {
			t.Errorf("remaining: %v, want less than an hour", left)
		}
		ok(t, ev.Del())
	})
}
