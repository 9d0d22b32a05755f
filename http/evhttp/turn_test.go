package evhttp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// What ends all at once ends in the order in which it came: hosts, and the connections
// and requests of each.
func TestRequestsOfAFreedClientFailInOrder(t *testing.T) {
	const hosts, each = 8, 5
	var servers []*rawServer
	for range hosts {
		servers = append(servers, newRaw(t, func(_ int, c *rawConn) { c.awaitEnd() }))
	}
	c := newTestClient(t, newTestBase(t), ClientConfig{MaxPerHost: 4})
	var order, want []int
	for n := range each {
		for i, s := range servers {
			r := NewRequest(func(r *Request) { order = append(order, i*each+n) })
			must(t, c.MakeRequest(r, MethodGet, s.url()))
		}
	}
	for i := range hosts * each {
		want = append(want, i)
	}
	c.Free()
	if !slices.Equal(order, want) {
		t.Errorf("failed in the order %v, want %v", order, want)
	}
}

// Streams that have yet to say all are ended in the order in which they began to leave.
func TestLeavingStreamsEndInOrder(t *testing.T) {
	base := newTestBase(t)
	s := NewServer(base)
	const streams = 20
	var order, want []int
	for i := range streams {
		ours, theirs := evtest.Pair(t, base)
		must(t, theirs.Disable(event.Read))
		must(t, ours.Output().AddReference([]byte("what the peer does not read"), func([]byte) { order = append(order, i) }))
		s.closeGracefully(ours)
		want = append(want, i)
	}
	if len(s.leaving) != streams {
		t.Fatalf("%d streams are leaving, want %d", len(s.leaving), streams)
	}
	s.Free()
	if !slices.Equal(order, want) {
		t.Errorf("ended in the order %v", order)
	}
}

// Loops are gone through in the order of their numbers.
func TestServersAreInTheOrderOfTheirLoops(t *testing.T) {
	s := NewServers(nil)
	const loops = 20
	for _, i := range rand.Perm(loops) {
		base := newTestBase(t)
		must(t, s.Setup(i, base))
		t.Cleanup(func() { s.Teardown(i, base) })
	}
	all := s.all()
	if len(all) != loops {
		t.Fatalf("%d servers", len(all))
	}
	for i, l := range all {
		if l.loop != i {
			t.Errorf("at %d there is the server of loop %d", i, l.loop)
		}
	}
}
