package evdnsserver_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// TestDebugMode has a process of its own, because debug mode is for all of a process
// and for good.
func TestDebugMode(t *testing.T) {
	evtest.OwnProcess(t, func() {
		event.EnableDebugMode()
		testConfinement(t)
	})
}

// testConfinement uses a server without a lock in the loop and in another
// goroutine.
func testConfinement(t *testing.T) {
	base, err := event.NewBase()
	ok(t, err)
	defer base.Free()
	fd, err := datagram.Listen(serverAddr, 0)
	ok(t, err)
	s, err := evdnsserver.NewUDP(base, fd, func(*evdnsserver.Request) {})
	ok(t, err)
	defer s.Close()
	for op, use := range map[string]func(){
		"Stats":             func() { s.Stats() },
		"SetRequestTimeout": func() { s.SetRequestTimeout(time.Second) },
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
