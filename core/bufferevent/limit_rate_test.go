package bufferevent_test

import (
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// TestRates measures for five seconds how fast limited streams are: one that is
// limited for itself, for writing, and a group of twenty with a minimum share,
// for reading. The bursts are large, so that ticks that the machine has slept
// through are not lost.
func TestRates(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	const (
		duration = 5 * time.Second
		tick     = 20 * time.Millisecond
		ticks    = int(duration / tick)
		single   = 4000
		group    = 10000
		members  = 20
		minShare = 1000
	)
	base := newBase(t)
	one, onePeer := newSocket(t, base, 0)
	ok(t, one.SetRateLimit(limit(t, single, single*ticks, tick)))
	sink := overPeer(t, base, onePeer)
	received := 0
	sink.SetCallbacks(func(b *bufferevent.Bufferevent) { received += drain(b) }, nil, nil)
	ok(t, sink.Enable(event.Read))
	keepWriting(t, one)

	g := newGroup(t, base, limit(t, group, group*ticks, tick))
	ok(t, g.SetMinShare(minShare))
	var byMember [members]int
	for i := range members {
		b, peer := newSocket(t, base, 0)
		ok(t, b.AddToRateLimitGroup(g))
		b.SetCallbacks(func(b *bufferevent.Bufferevent) { byMember[i] += drain(b) }, nil, nil)
		ok(t, b.Enable(event.Read))
		keepWriting(t, overPeer(t, base, peer))
	}

	ok(t, base.LoopExit(duration))
	start := time.Now()
	ok(t, base.Dispatch())
	took := float64(time.Since(start)) / float64(duration)

	near := func(what string, got, want int) {
		t.Helper()
		ratio := float64(got) / (float64(want) * took)
		t.Logf("%s: %d bytes, %.4f of what is configured", what, got, ratio)
		if ratio < 0.95 || ratio > 1.05 {
			t.Errorf("%s: %d bytes in %v times %v, want %d", what, got, took, duration, want)
		}
	}
	near("one stream", received, single*ticks)
	total := 0
	for i, n := range byMember {
		total += n
		if fair := group * ticks / members; n < fair/2 || n > fair*2 {
			t.Errorf("member %d has read %d bytes, its share is %d", i, n, fair)
		}
	}
	near("a group of twenty", total, group*ticks)
	read, _ := g.Totals()
	want(t, "total of the group", read, uint64(total))
}

// overPeer makes a bufferevent of the other end.
func overPeer(t testing.TB, base *event.Base, p *peer) *bufferevent.Bufferevent {
	t.Helper()
	p.closed = true // it is the bufferevent's now
	ok(t, evutil.SetNonblock(p.fd))
	return overFD(t, base, p.fd, 0)
}

// keepWriting makes b write without end.
func keepWriting(t testing.TB, b *bufferevent.Bufferevent) {
	block := make([]byte, 1<<16)
	more := func(b *bufferevent.Bufferevent) { b.Output().AddReference(block, nil) }
	ok(t, b.SetWatermark(event.Write, 1<<16, 0))
	b.SetCallbacks(nil, more, nil)
	more(b)
}

func drain(b *bufferevent.Bufferevent) int {
	n := b.Input().Len()
	b.Input().Drain(n)
	return n
}
