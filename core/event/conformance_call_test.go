package event_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceCall(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a function runs on the loop, and its caller waits for it", testCall},
		{"calls come from many goroutines", testCallElsewhere},
		{"on the loop a function runs at once", testCallOnLoop},
		{"a loop of another base is called", testCallFromAnotherLoop},
		{"before the loop runs first, a call waits for it", testCallBeforeLoop},
		{"a call waits from one single iteration to the next", testCallBetweenIterations},
		{"a call that is cancelled does not run", testCallCancelled},
		{"a function that has begun is waited for", testCallCancelledTooLate},
		{"a call fails when the loop ends", testCallAsLoopEnds},
		{"a call fails after the loop has ended, until it runs again", testCallAfterLoop},
		{"a call fails when the base is freed", testCallAsBaseIsFreed},
		{"a call of a freed base fails", testCallAfterFree},
		{"DrainPosts runs calls", testCallAndDrainPosts},
		{"a panic does not hang the caller", testCallPanic},
		{"what makes no sense is refused", testCallMisuse},
	})
}

// runs runs the loop in another goroutine until the test ends, or until stop.
func runs(t testing.TB, b *event.Base) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	wait := goes(t, func() {
		if err := b.Run(ctx); err != context.Canceled {
			t.Errorf("Run: %v", err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wait() })
	t.Cleanup(stop)
	return stop
}

// called begins a Call in another goroutine, and returns when it waits. Its
// result comes from the channel.
func called(ctx context.Context, b *event.Base, fn func()) <-chan error {
	result := make(chan error, 1)
	calls := event.WaitingCalls(b)
	go func() { result <- b.Call(ctx, fn) }()
	for event.WaitingCalls(b) == calls && len(result) == 0 {
		runtime.Gosched()
	}
	return result
}

func testCall(t *testing.T, on backend) {
	b := on.base(t)
	stop := runs(t, b)
	ran := 0
	for range 100 {
		ok(t, b.Call(t.Context(), func() { ran++ }))
	}
	stop()
	same(t, "functions that ran", ran, 100)
	same(t, "calls that wait", event.WaitingCalls(b), 0)
}

func testCallElsewhere(t *testing.T, on backend) {
	b := on.base(t)
	stop := runs(t, b)
	const goroutines, calls = 8, 50
	ran := 0
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range calls {
				if err := b.Call(context.Background(), func() { ran++ }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	stop()
	same(t, "functions that ran", ran, goroutines*calls)
}

func testCallOnLoop(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	inLoop(t, b, func() {
		tr.add("first")
		ok(t, b.Call(t.Context(), func() {
			tr.add("second")
			ok(t, b.Call(t.Context(), func() { tr.add("third") }))
		}))
		tr.add("fourth")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wantError(t, "cancelled", b.Call(ctx, func() { tr.add("never") }), context.Canceled)
	})
	tr.want(t, "first", "second", "third", "fourth")
}

func testCallFromAnotherLoop(t *testing.T, on backend) {
	b, other := on.base(t), on.base(t)
	stop := runs(t, other)
	ran := 0
	inLoop(t, b, func() { ok(t, other.Call(t.Context(), func() { ran++ })) })
	stop()
	same(t, "functions that ran", ran, 1)
}

func testCallBeforeLoop(t *testing.T, on backend) {
	b := on.base(t)
	var tr trace
	result := called(t.Context(), b, func() { tr.add("call") })
	tr.add("loop")
	dispatch(t, b)
	ok(t, <-result)
	tr.want(t, "loop", "call")
}

func testCallBetweenIterations(t *testing.T, on backend) {
	b := on.base(t)
	b.NewUser(ignore).Activate(event.Read)
	runOnce(t, b)
	runReady(t, b)
	ran := 0
	result := called(t.Context(), b, func() { ran++ })
	runReady(t, b)
	ok(t, <-result)
	same(t, "functions that ran", ran, 1)
}

func testCallCancelled(t *testing.T, on backend) {
	b := on.base(t)
	reason := errors.New("a reason")
	ctx, cancel := context.WithCancelCause(t.Context())
	result := called(ctx, b, func() { t.Error("it ran") })
	cancel(reason)
	wantError(t, "call", <-result, reason, "call")
	wantError(t, "call", b.Call(ctx, func() { t.Error("it ran") }), reason)
	same(t, "calls that wait", event.WaitingCalls(b), 0)
	runReady(t, b)
}

func testCallCancelledTooLate(t *testing.T, on backend) {
	b := on.base(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := false
	result := called(ctx, b, func() {
		cancel()
		for range 100 {
			runtime.Gosched()
		}
		done = true
	})
	runReady(t, b)
	ok(t, <-result)
	same(t, "function has returned", done, true)
}

func testCallAsLoopEnds(t *testing.T, on backend) {
	b := on.base(t)
	var result <-chan error
	ok(t, b.Post(func() {
		b.LoopBreak()
		result = called(t.Context(), b, func() { t.Error("it ran") })
	}))
	dispatch(t, b)
	wantError(t, "call", <-result, event.ErrLoopEnded, "call")
	runReady(t, b)
}

func testCallAfterLoop(t *testing.T, on backend) {
	b := on.base(t)
	dispatch(t, b)
	wantError(t, "call", b.Call(t.Context(), func() { t.Error("it ran") }), event.ErrLoopEnded)
	stop := runs(t, b)
	for { // until the other goroutine has begun
		err := b.Call(t.Context(), func() {})
		if err == nil {
			break
		}
		wantError(t, "call", err, event.ErrLoopEnded)
		runtime.Gosched()
	}
	stop()
	wantError(t, "call", b.Call(t.Context(), func() { t.Error("it ran") }), event.ErrLoopEnded)
}

func testCallAsBaseIsFreed(t *testing.T, on backend) {
	b := on.base(t)
	warnings(t)
	result := called(t.Context(), b, func() { t.Error("it ran") })
	b.Free()
	wantError(t, "call", <-result, event.ErrFreed, "call")
}

func testCallAfterFree(t *testing.T, on backend) {
	b := on.base(t)
	ev := b.NewUser(ignore)
	ok(t, ev.Finalize(func(*event.Event) {
		wantError(t, "call from a finalizer", b.Call(t.Context(), func() { t.Error("it ran") }), event.ErrFreed)
	}))
	b.Free()
	wantError(t, "call", b.Call(t.Context(), func() { t.Error("it ran") }), event.ErrFreed)
}

func testCallAndDrainPosts(t *testing.T, on backend) {
	b := on.base(t)
	ran := 0
	result := called(t.Context(), b, func() { ran++ })
	ok(t, b.DrainPosts())
	ok(t, <-result)
	same(t, "functions that ran", ran, 1)
	wantError(t, "call", b.Call(t.Context(), func() { t.Error("it ran") }), event.ErrFreed)
}

func testCallPanic(t *testing.T, on backend) {
	b := on.base(t)
	result := called(t.Context(), b, func() { panic("now") })
	func() {
		defer func() {
			if p := recover(); p != "now" {
				t.Errorf("recovered %v", p)
			}
		}()
		b.Dispatch()
	}()
	wantError(t, "call", <-result, event.ErrNotReturned)

	b = on.base(t)
	result = called(t.Context(), b, runtime.Goexit)
	goes(t, func() { b.Dispatch() })()
	wantError(t, "call", <-result, event.ErrNotReturned)
}

func testCallMisuse(t *testing.T, on backend) {
	b := on.base(t)
	var none *event.Base
	wantError(t, "no base", none.Call(t.Context(), func() {}), event.ErrNil)
	wantError(t, "no context", b.Call(nil, func() {}), event.ErrNil) //lint:ignore SA1012 that is what is tested
	wantError(t, "no function", b.Call(t.Context(), nil), event.ErrNil)
}

// A base finds for its callbacks what belongs to its loop.
func TestDataOfBase(t *testing.T) {
	type counters struct{ connections int }
	b := newBase(t, nil)
	b.Data = &counters{}
	inLoop(t, b, func() { b.Data.(*counters).connections++ })
	same(t, "connections", b.Data.(*counters).connections, 1)
}
