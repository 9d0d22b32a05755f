package event_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A stress does everything that a base with a lock allows from several
// goroutines at once, while its loop runs in another, and looks whether what
// holds for one goroutine holds for all. What it needs is in the first group of
// fields.
type stress struct {
	base       *event.Base
	pairs      [4][2]int    // connected descriptors
	write      func(fd int) // writes something, unless that would block
	read       func(fd int) // reads something, if there is anything
	operations int

	t        testing.TB
	shared   []*event.Event
	deferred [4]event.Deferred
	commons  []*event.CommonTimeout

	// What must come out even.
	posted, ran         atomic.Int64
	finalized, finished atomic.Int64
	callbacks           atomic.Int64
}

const workers = 8

// run runs the operations. If it comes to a deadlock, it ends the process with
// the stacks of all goroutines.
func (w *stress) run(t testing.TB) {
	w.t = t
	debug.SetTraceback("all")
	stuck := time.AfterFunc(5*time.Minute, func() { panic("the operations do not end") })
	defer stuck.Stop()
	w.prepare()

	var working sync.WaitGroup
	for i := range workers {
		working.Go(func() { w.work(rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	var done atomic.Bool
	var looping sync.WaitGroup
	looping.Go(func() {
		for !done.Load() {
			w.loop(event.LoopNoExitOnEmpty)
		}
	})
	working.Wait()
	done.Store(true)
	w.try(w.base.LoopExit(0))
	looping.Wait()
	w.finish()
}

func (w *stress) try(err error) {
	if err != nil {
		w.t.Error(err)
	}
}

// refused is try for what may be refused because of what others do.
func (w *stress) refused(err, because error) {
	if !errors.Is(err, because) {
		w.try(err)
	}
}

func (w *stress) loop(flags event.LoopFlag) event.Status {
	status, err := w.base.Loop(flags)
	w.try(err)
	return status
}

// prepare makes what all workers use.
func (w *stress) prepare() {
	w.try(w.base.SetPriorities(3))
	w.share(-1, 0)
	w.share(-1, 0)
	w.share(-1, event.Persist)
	w.share(-1, event.Persist)
	for _, p := range w.pairs {
		w.share(p[0], event.Read|event.Persist)
		w.share(p[0], event.Read)
		w.share(p[1], event.Write)
		w.share(p[1], event.Read|event.Write)
	}
	for i := range w.deferred {
		w.deferred[i].Init(w.base, i, func(*event.Deferred) { w.callbacks.Add(1) })
	}
	for _, d := range []time.Duration{0, time.Millisecond, time.Hour} {
		ct, err := w.base.InitCommonTimeout(d)
		w.try(err)
		w.commons = append(w.commons, ct)
	}
}

// share makes an event that all workers use, and the loop in its callback.
func (w *stress) share(fd int, what event.What) {
	r := rand.New(rand.NewPCG(2, uint64(len(w.shared))))
	ev, err := w.base.NewEvent(fd, what, func(ev *event.Event, what event.What) {
		w.callbacks.Add(1)
		if w.base.RunningEvent() != ev {
			w.t.Error("another event runs")
		}
		if what&event.Read != 0 && fd >= 0 {
			w.read(fd)
		}
		w.useEvent(r, w.shared[r.IntN(len(w.shared))])
		w.useEvent(r, ev)
	})
	w.try(err)
	w.shared = append(w.shared, ev)
}

func (w *stress) work(r *rand.Rand) {
	for i := range w.operations / workers {
		if i%50 == 0 {
			w.meet()
		}
		switch n := r.IntN(100); {
		case n < 60:
			w.useEvent(r, w.shared[r.IntN(len(w.shared))])
		case n < 75:
			w.live(r)
		case n < 85:
			w.write(w.pairs[r.IntN(len(w.pairs))][r.IntN(2)])
		default:
			w.useBase(r)
		}
	}
}

// meet waits for the loop, which would fall behind otherwise.
func (w *stress) meet() {
	met := make(chan struct{})
	w.try(w.base.Post(func() { close(met) }))
	<-met
}

// useEvent does something to an event to which others do something, too.
func (w *stress) useEvent(r *rand.Rand, ev *event.Event) {
	switch r.IntN(12) {
	case 0, 1:
		w.try(ev.Add())
	case 2:
		w.try(ev.AddTimeout(someTime(r)))
	case 3:
		w.try(ev.AddCommon(w.commons[r.IntN(len(w.commons))]))
	case 4:
		w.try(ev.Del())
	case 5:
		w.try(ev.DelBlock())
	case 6:
		w.try(ev.DelNoBlock())
	case 7, 8:
		ev.Activate(event.Write)
	case 9:
		w.refused(ev.SetPriority(r.IntN(3)), event.ErrPending)
	case 10:
		w.try(ev.RemoveTimer())
	case 11:
		ev.Pending(event.Read | event.Write | event.Timeout)
		ev.Remaining()
		ev.Priority()
		ev.Initialized()
	}
}

func someTime(r *rand.Rand) time.Duration {
	return []time.Duration{0, time.Microsecond, time.Millisecond, time.Hour}[r.IntN(4)]
}

// useBase does something to the base.
func (w *stress) useBase(r *rand.Rand) {
	switch n := r.IntN(200); {
	case n < 60:
		w.posted.Add(1)
		w.try(w.base.Post(func() { w.ran.Add(1) }))
	case n < 90:
		w.deferred[r.IntN(len(w.deferred))].Schedule()
	case n < 110:
		w.deferred[r.IntN(len(w.deferred))].Cancel()
	case n < 120:
		w.try(w.base.Once(-1, event.Timeout, time.Duration(r.IntN(int(time.Millisecond))), w.once()))
	case n < 140:
		w.base.NumEvents(event.CountActive, event.CountAdded)
		w.base.MaxEvents(r.IntN(2) == 0, event.CountActive, event.CountAdded)
	case n < 150:
		w.base.AddVirtual()
		w.base.DelVirtual()
	case n < 160:
		w.base.ActiveByFD(w.pairs[0][0], event.Read|event.Timeout)
	case n < 170:
		w.base.LoopContinue()
	case n < 180:
		w.base.Now()
		w.try(w.base.UpdateCacheTime())
		w.base.RunningEvent()
	case n < 184:
		w.base.LoopBreak()
	case n < 188:
		w.try(w.base.LoopExit(0))
	case n < 192:
		w.base.EnableStats(r.IntN(2) == 0)
		w.base.Stats()
	case n < 196:
		watcher := w.base.NewPrepare(func(*event.Watcher, event.PrepareInfo) { w.callbacks.Add(1) })
		runtime.Gosched()
		watcher.Free()
	case n < 198:
		w.try(w.base.DumpEvents(io.Discard))
	default:
		for ev := range w.base.Events() {
			ev.Pending(event.Timeout)
		}
	}
}

// once returns a callback that must run, which posted and ran see to.
func (w *stress) once() event.Callback {
	w.posted.Add(1)
	return func(*event.Event, event.What) { w.ran.Add(1) }
}

// live lets a worker have an event of its own, start it, and end it while it
// may be running. From when Del has returned, or the finalizer ran, the
// callback must not. It checks that with a variable that nothing guards, so
// that the race detector sees if it is not so.
func (w *stress) live(r *rand.Rand) {
	ended := false
	ev, err := w.base.NewEvent(-1, event.What(r.IntN(2))*event.Persist, func(*event.Event, event.What) {
		if ended {
			w.t.Error("the callback of an event runs that has ended")
		}
		runtime.Gosched()
		if ended {
			w.t.Error("the callback of an event still runs when it has ended")
		}
		w.callbacks.Add(1)
	})
	w.try(err)
	switch r.IntN(3) {
	case 0:
		ev.Activate(event.Read)
	case 1:
		w.try(ev.AddTimeout(someTime(r)))
	case 2:
		w.try(ev.AddTimeout(0))
		ev.Activate(event.Read)
	}
	if r.IntN(2) == 0 {
		runtime.Gosched()
	}
	switch r.IntN(4) {
	case 0:
		w.try(ev.Del())
	case 1:
		w.try(ev.DelBlock())
	case 2:
		ev.Free()
	case 3:
		w.finalized.Add(1)
		w.try(ev.Finalize(func(*event.Event) {
			ended = true
			w.finished.Add(1)
		}))
		return
	}
	ended = true
}

// finish deletes what is left and sees what has come of everything.
func (w *stress) finish() {
	for _, ev := range w.shared {
		w.try(ev.Del())
	}
	for w.loop(0) != event.LoopNoEvents {
		// A LoopExit was left.
	}
	if n := w.base.NumEvents(event.CountActive, event.CountAdded, event.CountVirtual); n != 0 {
		w.t.Errorf("%d events are left", n)
	}
	if posted, ran := w.posted.Load(), w.ran.Load(); posted != ran {
		w.t.Errorf("%d functions posted, %d ran", posted, ran)
	}
	if want, got := w.finalized.Load(), w.finished.Load(); want != got {
		w.t.Errorf("%d events finalized, %d finalizers ran", want, got)
	}
	w.t.Logf("%d operations, %d callbacks, %d functions, %d finalizers",
		w.operations, w.callbacks.Load(), w.ran.Load(), w.finished.Load())
}
