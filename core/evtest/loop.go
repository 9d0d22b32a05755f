package evtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// Base returns a base that is freed when the test ends, which must not leave
// anything behind (see Leaks). The test runs its loop, with Await or Turn.
func Base(t testing.TB) *event.Base {
	t.Helper()
	return newBase(t, nil)
}

func newBase(t testing.TB, cfg *event.Config) *event.Base {
	t.Helper()
	Leaks(t)
	base, err := event.NewBaseWithConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Free)
	return base
}

var errGoexit = errors.New("a callback has ended the loop's goroutine, as t.FailNow does")

// Loop returns a base whose loop runs in a goroutine of its own until the test ends,
// or until LoopExit or LoopBreak. Use Do, or Base.Post and Base.Call, to have
// something run there. Clean-ups that the test registers later run before the loop
// ends.
func Loop(t testing.TB) *event.Base {
	t.Helper()
	base := Base(t)
	ended := make(chan error, 1)
	go func() {
		err := errGoexit
		defer func() { ended <- err }()
		_, err = base.Loop(event.LoopNoExitOnEmpty)
	}()
	t.Cleanup(func() {
		_ = base.LoopExit(0) // fails if it was freed, and then the loop has ended
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(Patience):
			t.Fatal("a callback does not return")
		}
	})
	return base
}

// Do runs fn on the loop, which runs in another goroutine, and waits until it has
// returned. fn must not call t.FailNow or t.Fatal, as only the test's goroutine may.
func Do(t testing.TB, base *event.Base, fn func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := base.Call(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

// Await runs the loop, which must not be running, until done returns true. Something
// must be on its way that makes it so: the test fails if the loop has nothing to
// wait for any more, or waits in vain. what says what for.
func Await(t testing.TB, base *event.Base, what string, done func() bool) {
	t.Helper()
	late := false
	watch := time.AfterFunc(Patience, func() {
		_ = base.Post(func() { late = true }) // fails if done has freed it
	})
	defer watch.Stop()
	for !done() {
		status, err := base.Loop(event.LoopOnce)
		switch {
		case err != nil:
			t.Fatalf("wait for %s: %v", what, err)
		case late:
			t.Fatalf("waited in vain for %s", what)
		case status == event.LoopNoEvents && !done():
			t.Fatalf("waited for %s, but nothing is pending", what)
		}
	}
}

// Turn runs one iteration of the loop, which must not be running: what is due now,
// if anything, without waiting.
func Turn(t testing.TB, base *event.Base) {
	t.Helper()
	if err := base.LoopExit(0); err != nil {
		t.Fatal(err)
	}
	if _, err := base.Loop(event.LoopNonblock | event.LoopNoExitOnEmpty); err != nil {
		t.Fatal(err)
	}
}
