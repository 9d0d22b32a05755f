package bufferevent_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// TestDebugMode has a process of its own, because debug mode is for all of a process
// and for good.
func TestDebugMode(t *testing.T) {
	evtest.OwnProcess(t, func() {
		event.EnableDebugMode()
		testConfinement(t)
	})
}

// testConfinement uses a bufferevent without a lock in the loop and in another
// goroutine.
func testConfinement(t *testing.T) {
	first, base := newBase(t), newBase(t)
	b, err := bufferevent.NewSocket(first, -1, 0)
	ok(t, err)
	defer b.Free()
	ok(t, b.SetBase(base)) // which is the one that counts
	for op, use := range map[string]func(){
		"Enable":       func() { b.Enable(event.Write) },
		"SetCallbacks": func() { b.SetCallbacks(nil, nil, nil) },
		"Err":          func() { b.Err() },
		"IncRef":       func() { b.IncRef() },
	} {
		var fatal []error
		event.SetFatalCallback(func(err error) { fatal = append(fatal, err) })
		ok(t, base.Post(func() {
			defer base.LoopBreak()
			use()
			if len(fatal) > 0 {
				t.Errorf("%s in the loop: fatal errors %v", op, fatal)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				use()
			}()
			<-done
			if len(fatal) == 0 || !errors.Is(fatal[0], event.ErrConfinement) {
				t.Errorf("%s in another goroutine: fatal errors %v, want %v", op, fatal, event.ErrConfinement)
			}
		}))
		ok(t, base.Run(t.Context()))
	}
	event.SetFatalCallback(nil)
}
