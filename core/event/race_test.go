package event_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// These tests are most of all for the race detector, but they count, too.

const audienceSize = 8 // goroutines

// manyOperations is how many operations the tests here do in all.
func manyOperations() int {
	if testing.Short() {
		return 50_000
	}
	return 1_000_000
}

// everyBackend runs test on all backends that have locks, or on all that have
// not.
func everyBackend(t *testing.T, locked bool, test func(t *testing.T, on backend)) {
	all := slices.DeleteFunc(backends(), func(on backend) bool { return on.locked != locked })
	for _, on := range all {
		t.Run(on.method+"/"+on.variant, func(t *testing.T) {
			evtest.Leaks(t)
			if locked {
				enableLocks(t)
			}
			test(t, on)
		})
	}
}

// TestCallsThatNeedNoLocks makes the calls that are safe from any goroutine
// while the loop runs, and is ended and started again.
func TestCallsThatNeedNoLocks(t *testing.T) {
	everyBackend(t, false, func(t *testing.T, on backend) {
		a := newAudience(t, on.base(t))
		var members sync.WaitGroup
		for i := range audienceSize {
			members.Go(func() { a.member(i, manyOperations()/audienceSize) })
		}
		left := goes(t, func() {
			members.Wait()
			a.gone.Store(true)
			a.base.LoopExit(0)
		})
		for !a.gone.Load() {
			a.loop(event.LoopNoExitOnEmpty)
		}
		left()
		for range 3 { // a LoopExit may be left, and end one
			a.loop(event.LoopNonblock)
		}
		a.check()
	})
}

// An audience is goroutines that use a base from outside.
type audience struct {
	t    *testing.T
	base *event.Base
	gone atomic.Bool

	// posted counts what each member has posted, and ran what of it has run.
	posted [audienceSize]int
	ran    [audienceSize]int

	events [4]audienceEvent
	loops  int
}

// An audienceEvent counts, for each reason to activate it, how often that was done,
// right before it is, and how often it had been when the callback was last
// told.
type audienceEvent struct {
	event.Event
	asked [3]atomic.Int64
	told  [3]int64
}

var reasons = []event.What{event.Read, event.Write, event.Timeout}

func newAudience(t *testing.T, base *event.Base) *audience {
	a := &audience{t: t, base: base}
	for i := range a.events {
		e := &a.events[i]
		ok(t, e.Assign(base, -1, event.Persist, func(_ *event.Event, what event.What) {
			for i, reason := range reasons {
				if what&reason != 0 {
					e.told[i] = e.asked[i].Load()
				}
			}
		}))
	}
	return a
}

func (a *audience) loop(flags event.LoopFlag) {
	a.loops++
	if _, err := a.base.Loop(flags); err != nil {
		a.t.Error(err)
	}
}

func (a *audience) member(me, operations int) {
	r := rand.New(rand.NewPCG(1, uint64(me)))
	for range operations {
		switch n := r.IntN(100); {
		case n < 40:
			a.post(me)
		case n < 48:
			runtime.Gosched() // to be overtaken by the loop
		case n < 96:
			e, reason := &a.events[r.IntN(len(a.events))], r.IntN(len(reasons))
			e.asked[reason].Add(1)
			e.Activate(reasons[reason])
		case n < 98:
			a.base.LoopBreak()
		case n < 99:
			a.try(a.base.LoopExit(0))
		default:
			a.try(a.base.LoopExit(time.Microsecond))
		}
	}
}

// post posts a function, which must run after all that the member has posted
// before.
func (a *audience) post(me int) {
	before := a.posted[me]
	a.posted[me]++
	a.try(a.base.Post(func() {
		if a.ran[me] != before {
			a.t.Errorf("function %d of member %d runs after %d others", before, me, a.ran[me])
		}
		a.ran[me]++
	}))
}

func (a *audience) try(err error) {
	if err != nil {
		a.t.Error(err)
	}
}

func (a *audience) check() {
	same(a.t, "functions that ran, by member", a.ran, a.posted)
	for i := range a.events {
		e := &a.events[i]
		for j, reason := range reasons {
			if asked := e.asked[j].Load(); e.told[j] != asked {
				a.t.Errorf("event %d was last told %v after %d of %d times", i, reason, e.told[j], asked)
			}
		}
	}
	a.t.Logf("%d functions posted by each of %d goroutines; the loop ended %d times", a.posted[0], audienceSize, a.loops)
}

// TestCallsAroundFree makes the same calls while the base is freed: afterwards
// they do nothing.
func TestCallsAroundFree(t *testing.T) {
	everyBackend(t, false, func(t *testing.T, on backend) {
		for range 50 {
			b := newBase(t, on.config())
			ev := b.NewUser(ignore)
			var freed atomic.Bool
			var members sync.WaitGroup
			for range audienceSize {
				members.Go(func() { useUntilFreed(t, b, ev, &freed) })
			}
			for range 10 {
				runReady(t, b)
			}
			b.Free()
			freed.Store(true)
			members.Wait()
		}
	})
}

// useUntilFreed calls what is safe at any time until after the base was freed.
func useUntilFreed(t *testing.T, b *event.Base, ev *event.Event, freed *atomic.Bool) {
	for {
		known := freed.Load()
		ev.Activate(event.Read)
		b.LoopBreak()
		exit, post := b.LoopExit(0), b.Post(func() {})
		for _, err := range []error{exit, post} {
			if known && err == nil || err != nil && !errors.Is(err, event.ErrFreed) {
				t.Errorf("got error %v; the base was freed: %v", err, known)
			}
		}
		if known {
			return
		}
		runtime.Gosched()
	}
}

// TestEverythingWithLocks does everything from many goroutines at once.
func TestEverythingWithLocks(t *testing.T) {
	everyBackend(t, true, func(t *testing.T, on backend) {
		operations := manyOperations()
		if on.flags != 0 {
			operations /= 10 // a variant
		}
		w := &stress{
			base:       on.base(t),
			operations: operations,
			write:      func(fd int) { sysWrite(fd, []byte("x")) },
			read:       func(fd int) { sysRead(fd, make([]byte, 64)) },
		}
		for i := range w.pairs {
			w.pairs[i][0], w.pairs[i][1] = socketPair(t)
		}
		w.run(t)
	})
}
