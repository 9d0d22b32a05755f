package event_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceCommonTimeouts(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a duration has one common timeout", testCommonIsOne},
		{"ten thousand events fire in the order in which they were added", testCommonOrder},
		{"events in the middle are deleted", testCommonDeleted},
		{"an event that is added again goes to the end", testCommonAgain},
		{"an event that is added again and again stays in order", testCommonHot},
		{"common and plain timeouts fire side by side", testCommonBesidePlain},
		{"an event changes between common and plain", testCommonToPlain},
		{"a persistent event repeats from its last expiry", testCommonPersistent},
		{"a persistent event that comes late keeps its place", testCommonPersistentLate},
		{"RemoveTimer takes an event out", testCommonRemoveTimer},
		{"a common timeout is shared with descriptors", testCommonBesideIO},
		{"a base has 256 common timeouts", testCommonLimit},
		{"a common timeout of another base is refused", testCommonOfOther},
	})
}

func commonTimeout(t testing.TB, b *event.Base, d time.Duration) *event.CommonTimeout {
	t.Helper()
	ct, err := b.InitCommonTimeout(d)
	ok(t, err)
	same(t, "duration", ct.Duration(), d)
	return ct
}

// firing makes events that append their numbers to a list when they fire.
func firing(b *event.Base, n int, fired *[]int) []*event.Event {
	events := make([]*event.Event, n)
	for i := range events {
		events[i] = b.NewTimer(func(*event.Event, event.What) { *fired = append(*fired, i) })
	}
	return events
}

func addCommon(t testing.TB, ct *event.CommonTimeout, events ...*event.Event) {
	t.Helper()
	for _, ev := range events {
		ok(t, ev.AddCommon(ct))
	}
}

func testCommonIsOne(t *testing.T, on backend) {
	b := on.base(t)
	one := commonTimeout(t, b, time.Second)
	same(t, "for the same duration", commonTimeout(t, b, time.Second), one)
	if commonTimeout(t, b, time.Minute) == one {
		t.Error("different durations have one common timeout")
	}
}

func testCommonOrder(t *testing.T, on backend) {
	b := on.base(t)
	const n = 10_000
	var fired, want []int
	events := firing(b, n, &fired)
	start := time.Now()
	addCommon(t, commonTimeout(t, b, time.Millisecond), events...)
	same(t, "events", added(b), n)
	dispatch(t, b)
	if time.Since(start) < time.Millisecond {
		t.Error("the last event fired early")
	}
	for i := range n {
		want = append(want, i)
	}
	if !slices.Equal(fired, want) {
		t.Errorf("fired in the order %v", fired)
	}
}

func testCommonDeleted(t *testing.T, on backend) {
	b := on.base(t)
	var fired, want []int
	events := firing(b, 1000, &fired)
	addCommon(t, commonTimeout(t, b, time.Microsecond), events...)
	for i, ev := range events {
		if i < 10 || i > 900 || i%3 == 0 {
			ok(t, ev.Del())
			wantNoTimeout(t, ev)
		} else {
			want = append(want, i)
		}
	}
	same(t, "events", added(b), len(want))
	dispatch(t, b)
	if !slices.Equal(fired, want) {
		t.Errorf("fired %v, want %v", fired, want)
	}
}

func testCommonAgain(t *testing.T, on backend) {
	b := on.base(t)
	var fired []int
	events := firing(b, 4, &fired)
	ct := commonTimeout(t, b, time.Microsecond)
	addCommon(t, ct, events...)
	addCommon(t, ct, events[1], events[0])
	same(t, "events", added(b), 4)
	dispatch(t, b)
	if want := []int{2, 3, 1, 0}; !slices.Equal(fired, want) {
		t.Errorf("fired %v, want %v", fired, want)
	}
}

// testCommonHot is what busy connections among idle ones do.
func testCommonHot(t *testing.T, on backend) {
	b := on.base(t)
	const n, steps = 300, 5000
	var fired, want []int
	events := firing(b, n, &fired)
	ct := commonTimeout(t, b, time.Millisecond)
	r := rand.New(rand.NewPCG(5, 6))
	inLoop(t, b, func() { // where no time passes, so that none fires early
		addCommon(t, ct, events...)
		for i := range n {
			want = append(want, i)
		}
		for range steps {
			i := n - 1 - r.IntN(3)
			addCommon(t, ct, events[i])
			at := slices.Index(want, i)
			want = append(slices.Delete(want, at, at+1), i)
		}
	})
	dispatch(t, b)
	if !slices.Equal(fired, want) {
		t.Errorf("fired %v, want %v", fired, want)
	}
}

func testCommonBesidePlain(t *testing.T, on backend) {
	b := on.base(t)
	var common, plain []int
	short, long := commonTimeout(t, b, time.Microsecond), commonTimeout(t, b, 2*time.Millisecond)
	inCommon := firing(b, 300, &common)
	inHeap := firing(b, 300, &plain)
	for i := range inCommon {
		if i < 150 {
			ok(t, inCommon[i].AddCommon(short))
		} else {
			ok(t, inCommon[i].AddCommon(long))
		}
		ok(t, inHeap[i].AddTimeout(time.Millisecond+time.Duration(i)*time.Microsecond))
	}
	dispatch(t, b)
	same(t, "common timeouts", len(common), 300)
	same(t, "plain timeouts", len(plain), 300)
	if !slices.IsSorted(common[:150]) || !slices.IsSorted(common[150:]) || !slices.IsSorted(plain) {
		t.Errorf("fired in the order %v and %v", common, plain)
	}
}

func testCommonToPlain(t *testing.T, on backend) {
	b := on.base(t)
	minute, second := commonTimeout(t, b, time.Minute), commonTimeout(t, b, time.Second)
	inLoop(t, b, func() {
		ev := b.NewTimer(ignore)
		steps := []struct {
			add  func() error
			want time.Duration
		}{
			{func() error { return ev.AddCommon(minute) }, time.Minute},
			{func() error { return ev.AddTimeout(time.Hour) }, time.Hour},
			{func() error { return ev.AddCommon(second) }, time.Second},
			{func() error { return ev.AddCommon(minute) }, time.Minute},
			{func() error { return ev.Add() }, time.Minute},
			{func() error { return ev.AddTimeout(0) }, 0},
		}
		for _, step := range steps {
			ok(t, step.add())
			same(t, "remaining", remaining(t, ev), step.want)
			same(t, "events", added(b), 1)
		}
	})
	dispatch(t, b)
	same(t, "events", added(b), 0)
}

func testCommonPersistent(t *testing.T, on backend) {
	b := on.base(t)
	const interval = 300 * time.Microsecond
	ct := commonTimeout(t, b, interval)
	var sw stopwatch
	next, rounds := interval, 0
	ev := newEvent(t, b, -1, event.Persist, func(ev *event.Event, _ event.What) {
		now := sw.elapsed(t)
		if next += interval; next < now {
			next = now + interval
		}
		same(t, "remaining", remaining(t, ev), next-now)
		if rounds++; rounds == 5 {
			ok(t, ev.Del())
			sw.stop(t)
		}
	})
	inLoop(t, b, func() {
		sw = startStopwatch(t, b)
		ok(t, ev.AddCommon(ct))
	})
	dispatch(t, b)
	same(t, "rounds", rounds, 5)
}

// testCommonPersistentLate has an event join the others' queue between the
// expiry of a persistent event and its callback, after which that one is to
// come first again.
func testCommonPersistentLate(t *testing.T, on backend) {
	b := on.base(t)
	ct := commonTimeout(t, b, 5*time.Millisecond)
	var tr trace
	repeating := newEvent(t, b, -1, event.Persist, tr.cb("repeating"))
	other := b.NewTimer(tr.cb("other"))
	first := b.NewTimer(func(*event.Event, event.What) { ok(t, other.AddCommon(ct)) })
	ok(t, first.AddTimeout(5*time.Millisecond)) // due before, and runs before
	passTime()
	ok(t, repeating.AddCommon(ct))
	for len(tr) == 0 {
		runOnce(t, b)
	}
	if len(tr) > 1 {
		return // the machine was so slow that both were due at once
	}
	tr.want(t, "repeating")
	want := []string{"repeating", "repeating", "other"}
	tooSlow := false
	inLoop(t, b, func() {
		next, hasNext := repeating.Remaining()
		last, hasLast := other.Remaining()
		tooSlow = !hasNext || !hasLast // one of them has expired by now
		if next >= last {              // too late to be first
			want = []string{"repeating", "other"}
		}
	})
	if tooSlow {
		ok(t, repeating.Del())
		return
	}
	for !slices.Contains(tr, "other") {
		runOnce(t, b)
	}
	ok(t, repeating.Del())
	if !slices.Equal(tr[:len(want)], want) {
		t.Errorf("fired in the order %q, want %q", []string(tr), want)
	}
}

func testCommonRemoveTimer(t *testing.T, on backend) {
	b := on.base(t)
	var fired []int
	events := firing(b, 3, &fired)
	addCommon(t, commonTimeout(t, b, time.Microsecond), events...)
	ok(t, events[1].RemoveTimer())
	wantNoTimeout(t, events[1])
	dispatch(t, b)
	if want := []int{0, 2}; !slices.Equal(fired, want) {
		t.Errorf("fired %v, want %v", fired, want)
	}
}

func testCommonBesideIO(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	hour := commonTimeout(t, b, time.Hour)
	var c calls
	ev := newEvent(t, b, r, event.Read|event.Persist, func(ev *event.Event, what event.What) {
		c.note(ev, what)
		same(t, "remaining", remaining(t, ev), time.Hour)
	})
	ok(t, ev.AddCommon(hour))
	runOnce(t, b)
	runOnce(t, b)
	c.want(t, event.Read, event.Read)
	ok(t, ev.Del())

	var late calls
	idle := newEvent(t, b, w, event.Read, late.note)
	ok(t, idle.AddCommon(commonTimeout(t, b, time.Microsecond)))
	dispatch(t, b)
	late.want(t, event.Timeout)
}

func testCommonLimit(t *testing.T, on backend) {
	b := on.base(t)
	var last *event.CommonTimeout
	for i := range event.MaxCommonTimeouts {
		last = commonTimeout(t, b, time.Duration(i)*time.Microsecond)
	}
	if _, err := b.InitCommonTimeout(time.Hour); !errors.Is(err, event.ErrTooManyTimeouts) {
		t.Fatalf("common timeout 257: %v", err)
	}
	same(t, "known duration", commonTimeout(t, b, last.Duration()), last)
	var fired []int
	addCommon(t, last, firing(b, 2, &fired)...)
	dispatch(t, b)
	same(t, "fired", len(fired), 2)
}

func testCommonOfOther(t *testing.T, on backend) {
	b, other := on.base(t), on.base(t)
	ev := b.NewTimer(ignore)
	for _, ct := range []*event.CommonTimeout{commonTimeout(t, other, time.Second), nil} {
		if err := ev.AddCommon(ct); !errors.Is(err, event.ErrWrongBase) {
			t.Fatalf("a common timeout of another base: %v", err)
		}
		wantNoTimeout(t, ev)
	}
	same(t, "events", added(b), 0)
}
