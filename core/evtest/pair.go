package evtest

import (
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// Pair returns two streams that are connected to each other in memory: what is
// written to one is read from the other, in the loop's next turn. Reading is
// enabled on both. They are freed when the test ends, if they were not before.
func Pair(t testing.TB, base *event.Base) (one, other *bufferevent.Bufferevent) {
	t.Helper()
	one, other, err := bufferevent.NewPair(base, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*bufferevent.Bufferevent{one, other} {
		t.Cleanup(b.Free)
		if err := b.Enable(event.Read); err != nil {
			t.Fatal(err)
		}
	}
	return one, other
}

// Sockets returns two sockets that are connected to each other over TCP's loopback.
// They are non-blocking, and the test's to close.
func Sockets(t testing.TB) (one, other int) {
	t.Helper()
	fds, err := evutil.LoopbackPair()
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if err := evutil.SetNonblock(fd); err != nil {
			t.Fatal(err)
		}
	}
	return fds[0], fds[1]
}
