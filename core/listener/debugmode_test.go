package listener_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
)

// TestDebugMode has a process of its own, because debug mode is for all of a process
// and for good.
func TestDebugMode(t *testing.T) {
	evtest.OwnProcess(t, func() {
		event.EnableDebugMode()
		testConfinement(t)
	})
}

// testConfinement uses a listener without a lock in the loop and in another
// goroutine.
func testConfinement(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, listener.Disabled, nil)
	for op, use := range map[string]func(){
		"Enable":           func() { l.Enable() },
		"Disable":          func() { l.Disable() },
		"SetErrorCallback": func() { l.SetErrorCallback(nil) },
		"SetPause":         func() { l.SetPause(shortPause) },
	} {
		var fatal []error
		event.SetFatalCallback(func(err error) { fatal = append(fatal, err) })
		ok(t, b.Post(func() {
			defer b.LoopBreak()
			use()
			want(t, op+" in the loop: fatal errors", len(fatal), 0)
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
		ok(t, b.Run(t.Context()))
	}
	event.SetFatalCallback(nil)
}
