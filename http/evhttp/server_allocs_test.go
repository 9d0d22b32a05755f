//go:build !race

package evhttp

import (
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// Under the race detector sync.Pool forgets things at random.
func TestHelloDoesNotAllocate(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	s := NewServer(base)
	defer s.Free()
	body := []byte("Hello, world")
	s.Handle("/hello", func(r *Request) {
		r.OutputHeaders().Add("Content-Type", "text/plain")
		r.SendReplyBytes(200, "", body)
	})
	s.Handle("/buffer", func(r *Request) {
		r.Output().Add(body)
		r.SendReply(200, "", nil)
	})
	s.HandlePattern("GET /items/{id}", func(r *Request) { r.SendReplyBytes(200, "", body) })
	ours, theirs, err := bufferevent.NewPair(base, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Free()
	theirs.Enable(event.Read)
	s.SetStreamFunc(func(*event.Base, int) (*bufferevent.Bufferevent, error) { return ours, nil })
	s.accept(&Bound{}, -1, netip.AddrPort{})
	for _, path := range []string{"/hello", "/buffer", "/items/1"} {
		request := []byte(get(path))
		turn := func() {
			theirs.Write(request)
			for theirs.Input().Len() == 0 {
				base.Loop(event.LoopOnce)
			}
			theirs.Input().Drain(1 << 20)
		}
		for range 10 {
			turn()
		}
		if n := testing.AllocsPerRun(1000, turn); n > 0 {
			t.Errorf("%s: %v allocations a request", path, n)
		}
	}
}
