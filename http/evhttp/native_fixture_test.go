package evhttp_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// patience is how long a test waits for what should come at once.
const patience = evtest.Patience

// freeable runs a base whose loop the test ends, and frees, before it is over.
func freeable(t *testing.T) (base *event.Base, do func(fn func()), free func()) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := base.Loop(event.LoopNoExitOnEmpty); err != nil {
			t.Error(err)
		}
	}()
	do = func(fn func()) {
		done := make(chan struct{})
		if err := base.Post(func() { defer close(done); fn() }); err != nil {
			t.Fatal(err)
		}
		servertest.Await(t, done, "the loop")
	}
	return base, do, func() {
		do(func() { base.LoopBreak() })
		<-ended
		base.Free()
	}
}
