package event_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A base with a lock can be used by any goroutine while its loop runs.
func TestConformanceThreads(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a descriptor added by another goroutine is watched at once", testThreadAdd},
		{"a timer started by another goroutine shortens the wait", testThreadTimer},
		{"a change of interest by another goroutine counts at once", testThreadChange},
		{"a deferred callback scheduled by another goroutine ends the wait", testThreadDeferred},
		{"the last event deleted by another goroutine ends the loop", testThreadDelLast},
		{"the last virtual event deleted by another goroutine ends the loop", testThreadDelVirtual},
		{"Del waits for a callback that runs", testThreadDelWaits},
		{"a signal's event that several add while its callback runs is added once", testThreadAddSignal},
		{"DelNoBlock does not wait for a callback that runs", testThreadDelNoBlock},
		{"with Finalize Del does not wait, but DelBlock does", testThreadDelFinalize},
		{"a finalizer runs after a callback that runs", testThreadFinalize},
		{"only the loop has a running event", testThreadRunning},
		{"many goroutines do everything at once", testThreadStress},
	})
}

// looping runs the loop of a locked base in a goroutine until stop is called.
func looping(t testing.TB, b *event.Base) (stop func()) {
	t.Helper()
	waiting := whenWaiting(t, b, func() {})
	ended := goes(t, func() { b.Loop(event.LoopNoExitOnEmpty) })
	waiting()
	return func() {
		t.Helper()
		b.LoopBreak()
		ended()
	}
}

// arrival waits until the channel is closed.
func arrival(t testing.TB, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		t.Fatal("it did not happen")
	}
}

// closing returns a callback that closes ch.
func closing(ch chan<- struct{}) event.Callback {
	return func(*event.Event, event.What) { close(ch) }
}

func testThreadAdd(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	r, w := socketPair(t)
	send(t, w, r, "x")
	stop := looping(t, b)
	defer stop()
	for range 10 {
		ran := make(chan struct{})
		addEvent(t, b, r, event.Read, closing(ran))
		arrival(t, ran)
	}
}

func testThreadTimer(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	addTimer(t, b, time.Hour, ignore)
	stop := looping(t, b)
	defer stop()
	for _, d := range []time.Duration{0, time.Millisecond} {
		ran := make(chan struct{})
		addTimer(t, b, d, closing(ran))
		arrival(t, ran)
	}
	ran := make(chan struct{})
	ev := b.NewTimer(closing(ran))
	ok(t, ev.AddCommon(commonTimeout(t, b, time.Millisecond)))
	arrival(t, ran)
}

func testThreadChange(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	r, w := socketPair(t)
	read := make(chan struct{})
	addEvent(t, b, r, event.Read, closing(read))
	stop := looping(t, b)
	defer stop()
	written := make(chan struct{})
	addEvent(t, b, r, event.Write, closing(written))
	arrival(t, written)
	_, err := sysWrite(w, []byte("x"))
	ok(t, err)
	arrival(t, read)
}

func testThreadDeferred(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	stop := looping(t, b)
	defer stop()
	ran := make(chan struct{})
	newDeferred(b, func(*event.Deferred) { close(ran) }).Schedule()
	arrival(t, ran)
}

func testThreadDelLast(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	r, _ := socketPair(t)
	ev := addEvent(t, b, r, event.Read, ignore)
	timer := addTimer(t, b, time.Hour, ignore)
	wait := whenWaiting(t, b, func() {
		ev.Del()
		timer.Del()
	})
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	wait()
}

func testThreadDelVirtual(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	b.AddVirtual()
	wait := whenWaiting(t, b, b.DelVirtual)
	same(t, "status", loop(t, b, 0), event.LoopNoEvents)
	wait()
}

// A slowCallback is in its event's callback until release is closed.
type slowCallback struct {
	ev       *event.Event
	once     sync.Once
	running  chan struct{} // closed once it runs, for the first time
	release  chan struct{}
	returned atomic.Bool
}

func newSlowCallback(t testing.TB, b *event.Base, what event.What) *slowCallback {
	t.Helper()
	s := &slowCallback{running: make(chan struct{}), release: make(chan struct{})}
	s.ev = newEvent(t, b, -1, what|event.Persist, func(*event.Event, event.What) {
		s.once.Do(func() { close(s.running) })
		<-s.release
		s.returned.Store(true)
	})
	ok(t, s.ev.AddTimeout(time.Millisecond))
	return s
}

// releaseOnceDeleted ends the callback when the event is not pending any more,
// which is when a Del that waits is waiting.
func (s *slowCallback) releaseOnceDeleted(b *event.Base) {
	for added(b) > 0 {
		runtime.Gosched()
	}
	close(s.release)
}

func testThreadDelWaits(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	s := newSlowCallback(t, b, 0)
	stop := looping(t, b)
	defer stop()
	arrival(t, s.running)
	released := goes(t, func() { s.releaseOnceDeleted(b) })
	ok(t, s.ev.Del())
	same(t, "callback returned before Del", s.returned.Load(), true)
	released()
}

// testThreadAddSignal has goroutines add an event for which they have to wait, and
// each of which the next may be the first to.
func testThreadAddSignal(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	const rounds, goroutines, yields = 20, 4, 50
	for range rounds {
		b := on.base(t)
		running, release := make(chan struct{}), make(chan struct{})
		calls := 0
		ev, err := b.NewSignal(syscall.SIGINT, func(*event.Event, event.What) {
			if calls++; calls == 1 {
				close(running)
				<-release
			}
		})
		ok(t, err)
		ok(t, ev.Add())
		ev.Activate(event.Signal)
		stop := looping(t, b)
		arrival(t, running)
		ok(t, ev.DelNoBlock())
		var adders sync.WaitGroup
		for range goroutines {
			adders.Go(func() {
				if err := ev.Add(); err != nil {
					t.Error(err)
				}
			})
		}
		for range yields {
			runtime.Gosched()
		}
		close(release)
		adders.Wait()
		same(t, "pending", ev.Pending(event.Signal), event.Signal)
		b.ActiveBySignal(ev.Sig()) // which goes through the list
		ok(t, ev.Del())
		same(t, "pending after Del", ev.Pending(event.Signal), 0)
		stop()
	}
}

func testThreadDelNoBlock(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	s := newSlowCallback(t, b, 0)
	stop := looping(t, b)
	defer stop()
	arrival(t, s.running)
	ok(t, s.ev.DelNoBlock())
	same(t, "callback returned before DelNoBlock", s.returned.Load(), false)
	close(s.release)
}

func testThreadDelFinalize(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	s := newSlowCallback(t, b, event.Finalize)
	stop := looping(t, b)
	defer stop()
	arrival(t, s.running)
	ok(t, s.ev.Del())
	same(t, "callback returned before Del", s.returned.Load(), false)
	released := goes(t, func() { s.releaseOnceDeleted(b) })
	ok(t, s.ev.DelBlock())
	same(t, "callback returned before DelBlock", s.returned.Load(), true)
	released()
}

func testThreadFinalize(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	s := newSlowCallback(t, b, 0)
	stop := looping(t, b)
	defer stop()
	arrival(t, s.running)
	finalized := make(chan struct{})
	ok(t, s.ev.Finalize(func(*event.Event) {
		if !s.returned.Load() {
			t.Error("the finalizer ran before the callback returned")
		}
		close(finalized)
	}))
	close(s.release)
	arrival(t, finalized)
}

func testThreadRunning(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	s := newSlowCallback(t, b, 0)
	stop := looping(t, b)
	defer stop()
	arrival(t, s.running)
	same(t, "running event for another goroutine", b.RunningEvent(), nil)
	close(s.release)
}

// testThreadStress is for the race detector, and to see that nothing is lost.
func testThreadStress(t *testing.T, on backend) {
	if !on.locked {
		return
	}
	b := on.base(t)
	stop := looping(t, b)
	defer stop()
	const goroutines, steps = 4, 100
	var all sync.WaitGroup
	for g := range uint64(goroutines) {
		r, w := socketPair(t)
		send(t, w, r, "x")
		all.Go(func() { threadStress(b, r, rand.New(rand.NewPCG(7, g)), steps) })
	}
	all.Wait()
	ran := make(chan struct{})
	ok(t, b.Post(func() { close(ran) }))
	arrival(t, ran)
	same(t, "events", added(b), 0)
}

func threadStress(b *event.Base, fd int, r *rand.Rand, steps int) {
	fired := make(chan struct{}, 1)
	note := func(*event.Event, event.What) {
		select {
		case fired <- struct{}{}:
		default:
		}
	}
	timer := b.NewTimer(note)
	reader, _ := b.NewEvent(fd, event.Read|event.Persist, note)
	user := b.NewUser(note)
	for range steps {
		switch r.IntN(6) {
		case 0:
			timer.AddTimeout(time.Duration(r.IntN(1000)) * time.Microsecond)
			<-fired
		case 1:
			timer.AddTimeout(time.Hour)
			timer.Remaining()
			timer.Del()
		case 2:
			reader.Add()
			<-fired
			reader.Del()
		case 3:
			reader.AddTimeout(time.Millisecond)
			reader.Del()
		case 4:
			user.Activate(event.Read)
			<-fired
		case 5:
			b.Post(func() { note(nil, 0) })
			<-fired
		}
	}
	timer.Free()
	reader.Free()
	user.Free()
}
