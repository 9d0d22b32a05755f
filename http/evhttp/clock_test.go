package evhttp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// The times of connections are those of the base, whatever its clock shows.
func TestTimeoutsPassByTheClockOfTheBase(t *testing.T) {
	clock := evtest.NewClock()
	base := clock.Base(t)
	s := evhttp.NewServer(base)
	t.Cleanup(s.Free)
	s.SetTimeouts(evhttp.Timeouts{Header: time.Minute, Idle: time.Hour, Body: time.Hour, Write: time.Hour})
	ours, theirs, got := newPair(t, base)
	if err := s.Serve(ours); err != nil {
		t.Fatal(err)
	}
	theirs.WriteString("GET / HT")
	evtest.Turn(t, base)
	clock.Advance(time.Minute - 1)
	evtest.Turn(t, base)
	select {
	case text := <-got:
		t.Fatalf("the connection has ended early, after %q", text)
	default:
	}
	clock.Advance(1)
	evtest.Await(t, base, "end of the connection", func() bool { return len(got) > 0 })
	if text := <-got; !strings.HasPrefix(text, "HTTP/1.1 408 ") {
		t.Errorf("got %q", text)
	}
}
