package event_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// TestDebugMode has a process of its own, because debug mode is for all of a process
// and for good.
func TestDebugMode(t *testing.T) {
	evtest.OwnProcess(t, func() {
		event.EnableDebugMode()
		event.EnableDebugMode()
		runDebugTests(t)
	})
}

func TestDebugModeComesTooLate(t *testing.T) {
	newBase(t, nil)
	fatal := captureFatal(t)
	event.EnableDebugMode()
	same(t, "fatal errors", len(*fatal), 1)
	var ev event.Event
	wantError(t, "add", ev.Add(), event.ErrNotAssigned)
	same(t, "fatal errors", len(*fatal), 1) // debug mode is not on
}

// captureFatal collects the fatal errors until the end of the test.
func captureFatal(t testing.TB) *[]error {
	var errs []error
	event.SetFatalCallback(func(err error) { errs = append(errs, err) })
	t.Cleanup(func() { event.SetFatalCallback(nil) })
	return &errs
}

func runDebugTests(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b *event.Base, fatal *[]error)
	}{
		{"correct use is not fatal", debugCorrect},
		{"an unassigned event is fatal", debugUnassigned},
		{"assigning an event in use is fatal", debugAssignInUse},
		{"a blocking descriptor is fatal", debugBlocking},
		{"use in another goroutine while the loop runs is fatal", debugConfinement},
		{"use after Free is fatal", debugFreed},
		{"a loop in a loop is fatal", debugNested},
		{"without a callback it panics", debugPanics},
	} {
		t.Run(test.name, func(t *testing.T) {
			evtest.Leaks(t)
			b := newBase(t, nil)
			test.run(t, b, captureFatal(t))
		})
	}
}

// wantFatal says that the last call was the first one reported since, by an
// error that is want.
func wantFatal(t testing.TB, fatal *[]error, what string, want error, words ...string) {
	t.Helper()
	if len(*fatal) == 0 {
		t.Errorf("%s is not fatal", what)
		return
	}
	wantError(t, what, (*fatal)[0], want, words...)
	*fatal = nil
}

func debugCorrect(t *testing.T, b *event.Base, fatal *[]error) {
	r, w := socketPair(t)
	send(t, w, r, "x")
	var c calls
	ev := addEvent(t, b, r, event.Read, c.note)
	goes(t, func() { ev.Pending(event.Read) })() // no loop runs
	dispatch(t, b)
	ok(t, ev.AssignTimer(b, c.note))
	ok(t, ev.AddTimeout(0))
	wait := whenWaiting(t, b, func() {
		b.Post(b.LoopBreak)
		ev.Activate(event.Read)
		b.LoopExit(0)
	})
	loop(t, b, event.LoopNoExitOnEmpty)
	wait()
	ok(t, ev.Del())
	ev.DebugUnassign()
	same(t, "initialized", ev.Initialized(), false)
	for _, err := range *fatal {
		t.Errorf("fatal: %v", err)
	}
}

func debugUnassigned(t *testing.T, b *event.Base, fatal *[]error) {
	var ev event.Event
	for op, use := range map[string]func() error{
		"add":          ev.Add,
		"del":          ev.Del,
		"remove timer": ev.RemoveTimer,
		"set priority": func() error { return ev.SetPriority(0) },
		"set base":     func() error { return ev.SetBase(b) },
		"finalize":     func() error { return ev.Finalize(nil) },
	} {
		wantError(t, op, use(), event.ErrNotAssigned, op)
		wantFatal(t, fatal, op, event.ErrNotAssigned, op)
	}
	ev.Activate(event.Read)
	wantFatal(t, fatal, "activate", event.ErrNotAssigned, "activate")
}

func debugAssignInUse(t *testing.T, b *event.Base, fatal *[]error) {
	r, _ := socketPair(t)
	ev := addEvent(t, b, r, event.Read, ignore)
	wantError(t, "assign", ev.Assign(b, r, event.Write, ignore), event.ErrPending, "assign", ev.String())
	wantFatal(t, fatal, "assign", event.ErrPending, "assign", ev.String())
	ev.DebugUnassign()
	wantFatal(t, fatal, "unassign", event.ErrPending, "unassign", ev.String())
	same(t, "pending", ev.Pending(event.Read), event.Read)
	ok(t, ev.Del())
	ok(t, ev.Assign(b, r, event.Write, ignore))
	same(t, "fatal errors", len(*fatal), 0)
}

func debugBlocking(t *testing.T, b *event.Base, fatal *[]error) {
	fd, tells := blockingFD(t)
	if !tells {
		t.Skip("this system does not tell whether a descriptor blocks")
	}
	_, err := b.NewEvent(fd, event.Read, ignore)
	wantError(t, "assign", err, event.ErrBlockingDescriptor, fmt.Sprintf("fd %d", fd))
	wantFatal(t, fatal, "assign", event.ErrBlockingDescriptor, fmt.Sprintf("fd %d", fd))
}

func debugConfinement(t *testing.T, b *event.Base, fatal *[]error) {
	ev := b.NewTimer(ignore)
	other := b.NewUser(ignore)
	for op, use := range map[string]func(){
		"AddTimeout": func() { ev.AddTimeout(0) },
		"Del":        func() { ev.Del() },
		"Pending":    func() { ev.Pending(event.Timeout) },
		"NumEvents":  func() { b.NumEvents(event.CountAdded) },
		"DumpEvents": func() { b.DumpEvents(io.Discard) },
	} {
		inLoop(t, b, func() {
			use()
			same(t, "fatal errors in the loop", len(*fatal), 0)
			goes(t, func() {
				other.Activate(event.Read)
				b.Post(ignorePost)
			})()
			same(t, "fatal errors for what is allowed", len(*fatal), 0)
			goes(t, use)()
			wantFatal(t, fatal, op+" in another goroutine", event.ErrConfinement)
			ok(t, ev.Del())
		})
	}
}

func debugFreed(t *testing.T, b *event.Base, fatal *[]error) {
	ev := b.NewTimer(ignore)
	b.Free()
	wantError(t, "add", ev.AddTimeout(0), event.ErrFreed, "add")
	wantFatal(t, fatal, "add", event.ErrFreed, "add")
	wantError(t, "loop", b.Dispatch(), event.ErrFreed, "loop")
	wantFatal(t, fatal, "loop", event.ErrFreed, "loop")
}

func debugNested(t *testing.T, b *event.Base, fatal *[]error) {
	inLoop(t, b, func() {
		wantError(t, "loop", b.Dispatch(), event.ErrRunning, "loop")
		wantFatal(t, fatal, "loop", event.ErrRunning, "loop")
		b.Free()
		wantFatal(t, fatal, "free", event.ErrRunning, "free")
	})
}

func debugPanics(t *testing.T, _ *event.Base, _ *[]error) {
	event.SetFatalCallback(nil)
	log := captureLog(t)
	defer func() {
		err, _ := recover().(error)
		wantError(t, "panic", err, event.ErrNotAssigned, "add")
		same(t, "log messages", len(*log), 1)
	}()
	var ev event.Event
	ev.Add()
}
