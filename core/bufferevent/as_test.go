package bufferevent_test

import (
	"errors"
	"math"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A colored transport has a capability that this package does not know.
type colored interface{ Color() string }

// A redTape is a tape with a capability of its own, over another bufferevent.
type redTape struct {
	tape
	under *bufferevent.Bufferevent
}

func (*redTape) Color() string                          { return "red" }
func (p *redTape) Underlying() *bufferevent.Bufferevent { return p.under }
func (p *redTape) LimitLifted(what event.What) error    { return p.Enable(what) }
func (p *redTape) NegotiatedProtocol() string           { return "tape" }
func (p *redTape) overFilter(t testing.TB) *bufferevent.Bufferevent {
	t.Helper()
	return newFilter(t, &p.bev, nil, nil, bufferevent.CloseOnFree)
}

func newRedTape(t testing.TB, base *event.Base, under *bufferevent.Bufferevent) *redTape {
	t.Helper()
	p := &redTape{under: under}
	var err error
	p.c, err = bufferevent.Init(&p.bev, base, p, 0)
	ok(t, err)
	ok(t, p.control().UseTimers())
	t.Cleanup(p.bev.Free)
	return p
}

// As goes down the stack to the first transport that can do what is asked for.
func TestAsFindsTheFirstThatCan(t *testing.T) {
	base := newBase(t)
	socket, _ := newSocket(t, base, 0)
	red := newRedTape(t, base, socket)
	top := red.overFilter(t)
	c, found := bufferevent.As[colored](top)
	want(t, "found below a filter", found, true)
	want(t, "color", c.Color(), "red")
	_, found = bufferevent.As[colored](socket)
	want(t, "found above", found, false)
	_, found = bufferevent.As[colored](nil)
	want(t, "found in nothing", found, false)
	want(t, "protocol", top.NegotiatedProtocol(), "tape")
	want(t, "descriptor", top.FD(), socket.FD())
	top.Free()
	_, found = bufferevent.As[colored](top)
	want(t, "found after Free", found, false)
}

// Limits set on a filter are those of its socket.
func TestLimitsOfAFilterActAtItsSocket(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	f := newFilter(t, under, nil, nil, bufferevent.CloseOnFree)
	cfg := limit(t, 10, 10, longTick)
	ok(t, f.SetRateLimit(cfg))
	want(t, "limit of the socket", under.TokenBucketConfig(), cfg)
	want(t, "limit of the filter", f.TokenBucketConfig(), cfg)
	write(t, f, "0123456789abc")
	peer.expect(base, "0123456789")
	settle(t, base)
	want(t, "write limit", f.WriteLimit(), 0)
	ok(t, f.DecrementWriteLimit(-2))
	peer.expect(base, "ab")
	ok(t, f.SetMaxSingleWrite(5))
	want(t, "largest write", under.MaxSingleWrite(), 5)
	g := newGroup(t, base, cfg)
	ok(t, f.AddToRateLimitGroup(g))
	ok(t, f.SetRateLimit(nil))
	peer.expect(base, "c")
	_, written := g.Totals()
	want(t, "total of the group", written, 1)
	ok(t, under.RemoveFromRateLimitGroup())
	ok(t, f.SetPriority(0))
	want(t, "priority", under.Priority(), 0)
	f.Free()
	wantError(t, "after Free", f.SetRateLimit(cfg), bufferevent.ErrFreed)
}

// Where nothing moves data at a rate, a limit is refused.
func TestLimitsThatNothingHonours(t *testing.T) {
	base := newBase(t)
	one, _ := newPair(t, base)
	g := newGroup(t, base, limit(t, 1, 1, longTick))
	for name, b := range map[string]*bufferevent.Bufferevent{
		"a pair": one, "a filter over a pair": newFilter(t, one, nil, nil, 0), "a tape": &newTape(t, base, 0).bev,
	} {
		for what, err := range map[string]error{
			"SetRateLimit":             b.SetRateLimit(limit(t, 1, 1, longTick)),
			"no rate limit":            b.SetRateLimit(nil),
			"AddToRateLimitGroup":      b.AddToRateLimitGroup(g),
			"RemoveFromRateLimitGroup": b.RemoveFromRateLimitGroup(),
			"DecrementReadLimit":       b.DecrementReadLimit(1),
			"DecrementWriteLimit":      b.DecrementWriteLimit(1),
			"SetMaxSingleRead":         b.SetMaxSingleRead(1),
			"SetMaxSingleWrite":        b.SetMaxSingleWrite(1),
			"SetPriority":              b.SetPriority(0),
		} {
			wantError(t, what+" of "+name, err, errors.ErrUnsupported)
		}
		for what, n := range map[string]int{
			"ReadLimit": b.ReadLimit(), "WriteLimit": b.WriteLimit(), "MaxToRead": b.MaxToRead(),
			"MaxToWrite": b.MaxToWrite(), "MaxSingleRead": b.MaxSingleRead(), "MaxSingleWrite": b.MaxSingleWrite(),
		} {
			want(t, what+" of "+name, n, math.MaxInt)
		}
		want(t, "configuration of "+name, b.TokenBucketConfig(), nil)
	}
}

// A transport of another package can honour limits.
func TestLimitsOfAnotherTransport(t *testing.T) {
	base := newBase(t)
	g := newGroup(t, base, limit(t, 10, 10, longTick))
	ok(t, g.SetMinShare(0))
	red := newRedTape(t, base, nil)
	b, c := &red.bev, red.control()
	ok(t, b.AddToRateLimitGroup(g))
	ok(t, b.SetRateLimit(limit(t, 100, 100, longTick)))
	ok(t, b.Enable(event.Read))
	write(t, b, "0123456789abcdef")
	red.log = nil
	n := c.MaxToWrite()
	want(t, "to write", n, 10)
	c.Output().Unfreeze(evbuffer.Front)
	ok(t, b.Output().Drain(n))
	c.Output().Freeze(evbuffer.Front)
	c.CountWritten(n)
	want(t, "limit of its own", b.WriteLimit(), 90)
	want(t, "to write then", c.MaxToWrite(), 0)
	want(t, "wants to write", c.Wants(event.Write), false)
	red.log.want(t, "disable Write")
	g.DecrementWrite(-5)
	settle(t, base)                 // the loop lets it go on
	red.log.want(t, "enable Write") // by LimitLifted
	want(t, "to write now", c.MaxToWrite(), 5)
	c.CountRead(7)
	want(t, "read limit", g.ReadLimit(), 3)
}
