package evdns

import (
	"log/slog"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// The pauses between probes grow from one to the next, until the nameserver
// answers.
func TestPausesBetweenProbesGrow(t *testing.T) {
	loop, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Free()
	b, err := NewBase(loop, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Free(false)
	b.SetLogger(slog.New(slog.DiscardHandler))
	if err := b.AddNameserverString("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	b.options.initialProbe, b.options.maxProbe, b.options.probeBackoff = 10*time.Second, 100*time.Second, 3
	s := b.servers[0]
	ran := false
	err = loop.Post(func() { // where the clock stands still
		ran = true
		for range 2 {
			s.failed("a test says so")
			for _, want := range []time.Duration{10 * time.Second, 30 * time.Second, 90 * time.Second, 100 * time.Second, 100 * time.Second} {
				if pause := s.probeAt - b.now(); pause != want {
					t.Errorf("a pause of %v, want %v", pause, want)
				}
				s.probeFailed()
			}
			s.works(new(Request))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Loop(event.LoopOnce); err != nil || !ran {
		t.Errorf("ran: %t, %v", ran, err)
	}
}
