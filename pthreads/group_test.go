package pthreads_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/pthreads"
)

func TestGroupHasALoopForEachProcessorByDefault(t *testing.T) {
	evtest.Leaks(t)
	if g := newGroup(t, nil); g.Len() != runtime.GOMAXPROCS(0) {
		t.Errorf("%d loops, want %d", g.Len(), runtime.GOMAXPROCS(0))
	}
}

func TestGroupRefusesANegativeNumberOfLoops(t *testing.T) {
	evtest.Leaks(t)
	if g, err := pthreads.NewGroup(&pthreads.GroupConfig{Loops: -1}); err == nil || g != nil {
		t.Errorf("NewGroup() = %v, %v", g, err)
	}
}

func TestGroupConfiguresItsBases(t *testing.T) {
	evtest.Leaks(t)
	g := newGroup(t, &pthreads.GroupConfig{
		Loops:  2,
		Config: event.Config{AvoidMethods: event.SupportedMethods()[:1], Flags: event.IgnoreEnv},
	})
	for i := range g.Len() {
		if method := g.Base(i).Method(); method == event.SupportedMethods()[0] {
			t.Errorf("loop %d uses %s", i, method)
		}
	}
	_, err := pthreads.NewGroup(&pthreads.GroupConfig{
		Config: event.Config{AvoidMethods: event.SupportedMethods()},
	})
	if !errors.Is(err, event.ErrNoMethod) {
		t.Errorf("without a method: %v", err)
	}
}

func TestEachLoopHasOneGoroutine(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		const loops = 4
		var setups, teardowns [loops]uint64
		g := newGroup(t, &pthreads.GroupConfig{
			Loops:    loops,
			Setup:    func(i int, _ *event.Base) error { setups[i] = uint64(evthread.Goroutine()); return nil },
			Teardown: func(i int, _ *event.Base) { teardowns[i] = uint64(evthread.Goroutine()) },
		})
		var callbacks [loops]uint64
		var done sync.WaitGroup
		done.Add(loops)
		for i := range loops {
			ok(t, g.Base(i).Post(func() { callbacks[i] = uint64(evthread.Goroutine()); done.Done() }))
		}
		done.Wait()
		stop(t, g)
		if setups != callbacks || setups != teardowns {
			t.Errorf("goroutines of Setup %v, callbacks %v and Teardown %v", setups, callbacks, teardowns)
		}
		seen := map[uint64]bool{uint64(evthread.Goroutine()): true}
		for _, id := range setups {
			if seen[id] {
				t.Errorf("goroutine %d runs two loops", id)
			}
			seen[id] = true
		}
	})
}

func TestNextTakesTurns(t *testing.T) {
	evtest.Leaks(t)
	g := newGroup(t, &pthreads.GroupConfig{Loops: 3})
	for i := range 7 {
		if g.Next() != g.Base(i%3) {
			t.Errorf("call %d does not return base %d", i, i%3)
		}
	}
}

func TestSetupComesBeforeAnyLoopRuns(t *testing.T) {
	evtest.Leaks(t)
	const loops = 3
	var setups atomic.Int32
	early := make(chan bool, loops)
	newGroup(t, &pthreads.GroupConfig{
		Loops: loops,
		Setup: func(_ int, b *event.Base) error {
			setups.Add(1)
			return b.Post(func() { early <- setups.Load() < loops })
		},
	})
	for range loops {
		if wait(t, early) {
			t.Error("a loop runs before all are set up")
		}
	}
}

// The functions append to a slice that has no lock, which the race detector
// watches.
func TestSetupRunsForOneLoopAfterTheOther(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		var order []int
		newGroup(t, &pthreads.GroupConfig{
			Loops: 4,
			Setup: func(i int, b *event.Base) error {
				order = append(order, i)
				runtime.Gosched()
				return nil
			},
		})
		if !slices.Equal(order, []int{0, 1, 2, 3}) {
			t.Errorf("loops are set up in the order %v", order)
		}
	})
}

func TestFailureOfSetupIsThatOfNewGroup(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		failure := errors.New("no such luck")
		var ran atomic.Bool
		var teardowns atomic.Int32
		g, err := pthreads.NewGroup(&pthreads.GroupConfig{
			Loops: 3,
			Setup: func(i int, b *event.Base) error {
				if i == 1 {
					return failure
				}
				if i == 2 {
					t.Error("Setup of loop 2 runs after that of loop 1 has failed")
				}
				return b.Post(func() { ran.Store(true) })
			},
			Teardown: func(i int, _ *event.Base) { teardowns.Add(int32(1 + 10*i)) },
		})
		if !errors.Is(err, failure) || !strings.Contains(err.Error(), "loop 1") || g != nil {
			t.Errorf("NewGroup() = %v, %v", g, err)
		}
		if ran.Load() {
			t.Error("a loop ran")
		}
		if teardowns.Load() != 1 {
			t.Errorf("Teardown ran for other loops than 0 (%d)", teardowns.Load())
		}
	})
}

func TestLoopsRunWithoutEvents(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g := newGroup(t, &pthreads.GroupConfig{Loops: 2})
		ran := make(chan int)
		for range 3 {
			for i := range g.Len() {
				ok(t, g.Base(i).Post(func() { ran <- i }))
				if got := wait(t, ran); got != i {
					t.Errorf("loop %d ran what loop %d was told", got, i)
				}
			}
		}
	})
}

func TestLoopThatFailsStopsTheGroup(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g, err := pthreads.NewGroup(&pthreads.GroupConfig{
			Loops: 3,
			Setup: func(i int, b *event.Base) error {
				if i == 1 {
					b.Free() // to run it is an error
				}
				return nil
			},
		})
		ok(t, err)
		for name, err := range map[string]error{"Wait": g.Wait(), "Stop": g.Stop(t.Context())} {
			if !errors.Is(err, event.ErrFreed) || !strings.Contains(err.Error(), "loop 1: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestLoopExitInACallbackStopsTheGroup(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		for name, end := range map[string]func(*event.Base){
			"exit":  func(b *event.Base) { b.LoopExit(0) },
			"break": func(b *event.Base) { b.LoopBreak() },
		} {
			g := newGroup(t, &pthreads.GroupConfig{Loops: 3})
			b := g.Next()
			ok(t, b.Post(func() { end(b) }))
			if err := g.Wait(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestGoexitInACallbackStopsTheGroup(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g, err := pthreads.NewGroup(&pthreads.GroupConfig{Loops: 3})
		ok(t, err)
		ok(t, g.Base(2).Post(runtime.Goexit))
		if err := g.Wait(); err == nil || !strings.Contains(err.Error(), "loop 2: ") {
			t.Errorf("got %v", err)
		}
	})
}

func TestGoexitInSetupIsAFailure(t *testing.T) {
	evtest.Leaks(t)
	g, err := pthreads.NewGroup(&pthreads.GroupConfig{
		Loops: 2,
		Setup: func(i int, _ *event.Base) error {
			if i == 1 {
				runtime.Goexit()
			}
			return nil
		},
	})
	if err == nil || g != nil {
		t.Errorf("NewGroup() = %v, %v", g, err)
	}
}

func TestStopEndsEverything(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g := newGroup(t, &pthreads.GroupConfig{Loops: 3})
		var stops sync.WaitGroup
		for range 4 {
			stops.Go(func() { stop(t, g) })
		}
		stops.Wait()
		stop(t, g)
		ok(t, g.Wait())
		for i := range g.Len() {
			if err := g.Base(i).Post(func() {}); !errors.Is(err, event.ErrFreed) {
				t.Errorf("Post to loop %d: %v", i, err)
			}
		}
	})
}

// occupy keeps a loop in a callback until the result is called.
func occupy(t *testing.T, b *event.Base) (release func()) {
	t.Helper()
	inside, leave := make(chan struct{}), make(chan struct{})
	ok(t, b.Post(func() { close(inside); <-leave }))
	wait(t, inside)
	release = sync.OnceFunc(func() { close(leave) })
	t.Cleanup(release)
	return release
}

func TestStopNamesLoopsThatDoNotEnd(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g := newGroup(t, &pthreads.GroupConfig{Loops: 4})
		addr := listen(t, g, "127.0.0.1:0", hangUp)
		releases := []func(){occupy(t, g.Base(1)), occupy(t, g.Base(3))}

		reason := errors.New("out of patience")
		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error)
		go func() { result <- g.Stop(ctx) }()
		for _, i := range []int{0, 2} {
			for !g.HasEnded(i) {
				runtime.Gosched()
			}
		}
		cancel(reason)
		err := wait(t, result)
		if !errors.Is(err, reason) || !strings.Contains(err.Error(), "[1 3]") {
			t.Errorf("got %v", err)
		}
		refused(t, addr)

		for _, release := range releases {
			release()
		}
		ok(t, g.Wait())
	})
}

func TestStopWithoutTimeBreaksLoops(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g := newGroup(t, &pthreads.GroupConfig{Loops: 2})
		b := g.Base(0)
		inside, leave, ran := make(chan struct{}), make(chan struct{}), false
		ok(t, b.Post(func() { // both are due at once, so that only a break comes between them
			b.Post(func() { close(inside); <-leave })
			b.Post(func() { ran = true })
		}))
		wait(t, inside)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Stop(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(leave)
		stop(t, g)
		if ran {
			t.Error("a callback ran after LoopBreak")
		}
	})
}
