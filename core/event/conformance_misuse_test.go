package event_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceMisuse(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a bad descriptor is refused by name", testBadDescriptor},
		{"an event without a descriptor waits for its timeout", testNoDescriptor},
		{"a bad descriptor leaves the others watched", testBadBesideGood},
		{"what the backend cannot do is refused", testUnsupported},
		{"edge-triggered and level-triggered events do not mix", testMixedTrigger},
		{"flags that make no sense are refused", testBadWhat},
		{"signals that cannot be caught are refused", testBadSignal},
		{"an unassigned event is refused", testUnassigned},
		{"an event in use is not assigned anew", testAssignInUse},
		{"after Free everything is refused or does nothing", testUseAfterFree},
	})
}

// wantError fails the test unless err is want and names everything in words.
func wantError(t testing.TB, what string, err, want error, words ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: the error %q does not name %q", what, err, word)
		}
	}
}

// wantUsable says that nothing is left in the base and that it works.
func wantUsable(t testing.TB, b *event.Base) {
	t.Helper()
	same(t, "events", added(b), 0)
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	r, w := socketPair(t)
	send(t, w, r, "x")
	var c calls
	addEvent(t, b, r, event.Read, c.note)
	dispatch(t, b)
	c.want(t, event.Read)
}

// closedFD returns the number of a descriptor that was open.
func closedFD(t testing.TB) int {
	t.Helper()
	fd, other := socketPair(t)
	closeFD(t, fd)
	closeFD(t, other)
	return fd
}

func testBadDescriptor(t *testing.T, on backend) {
	b := on.base(t)
	for _, fd := range []int{-2, closedFD(t), 1<<31 - 1} {
		for _, what := range []event.What{event.Read, event.Write, event.Read | event.Persist} {
			name := fmt.Sprintf("add fd %d for %v", fd, what)
			ev := newEvent(t, b, fd, what, ignore)
			for range 2 { // it does not get better
				for _, err := range []error{ev.Add(), ev.AddTimeout(time.Hour), b.Once(fd, what&^event.Persist, time.Hour, ignore)} {
					if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("fd %d", fd)) {
						t.Errorf("%s: the error is %v", name, err)
					}
				}
			}
			same(t, "pending", ev.Pending(anything), 0)
			ok(t, ev.Del())
		}
	}
	wantUsable(t, b)
}

// testNoDescriptor waits for nothing but a timeout, as in C. Without one it would
// wait for ever.
func testNoDescriptor(t *testing.T, on backend) {
	for _, what := range []event.What{event.Read, event.Write, event.Read | event.Write | event.Persist} {
		b := on.base(t)
		var c calls
		ev := newEvent(t, b, -1, what, func(ev *event.Event, what event.What) {
			c.note(ev, what)
			ok(t, ev.Del())
		})
		for _, err := range []error{ev.Add(), b.Once(-1, what&^event.Persist, -1, ignore)} {
			if err == nil || !strings.Contains(err.Error(), "fd -1") {
				t.Errorf("add for %v without a timeout: the error is %v", what, err)
			}
		}
		same(t, "pending", ev.Pending(anything), 0)
		ok(t, ev.AddTimeout(0))
		ok(t, ev.Add()) // which changes nothing
		same(t, "pending", ev.Pending(anything), what&^event.Persist|event.Timeout)
		same(t, "events", added(b), 1)
		for found := range b.Events() {
			same(t, "event", found, ev)
		}
		b.ActiveByFD(-1, event.Read) // it is nobody's descriptor
		dispatch(t, b)
		c.want(t, event.Timeout)

		c = nil
		ok(t, ev.AddCommon(commonTimeout(t, b, time.Microsecond)))
		dispatch(t, b)
		c.want(t, event.Timeout)

		c = nil
		ok(t, b.Once(-1, what&^event.Persist, 0, c.note))
		dispatch(t, b)
		c.want(t, event.Timeout)
		ok(t, ev.AddTimeout(time.Hour))
		ok(t, b.Reinit())
		ok(t, ev.Del())
		wantUsable(t, b)
	}
}

func testBadBesideGood(t *testing.T, on backend) {
	b := on.base(t)
	gone := closedFD(t)
	r, w := socketPair(t)
	if gone == r || gone == w {
		gone = closedFD(t)
	}
	var c calls
	addEvent(t, b, r, event.Read|event.Persist, c.note)
	if err := newEvent(t, b, gone, event.Read, ignore).Add(); err == nil {
		t.Errorf("descriptor %d was added, but is closed", gone)
	}
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read)
}

func testUnsupported(t *testing.T, on backend) {
	b := on.base(t)
	r, _ := socketPair(t)
	for need, whats := range map[event.Feature][]event.What{
		event.FeatureET:         {event.Read | event.ET, event.Write | event.ET | event.Persist},
		event.FeatureEarlyClose: {event.Closed, event.Closed | event.Read | event.Persist},
	} {
		if b.Features()&need != 0 {
			continue
		}
		for _, what := range whats {
			ev := newEvent(t, b, r, what, ignore)
			wantError(t, fmt.Sprint("add for ", what), ev.Add(), errors.ErrUnsupported, "add", b.Method())
			wantError(t, fmt.Sprint("add for ", what), ev.AddTimeout(0), errors.ErrUnsupported)
			same(t, "pending", ev.Pending(anything), 0)
		}
	}
	wantUsable(t, b)
}

func testMixedTrigger(t *testing.T, on backend) {
	if !on.has(t, event.FeatureET) {
		return
	}
	b := on.base(t)
	r, w := socketPair(t)
	level := newEvent(t, b, r, event.Read|event.Persist, ignore)
	edge := newEvent(t, b, r, event.Write|event.ET|event.Persist, ignore)
	other := newEvent(t, b, w, event.Write|event.ET, ignore)
	for _, pair := range [][2]*event.Event{{level, edge}, {edge, level}} {
		first, second := pair[0], pair[1]
		ok(t, first.Add())
		ok(t, other.Add())
		wantError(t, "mixed triggers", second.Add(), event.ErrMixedTrigger, "add", fmt.Sprintf("fd %d", r))
		same(t, "pending", second.Pending(anything), 0)
		same(t, "events", added(b), 2)
		ok(t, first.Del())
		ok(t, other.Del())
		ok(t, second.Add()) // the descriptor is free for the other kind
		ok(t, second.Del())
	}
	wantUsable(t, b)
}

func testBadWhat(t *testing.T, on backend) {
	b := on.base(t)
	for _, what := range []event.What{
		event.Signal | event.Read,
		event.Signal | event.Write,
		event.Signal | event.Closed,
		event.Signal | event.ET,
		0x100, 0x8000 | event.Read,
	} {
		ev, err := b.NewEvent(1, what, ignore)
		wantError(t, fmt.Sprint("assign with ", what), err, event.ErrBadWhat, "assign", what.String())
		same(t, "event", ev, nil)
	}
	var ev event.Event
	wantError(t, "assign to no base", ev.Assign(nil, -1, 0, ignore), event.ErrNotAssigned, "assign")
	same(t, "initialized", ev.Initialized(), false)
	wantUsable(t, b)
}

func testBadSignal(t *testing.T, on backend) {
	b := on.base(t)
	for _, sig := range []syscall.Signal{-1, 0, syscall.SIGKILL, 128, 1 << 20} {
		ev, err := b.NewSignal(sig, ignore)
		wantError(t, fmt.Sprintf("signal %d", int(sig)), err, syscall.EINVAL, "assign", fmt.Sprintf("signal %d", int(sig)))
		same(t, "event", ev, nil)
		_, err = b.NewEvent(int(sig), event.Signal, ignore)
		wantError(t, fmt.Sprintf("signal %d", int(sig)), err, syscall.EINVAL)
	}
	wantUsable(t, b)
}

func testUnassigned(t *testing.T, on backend) {
	b := on.base(t)
	freed := b.NewTimer(ignore)
	freed.Free()
	for name, ev := range map[string]*event.Event{"zero": new(event.Event), "freed": freed} {
		same(t, name+" event is initialized", ev.Initialized(), false)
		for op, err := range map[string]error{
			"add":          ev.Add(),
			"del":          ev.Del(),
			"remove timer": ev.RemoveTimer(),
			"set priority": ev.SetPriority(0),
			"set base":     ev.SetBase(b),
			"finalize":     ev.Finalize(func(*event.Event) { t.Error("the finalizer ran") }),
		} {
			wantError(t, op+" a "+name+" event", err, event.ErrNotAssigned, op)
		}
		wantError(t, "add with a timeout", ev.AddTimeout(0), event.ErrNotAssigned, "add")
		wantError(t, "add with a common timeout", ev.AddCommon(commonTimeout(t, b, 0)), event.ErrNotAssigned, "add")
		wantError(t, "del", ev.DelBlock(), event.ErrNotAssigned)
		wantError(t, "del", ev.DelNoBlock(), event.ErrNotAssigned)
		ev.Activate(event.Read)
		ev.Free()
		same(t, "pending", ev.Pending(anything), 0)
		same(t, "description", ev.String(), "unassigned event")
	}
	wantUsable(t, b)
}

func testAssignInUse(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	var c calls
	reader := addEvent(t, b, r, event.Read, c.note)
	timer := addTimer(t, b, time.Hour, ignore)
	for _, ev := range []*event.Event{reader, timer} {
		wantError(t, "assign", ev.Assign(b, w, event.Write, ignore), event.ErrPending, "assign", ev.String())
		wantError(t, "assign", ev.AssignTimer(b, ignore), event.ErrPending)
	}
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read)
	ok(t, reader.AssignTimer(b, ignore)) // idle now
	ok(t, timer.Del())
	wantUsable(t, b)
}

func testUseAfterFree(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	never := func(*event.Event, event.What) { t.Error("a callback ran") }
	ev := addEvent(t, b, r, event.Read, never)
	timer := addTimer(t, b, 0, never)
	user := b.NewUser(never)
	watcher := b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { t.Error("a watcher ran") })
	ct := commonTimeout(t, b, time.Second)
	b.Free()

	_, loopErr := b.Loop(event.LoopNonblock)
	for _, c := range []struct {
		op  string
		err error
	}{
		{"add", ev.Add()},
		{"add", ev.AddTimeout(0)},
		{"add", ev.AddCommon(ct)},
		{"add", timer.AddTimeout(0)},
		{"add", user.Add()},
		{"", b.Once(r, event.Read, -1, never)},
		{"", b.Once(-1, event.Timeout, time.Hour, never)},
		{"", b.Once(-1, event.Timeout, 0, never)},
		{"finalize", user.Finalize(func(*event.Event) { t.Error("a finalizer ran") })},
		{"loop", loopErr},
		{"loop", b.Dispatch()},
		{"loop", b.Run(t.Context())},
		{"exit", b.LoopExit(0)},
		{"exit", b.LoopExit(time.Hour)},
		{"post", b.Post(func() { t.Error("a posted function ran") })},
		{"reinit", b.Reinit()},
		{"update cache time", b.UpdateCacheTime()},
	} {
		wantError(t, c.op+" after Free", c.err, event.ErrFreed, c.op)
	}

	user.Activate(event.Read)
	for _, e := range []*event.Event{ev, timer, user} {
		same(t, "pending", e.Pending(anything), 0)
		ok(t, e.Del())
		e.Free()
	}
	b.LoopBreak()
	b.LoopContinue()
	b.ActiveByFD(r, event.Read)
	b.ActiveBySignal(syscall.SIGINT)
	b.AddVirtual()
	b.DelVirtual()
	b.EnableStats(true)
	watcher.Free()
	ok(t, b.DumpEvents(io.Discard))
	for range b.Events() {
		t.Error("a freed base has events")
	}
	same(t, "events", b.NumEvents(event.CountActive, event.CountAdded, event.CountVirtual), 0)
	same(t, "running event", b.RunningEvent(), nil)
	b.Free()
	b.FreeNoFinalize()
}
