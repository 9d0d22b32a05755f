package evdns_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdns"
)

// TestDebugMode has a process of its own, because debug mode is for all of a process
// and for good.
func TestDebugMode(t *testing.T) {
	evtest.OwnProcess(t, func() {
		event.EnableDebugMode()
		testConfinement(t)
	})
}

// testConfinement uses a resolver without a lock in the loop and in another
// goroutine.
func testConfinement(t *testing.T) {
	base := newLoop(t)
	b := newResolverWith(t, base, evdns.DisableWhenInactive)
	for op, use := range map[string]func(){
		"CountNameservers": func() { b.CountNameservers() },
		"SetOption":        func() { b.SetOption("timeout", "1") },
		"ResolveIPv4":      func() { b.ResolveIPv4("www.example", 0, func(evdns.Answer, error) {}) },
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
