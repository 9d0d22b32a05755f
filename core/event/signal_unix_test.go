//go:build unix

package event_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// testSignals are those that the tests raise. What they do to a process that
// does not listen would end it.
var testSignals = []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP, syscall.SIGTERM}

// surviveSignals keeps the signals that come while no base listens from ending
// the process.
func surviveSignals(t testing.TB) {
	t.Helper()
	ch := make(chan os.Signal, 1)
	for _, sig := range testSignals {
		signal.Notify(ch, sig)
	}
	t.Cleanup(func() { signal.Stop(ch) })
}

// raise sends a signal to this process.
func raise(t testing.TB, sig syscall.Signal) {
	t.Helper()
	ok(t, syscall.Kill(syscall.Getpid(), sig))
}

// addSignal makes an event for a signal and adds it.
func addSignal(t testing.TB, b *event.Base, sig syscall.Signal, cb event.Callback) *event.Event {
	t.Helper()
	ev, err := b.NewSignal(sig, cb)
	ok(t, err)
	ok(t, ev.Add())
	return ev
}

func TestSignals(t *testing.T) {
	onEveryInterface(t, []behaviour{
		{"one raise is one call", testSignalOneRaise},
		{"each number goes to its own events", testSignalNumbers},
		{"all events of a base get it", testSignalManyEvents},
		{"all bases that listen get it", testSignalManyBases},
		{"a loop that waits is woken", testSignalWakesLoop},
		{"an event that was deleted is not called", testSignalDeleted},
		{"Del in the callback ends repeated calls", testSignalDelInCallback},
		{"Del of another event ends its calls", testSignalDelOther},
		{"LoopBreak in the callback ends repeated calls", testSignalBreakInCallback},
		{"Free in the callback ends repeated calls", testSignalFreeInCallback},
		{"Finalize in the callback ends repeated calls", testSignalFinalizeInCallback},
		{"ActiveBySignal in the callback does not keep the loop", testSignalActiveInCallback},
		{"a timeout comes when no signal does", testSignalTimeout},
		{"an event that is not persistent is called for one delivery", testSignalOneShot},
		{"those that cannot be caught are refused", testSignalUncatchable},
		{"every number is refused, or can be added and deleted", testSignalAllNumbers},
		{"the last event takes the goroutine along", testSignalGoroutine},
		{"an event can be added again", testSignalAddAgain},
	})
}

func testSignalOneRaise(t *testing.T, on backend) {
	surviveSignals(t)
	b := on.base(t)
	var c calls
	addSignal(t, b, syscall.SIGUSR1, c.note)
	for range 100 {
		c = nil
		raise(t, syscall.SIGUSR1)
		runOnce(t, b)
		c.want(t, event.Signal)
	}
}

func testSignalNumbers(t *testing.T, on backend) {
	surviveSignals(t)
	b := on.base(t)
	var tr trace
	for _, sig := range testSignals {
		addSignal(t, b, sig, func(ev *event.Event, _ event.What) {
			same(t, "signal", ev.Sig(), sig)
			tr.add(sig.String())
		})
	}
	for _, sig := range testSignals {
		tr = nil
		raise(t, sig)
		runOnce(t, b)
		tr.want(t, sig.String())
	}
}

func testSignalManyEvents(t *testing.T, on backend) {
	surviveSignals(t)
	b := on.base(t)
	var c [5]calls
	for i := range c {
		addSignal(t, b, syscall.SIGUSR1, c[i].note)
	}
	raise(t, syscall.SIGUSR1)
	runOnce(t, b)
	for i := range c {
		c[i].want(t, event.Signal)
	}
}

func testSignalManyBases(t *testing.T, on backend) {
	surviveSignals(t)
	var bases [3]*event.Base
	var c [3]calls
	for i := range bases {
		bases[i] = on.base(t)
		addSignal(t, bases[i], syscall.SIGUSR1, c[i].note)
	}
	raise(t, syscall.SIGUSR1)
	for i, b := range bases {
		runOnce(t, b)
		c[i].want(t, event.Signal)
	}
}

func testSignalWakesLoop(t *testing.T, on backend) {
	surviveSignals(t)
	b := on.base(t)
	addSignal(t, b, syscall.SIGUSR1, func(ev *event.Event, _ event.What) { ev.Del() })
	about := make(chan struct{})
	var once sync.Once // a wait may end for no reason, and begin again
	b.NewPrepare(func(_ *event.Watcher, info event.PrepareInfo) {
		if _, limited := info.Timeout(); !limited {
			once.Do(func() { close(about) })
		}
	})
	wait := goes(t, func() {
		<-about // to wait, or waiting already
		syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	})
	dispatch(t, b)
	wait()
}

func testSignalDeleted(t *testing.T, on backend) {
	surviveSignals(t)
	b := on.base(t)
	var gone, stays calls
	ev := addSignal(t, b, syscall.SIGUSR1, gone.note)
	addSignal(t, b, syscall.SIGUSR1, stays.note)
	raise(t, syscall.SIGUSR1)
	ok(t, ev.Del())
	runOnce(t, b)
	gone.want(t)
	stays.want(t, event.Signal)
}

// threeTimes makes the events for SIGUSR1 active as by three signals at once.
func threeTimes(b *event.Base) {
	for range 3 {
		b.ActiveBySignal(syscall.SIGUSR1)
	}
}

func testSignalDelInCallback(t *testing.T, on backend) {
	b := on.base(t)
	n := 0
	addSignal(t, b, syscall.SIGUSR1, func(ev *event.Event, _ event.What) {
		n++
		if n == 2 {
			ok(t, ev.Del())
		}
	})
	threeTimes(b)
	dispatch(t, b)
	same(t, "calls", n, 2)
}

func testSignalDelOther(t *testing.T, on backend) {
	b := on.base(t)
	var events [2]*event.Event
	n := 0
	for i := range events {
		events[i] = addSignal(t, b, syscall.SIGUSR1, func(ev *event.Event, _ event.What) {
			n++
			for _, other := range events {
				ok(t, other.Del())
			}
		})
	}
	threeTimes(b)
	dispatch(t, b)
	same(t, "calls", n, 1)
}

func testSignalBreakInCallback(t *testing.T, on backend) {
	b := on.base(t)
	n := 0
	ev := addSignal(t, b, syscall.SIGUSR1, func(*event.Event, event.What) {
		n++
		b.LoopBreak()
	})
	threeTimes(b)
	dispatch(t, b)
	same(t, "calls", n, 1)
	same(t, "pending", ev.Pending(event.Signal), event.Signal)
}

func testSignalFreeInCallback(t *testing.T, on backend) {
	b := on.base(t)
	n := 0
	addSignal(t, b, syscall.SIGUSR1, func(ev *event.Event, _ event.What) {
		n++
		ev.Free()
	})
	threeTimes(b)
	dispatch(t, b)
	same(t, "calls", n, 1)
}

func testSignalFinalizeInCallback(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	addSignal(t, b, syscall.SIGUSR1, func(ev *event.Event, _ event.What) {
		tr.add("callback")
		ok(t, ev.Finalize(func(*event.Event) { tr.add("finalizer") }))
		tr.add("callback returns")
	})
	threeTimes(b)
	dispatch(t, b)
	tr.want(t, "callback", "callback returns", "finalizer")
}

func testSignalActiveInCallback(t *testing.T, on backend) {
	b := on.base(t)
	n, iterations := 0, 0
	b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { iterations++ })
	addSignal(t, b, syscall.SIGUSR1, func(ev *event.Event, _ event.What) {
		n++
		if n == 1000 || iterations == 5 {
			ok(t, ev.Del())
			return
		}
		b.ActiveBySignal(syscall.SIGUSR1)
	})
	b.ActiveBySignal(syscall.SIGUSR1)
	dispatch(t, b)
	same(t, "the loop got to its next iteration", n < 1000, true)
}

func testSignalTimeout(t *testing.T, on backend) {
	surviveSignals(t)
	b := on.base(t)
	var c calls
	ev, err := b.NewSignal(syscall.SIGUSR1, c.note)
	ok(t, err)
	ok(t, ev.AddTimeout(time.Millisecond))
	runOnce(t, b)
	runOnce(t, b)
	c.want(t, event.Timeout, event.Timeout)

	ok(t, ev.AddTimeout(time.Hour))
	raise(t, syscall.SIGUSR1)
	runOnce(t, b)
	c.want(t, event.Timeout, event.Timeout, event.Signal)
	left, timed := ev.Remaining()
	same(t, "the timeout starts anew", timed && left > time.Minute, true)
	same(t, "pending", ev.Pending(anything), event.Signal|event.Timeout)
}

func testSignalOneShot(t *testing.T, on backend) {
	surviveSignals(t)
	b := on.base(t)
	var c calls
	ev := newEvent(t, b, int(syscall.SIGUSR1), event.Signal, c.note)
	ok(t, ev.Add())
	raise(t, syscall.SIGUSR1)
	runOnce(t, b)
	c.want(t, event.Signal)
	same(t, "pending", ev.Pending(anything), 0)
	same(t, "added", added(b), 0)
}

func testSignalUncatchable(t *testing.T, on backend) {
	b := on.base(t)
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP, 0, -1, 128, 1 << 20} {
		ev, err := b.NewSignal(sig, ignore)
		if ev != nil || !errors.Is(err, syscall.EINVAL) {
			t.Errorf("signal %d: got %v, %v, want %v", int(sig), ev, err, syscall.EINVAL)
		}
	}
}

// testSignalAllNumbers also ends with bases that are freed, and with numbers
// that os/signal would accept and never deliver.
func testSignalAllNumbers(t *testing.T, on backend) {
	b := on.base(t)
	accepted := 0
	for sig := syscall.Signal(-1); sig < 300; sig++ {
		ev, err := b.NewSignal(sig, ignore)
		if err != nil {
			wantError(t, fmt.Sprintf("signal %d", int(sig)), err, syscall.EINVAL)
			continue
		}
		accepted++
		if sig > 64 {
			t.Errorf("signal %d was accepted, which os/signal does not know", int(sig))
			continue // to add it could hang
		}
		goes(t, func() {
			ok(t, ev.Add())
			ok(t, ev.Del())
			ok(t, ev.Add())
			ev.Free()
			ok(t, b.Post(func() {})) // the hub is not locked
		})()
	}
	if accepted < 25 {
		t.Errorf("only %d signals were accepted", accepted)
	}
	wantUsable(t, b)
}

func testSignalGoroutine(t *testing.T, on backend) {
	surviveSignals(t)
	before := runtime.NumGoroutine()
	a, b := on.base(t), on.base(t)
	var events []*event.Event
	for _, sig := range testSignals {
		events = append(events, addSignal(t, a, sig, ignore), addSignal(t, b, sig, ignore))
	}
	for _, ev := range events {
		ok(t, ev.Del())
	}
	if n := evtest.Settled(runtime.NumGoroutine, before); n > before {
		t.Errorf("%d goroutines after the last Del, %d before", n, before)
	}
	addSignal(t, a, syscall.SIGUSR1, ignore)
	a.Free()
	if n := evtest.Settled(runtime.NumGoroutine, before); n > before {
		t.Errorf("%d goroutines after Free, %d before", n, before)
	}
}

func testSignalAddAgain(t *testing.T, on backend) {
	surviveSignals(t)
	b := on.base(t)
	var c calls
	ev := addSignal(t, b, syscall.SIGUSR1, c.note)
	for range 100 {
		c = nil
		raise(t, syscall.SIGUSR1)
		runOnce(t, b)
		c.want(t, event.Signal)
		ok(t, ev.Del())
		ok(t, ev.Add())
	}
}

// TestSignalStorm raises very many signals while some bases listen all the
// time, and others come and go.
func TestSignalStorm(t *testing.T) {
	evtest.Leaks(t)
	surviveSignals(t)
	raises := 100_000
	if testing.Short() {
		raises /= 10
	}
	s := &storm{t: t, late: make(chan struct{})}
	defer time.AfterFunc(time.Minute, func() { close(s.late) }).Stop()
	var loops sync.WaitGroup
	for range 3 {
		r := s.newResident()
		loops.Go(r.run)
	}
	calm := make(chan struct{})
	var visitors sync.WaitGroup
	for range 2 {
		visitors.Go(func() { s.visit(calm) })
	}
	var raisers sync.WaitGroup
	for which := range testSignals {
		raisers.Go(func() { s.raise(which, raises/len(testSignals)) })
	}

	raisers.Wait()
	close(calm)
	visitors.Wait()
	for _, r := range s.residents {
		ok(t, r.base.LoopExit(0))
	}
	loops.Wait()
	t.Logf("%d raises, for which one base had %d calls; %d visits", raises, s.residents[0].calls, s.visits.Load())
}

// A storm counts the raises of each signal right before they happen.
type storm struct {
	t         *testing.T
	raised    [4]atomic.Int64
	residents []*resident
	visits    atomic.Int64
	late      chan struct{} // closed when something must have gone wrong
}

// raise raises a signal n times, in bursts after each of which all residents
// must be called.
func (s *storm) raise(which, n int) {
	for i := 0; i < n; {
		var last int64
		for burst := 1 + i%7; burst > 0 && i < n; burst-- {
			last = s.raiseOne(which)
			i++
		}
		for _, r := range s.residents {
			if !r.await(which, last) {
				return
			}
		}
	}
}

func (s *storm) raiseOne(which int) int64 {
	n := s.raised[which].Add(1)
	if err := syscall.Kill(syscall.Getpid(), testSignals[which]); err != nil {
		s.t.Error(err)
	}
	return n
}

// A resident is a base that listens during all of a storm, with two events for
// each signal.
type resident struct {
	storm *storm
	base  *event.Base
	calls int
	// seen gets how many raises there had been when an event was called; the
	// last time is enough.
	seen [8]chan int64
}

func (s *storm) newResident() *resident {
	r := &resident{storm: s, base: newBase(s.t, nil)}
	s.residents = append(s.residents, r)
	for i := range r.seen {
		which := i % len(testSignals)
		seen := make(chan int64, 1)
		r.seen[i] = seen
		addSignal(s.t, r.base, testSignals[which], func(_ *event.Event, what event.What) {
			select {
			case <-seen:
			default:
			}
			seen <- s.raised[which].Load()
			r.calls++
			if what != event.Signal {
				s.t.Errorf("the callback was told %v", what)
			}
		})
	}
	return r
}

func (r *resident) run() {
	if _, err := r.base.Loop(event.LoopNoExitOnEmpty); err != nil {
		r.storm.t.Error(err)
	}
}

// await waits until the events for a signal have been called after its raise
// number n.
func (r *resident) await(which int, n int64) bool {
	for i := which; i < len(r.seen); i += len(testSignals) {
		for last := int64(0); last < n; {
			select {
			case last = <-r.seen[i]:
			case <-r.storm.late:
				r.storm.t.Errorf("%v: called after raise %d, and not again after %d", testSignals[which], last, n)
				return false
			}
		}
	}
	return true
}

// visit makes bases that listen until they were called, one after the other.
func (s *storm) visit(calm <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-calm:
			return
		default:
			s.visitOnce(i)
		}
	}
}

// visitOnce makes a base that listens until it was called for each signal. As
// it raises each itself, that must happen, whatever others do.
func (s *storm) visitOnce(i int) {
	b, err := event.NewBase()
	if err != nil {
		s.t.Error(err)
		return
	}
	defer b.Free()
	for which, sig := range testSignals {
		deleted := false
		ev, err := b.NewSignal(sig, func(ev *event.Event, _ event.What) {
			if deleted {
				s.t.Errorf("%v: called after Del", sig)
			}
			ev.Del()
			deleted = true
		})
		if err == nil {
			err = ev.Add()
		}
		if err != nil {
			s.t.Error(err)
			return
		}
		b.Post(func() { s.raiseOne(which) })
	}
	stuck := time.AfterFunc(patience, b.LoopBreak)
	err = b.Dispatch()
	if !stuck.Stop() || err != nil {
		s.t.Errorf("visit %d did not end: error %v, %d events are left", i, err, b.NumEvents(event.CountAdded))
	}
	s.visits.Add(1)
}
