package bufferevent_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A tick so long that a test sees none but those it makes itself, by giving
// tokens.
const longTick = time.Hour

func TestTokenBucketConfigs(t *testing.T) {
	cfg, err := bufferevent.NewTokenBucketConfig(1, 2, 3, 4, time.Minute)
	ok(t, err)
	rate, burst := cfg.ReadRate()
	want(t, "for reading", [2]int{rate, burst}, [2]int{1, 2})
	rate, burst = cfg.WriteRate()
	want(t, "for writing", [2]int{rate, burst}, [2]int{3, 4})
	want(t, "tick", cfg.Tick(), time.Minute)
	cfg, err = bufferevent.NewTokenBucketConfig(bufferevent.RateLimitMax, bufferevent.RateLimitMax, 1, 1, 0)
	ok(t, err)
	want(t, "tick that was not given", cfg.Tick(), time.Second)
	for name, bad := range map[string]struct {
		readRate, readBurst, writeRate, writeBurst int
		tick                                       time.Duration
	}{
		"no rate for reading":                {0, 1, 1, 1, 0},
		"negative rate for writing":          {1, 1, -1, 1, 0},
		"rate for reading above its burst":   {2, 1, 1, 1, 0},
		"rate for writing above its burst":   {1, 1, 2, 1, 0},
		"negative tick":                      {1, 1, 1, 1, -1},
		"tick that is shorter than possible": {1, 1, 1, 1, time.Millisecond - 1},
	} {
		_, err := bufferevent.NewTokenBucketConfig(bad.readRate, bad.readBurst, bad.writeRate, bad.writeBurst, bad.tick)
		wantError(t, name, err, bufferevent.ErrRange)
	}
}

func TestRateLimitsCanBeAskedFor(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	want(t, "limit", b.TokenBucketConfig(), nil)
	want(t, "read limit", b.ReadLimit(), math.MaxInt)
	want(t, "write limit", b.WriteLimit(), math.MaxInt)
	cfg, err := bufferevent.NewTokenBucketConfig(10, 20, 30, 40, longTick)
	ok(t, err)
	ok(t, b.SetRateLimit(cfg))
	want(t, "limit", b.TokenBucketConfig(), cfg)
	want(t, "read limit", b.ReadLimit(), 10)
	want(t, "write limit", b.WriteLimit(), 30)
	want(t, "max to read", b.MaxToRead(), 10)
	want(t, "max to write", b.MaxToWrite(), 30)
	ok(t, b.SetMaxSingleRead(5))
	ok(t, b.SetMaxSingleWrite(5))
	want(t, "max to read", b.MaxToRead(), 5)
	want(t, "max to write", b.MaxToWrite(), 5)
	ok(t, b.DecrementReadLimit(7))
	ok(t, b.DecrementWriteLimit(37))
	want(t, "read limit", b.ReadLimit(), 3)
	want(t, "write limit", b.WriteLimit(), -7)
	want(t, "max to read", b.MaxToRead(), 3)
	want(t, "max to write", b.MaxToWrite(), 0)
	ok(t, b.SetRateLimit(cfg)) // the same changes nothing
	want(t, "read limit", b.ReadLimit(), 3)
	ok(t, b.SetRateLimit(limit(t, 2, 2, longTick)))
	want(t, "read limit", b.ReadLimit(), 2)
	want(t, "write limit", b.WriteLimit(), -7)
	ok(t, b.SetRateLimit(nil))
	want(t, "limit", b.TokenBucketConfig(), nil)
	want(t, "read limit", b.ReadLimit(), math.MaxInt)
	want(t, "max to write", b.MaxToWrite(), 5)
	ok(t, b.SetRateLimit(nil))
}

// The first tick begins with the base if its clock is that of a test.
func TestTicksBeginWithTheBase(t *testing.T) {
	clock := evtest.NewClock()
	b, _ := newSocket(t, clock.Base(t), 0)
	ok(t, b.SetRateLimit(limit(t, 10, 100, longTick)))
	for _, step := range []struct {
		advance time.Duration
		want    int
	}{{0, 10}, {longTick - 1, 10}, {1, 20}, {longTick - 1, 20}, {1, 30}} {
		clock.Advance(step.advance)
		want(t, "read limit", b.ReadLimit(), step.want)
	}
}

func TestTheLimitForReading(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetRateLimit(limit(t, 10, 10, longTick)))
	ok(t, b.Enable(event.Read))
	peer.send(strings.Repeat("x", 25))
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 10 })
	settle(t, base)
	want(t, "input", b.Input().Len(), 10)
	want(t, "events that wait: the next tick", waiting(base), 1)
	ok(t, b.DecrementReadLimit(-8))
	want(t, "events that wait: the descriptor", waiting(base), 1)
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 18 })
	ok(t, b.SetRateLimit(nil))
	evtest.Await(t, base, "all input", func() bool { return b.Input().Len() == 25 })
	want(t, "timeouts that run", timers(base), 0)
}

func TestTheLimitForWriting(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetRateLimit(limit(t, 10, 10, longTick)))
	write(t, b, "hello")
	peer.expect(base, "hello")
	d.want(t, "write")
	write(t, b, strings.Repeat("x", 10))
	peer.expect(base, "xxxxx")
	settle(t, base)
	d.want(t)
	write(t, b, "y") // does not try
	settle(t, base)
	want(t, "output", b.Output().Len(), 6)
	ok(t, b.DecrementWriteLimit(-3))
	peer.expect(base, "xxx")
	ok(t, b.Disable(event.Write))
	ok(t, b.DecrementWriteLimit(-3))
	settle(t, base)
	want(t, "output while disabled", b.Output().Len(), 3)
	ok(t, b.Enable(event.Write))
	peer.expect(base, "xxy")
	d.want(t, "write")
}

// Ticks bring new tokens, by and by.
func TestLimitsAreRefilled(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetRateLimit(limit(t, 10, 10, time.Millisecond)))
	ok(t, b.Enable(event.Read))
	most := 0
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.FD == b.FD() {
			most = max(most, c.Len)
		}
		return c.Len, nil
	})()
	peer.send(strings.Repeat("x", 55))
	evtest.Await(t, base, "all input", func() bool { return b.Input().Len() == 55 })
	write(t, b, strings.Repeat("y", 55))
	evtest.Await(t, base, "no output", func() bool { return b.Output().Len() == 0 })
	want(t, "largest call", most, 10)
	peer.expect(base, strings.Repeat("y", 55))
}

// While the limit is exhausted the timeouts rest, and the end of the stream is
// not seen.
func TestAnExhaustedLimitStopsTheTimeouts(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetTimeouts(patience, patience))
	ok(t, b.SetRateLimit(limit(t, 1, 1, longTick)))
	ok(t, b.Enable(event.Read))
	peer.send("x")
	peer.shutdown()
	d.await(t, base, "read")
	settle(t, base)
	d.want(t, "read")
	want(t, "timeouts that run: the next tick", timers(base), 1)
	ok(t, b.DecrementReadLimit(-1))
	d.await(t, base, "reading|EOF")
}

func TestCloseWriteWaitsForTheLimit(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetRateLimit(limit(t, 3, 3, longTick)))
	write(t, b, "hello")
	ok(t, b.CloseWrite())
	peer.expect(base, "hel")
	ok(t, b.DecrementWriteLimit(-2))
	peer.expectEnd(base, "lo")
}

func TestAGroupsMembers(t *testing.T) {
	base := newBase(t)
	cfg := limit(t, 100, 100, longTick)
	g, err := bufferevent.NewRateLimitGroup(base, cfg)
	ok(t, err)
	other := newGroup(t, base, cfg)
	b, _ := newSocket(t, base, 0)
	ok(t, b.RemoveFromRateLimitGroup()) // is in none
	ok(t, b.AddToRateLimitGroup(g))
	ok(t, b.AddToRateLimitGroup(g))
	wantError(t, "Free with a member", g.Free(), bufferevent.ErrGroup)
	ok(t, b.AddToRateLimitGroup(other))
	ok(t, g.Free())
	wantError(t, "Free twice", g.Free(), bufferevent.ErrGroup)
	wantError(t, "joining what was freed", b.AddToRateLimitGroup(g), bufferevent.ErrGroup)
	wantError(t, "the old group still has it", other.Free(), bufferevent.ErrGroup)
	b.Free() // leaves
	want(t, "limit", other.ReadLimit(), 100)
}

func TestAGroupsLimitIsShared(t *testing.T) {
	base := newBase(t)
	g := newGroup(t, base, limit(t, 100, 100, longTick))
	ok(t, g.SetMinShare(25))
	wantError(t, "negative share", g.SetMinShare(-1), bufferevent.ErrRange)
	var streams []*bufferevent.Bufferevent
	var peers []*peer
	for range 4 {
		b, peer := newSocket(t, base, 0)
		ok(t, b.AddToRateLimitGroup(g))
		streams, peers = append(streams, b), append(peers, peer)
	}
	want(t, "share of four", streams[0].MaxToWrite(), 25)
	want(t, "own limit", streams[0].WriteLimit(), math.MaxInt)
	write(t, streams[0], strings.Repeat("x", 1000))
	peers[0].expect(base, strings.Repeat("x", 100)) // nobody else wants any
	settle(t, base)
	want(t, "write limit", g.WriteLimit(), 0)
	want(t, "read limit", g.ReadLimit(), 100)
	write(t, streams[1], "y")
	settle(t, base)
	want(t, "output", streams[1].Output().Len(), 1)
	want(t, "events that wait: the next tick", waiting(base), 1)
	read, written := g.Totals()
	want(t, "totals", [2]uint64{read, written}, [2]uint64{0, 100})
	g.ResetTotals()
	read, written = g.Totals()
	want(t, "totals", [2]uint64{read, written}, [2]uint64{})

	g.DecrementWrite(-26) // both go on: one gets the minimum share, one what it wants
	peers[1].expect(base, "y")
	peers[0].expect(base, strings.Repeat("x", 25))
	want(t, "write limit", g.WriteLimit(), 0)

	ok(t, streams[0].RemoveFromRateLimitGroup()) // and goes on without
	peers[0].expect(base, strings.Repeat("x", 875))
	_, written = g.Totals()
	want(t, "written by members", written, 26)

	ok(t, streams[1].RemoveFromRateLimitGroup())
	ok(t, streams[3].RemoveFromRateLimitGroup())
	ok(t, streams[2].Enable(event.Read)) // it is alone now, and all is its share
	peers[2].send(strings.Repeat("z", 120))
	evtest.Await(t, base, "input", func() bool { return streams[2].Input().Len() == 100 })
	settle(t, base)
	want(t, "input", streams[2].Input().Len(), 100)
	g.DecrementRead(-20)
	evtest.Await(t, base, "input", func() bool { return streams[2].Input().Len() == 120 })
	read, _ = g.Totals()
	want(t, "read by members", read, 120)
	g.DecrementRead(7)
	want(t, "read limit", g.ReadLimit(), -7)
	ok(t, g.SetConfig(limit(t, 50, 50, longTick)))
	want(t, "read limit", g.ReadLimit(), -7)
	wantError(t, "no limit", g.SetConfig(nil), event.ErrNil)
}

// Who gives a group more may be a callback: those of the members that go on do not run
// within that.
func TestAGroupThatIsGivenMoreLetsTheLoopGoOn(t *testing.T) {
	for name, give := range map[string]func(g *bufferevent.RateLimitGroup) error{
		"tokens": func(g *bufferevent.RateLimitGroup) error { g.DecrementWrite(-100); return nil },
		"configuration": func(g *bufferevent.RateLimitGroup) error {
			g.DecrementWrite(-100)
			return g.SetConfig(limit(t, 200, 200, longTick))
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			b, peer := newSocket(t, base, 0)
			g, err := bufferevent.NewRateLimitGroup(base, limit(t, 10, 10, longTick))
			ok(t, err)
			ok(t, b.AddToRateLimitGroup(g))
			write(t, b, strings.Repeat("x", 20))
			peer.expect(base, strings.Repeat("x", 10))
			settle(t, base)
			called := false
			b.SetCallbacks(nil, func(*bufferevent.Bufferevent) { called = true }, nil)
			ok(t, give(g))
			want(t, "called within", called, false)
			peer.expect(base, strings.Repeat("x", 10))
			settle(t, base)
			want(t, "called", called, true)
			ok(t, b.RemoveFromRateLimitGroup())
			ok(t, g.Free())
		})
	}
}

// A tick fills what nobody waits for no later than it is used: not once more when the loop
// comes to those that wait for the other direction.
func TestATickOfAGroupMovesNoMoreThanTheBurst(t *testing.T) {
	const burst = 100
	for _, what := range []event.What{event.Read, event.Write} {
		clock := evtest.NewClock()
		base := clock.Base(t)
		g := newGroup(t, base, limit(t, burst, burst, longTick))
		ok(t, g.SetMinShare(1))
		b, peer := newSocket(t, base, 0)
		waits, waitsPeer := newSocket(t, base, 0)
		ok(t, b.AddToRateLimitGroup(g))
		ok(t, waits.AddToRateLimitGroup(g))
		moved := func() int { return b.Input().Len() }
		if what == event.Read {
			g.DecrementWrite(3 * burst)
			write(t, waits, "waits")
		} else {
			g.DecrementRead(3 * burst)
			waitsPeer.send("waits")
			ok(t, waits.Enable(event.Read))
			moved = func() int { return 5*burst - b.Output().Len() }
		}
		settle(t, base)
		clock.Advance(4 * longTick) // what those wait for has come, too
		peer.send(strings.Repeat("x", 5*burst))
		if what == event.Read {
			ok(t, b.Enable(event.Read))
		} else {
			write(t, b, strings.Repeat("x", 5*burst))
		}
		settle(t, base)
		want(t, "moved in one tick", moved(), burst)
		clock.Advance(longTick)
		settle(t, base)
		want(t, "moved in two ticks", moved(), 2*burst)
	}
}

// What is taken by hand is taken from what ticks have brought until then, and what is given
// stays until the next one.
func TestWhatIsGivenByHandComesAfterTheTicks(t *testing.T) {
	clock := evtest.NewClock()
	base := clock.Base(t)
	g := newGroup(t, base, limit(t, 10, 100, longTick))
	b, _ := newSocket(t, base, 0)
	ok(t, b.SetRateLimit(limit(t, 10, 100, longTick)))
	clock.Advance(50 * longTick)
	g.DecrementRead(30)
	g.DecrementWrite(-30)
	ok(t, b.DecrementReadLimit(30))
	ok(t, b.DecrementWriteLimit(-30))
	want(t, "of the group, for reading", g.ReadLimit(), 70)
	want(t, "of the group, for writing", g.WriteLimit(), 130)
	want(t, "for reading", b.ReadLimit(), 70)
	want(t, "for writing", b.WriteLimit(), 130)
	clock.Advance(longTick)
	want(t, "of the group, for writing", g.WriteLimit(), 100)
	want(t, "for writing", b.WriteLimit(), 100)
}

// When there is less than a byte for each, some get one, and it is no error.
func TestAGroupWithMoreMembersThanBytes(t *testing.T) {
	base := newBase(t)
	g := newGroup(t, base, limit(t, 2, 2, time.Millisecond))
	ok(t, g.SetMinShare(0))
	var log diary
	var streams []*bufferevent.Bufferevent
	for range 5 {
		b, peer := newSocket(t, base, 0)
		b.SetCallbacks(nil, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) { log.note(what.String()) })
		ok(t, b.AddToRateLimitGroup(g))
		ok(t, b.Enable(event.Read))
		peer.send("hello")
		write(t, b, "hello")
		streams = append(streams, b)
	}
	for _, b := range streams {
		evtest.Await(t, base, "everything", func() bool { return b.Output().Len() == 0 && b.Input().Len() == 5 })
	}
	log.want(t)
}

// A member that waits for one direction, which is far in debt, does not make
// others wait for the other one, which is not.
func TestTheDirectionsOfAGroupAreSeparate(t *testing.T) {
	base := newBase(t)
	g := newGroup(t, base, limit(t, 10, 10, time.Millisecond))
	g.DecrementRead(1 << 30)
	reader, readerPeer := newSocket(t, base, 0)
	writer, writerPeer := newSocket(t, base, 0)
	ok(t, reader.AddToRateLimitGroup(g))
	ok(t, writer.AddToRateLimitGroup(g))
	ok(t, reader.Enable(event.Read))
	readerPeer.send("x")
	settle(t, base)
	want(t, "events that wait: one tick", waiting(base), 1)
	write(t, writer, strings.Repeat("y", 100))
	writerPeer.expect(base, strings.Repeat("y", 100))
	want(t, "input", reader.Input().Len(), 0)
}

func TestTheLeastShareIsNoMoreThanATickAllows(t *testing.T) {
	base := newBase(t)
	cfg, err := bufferevent.NewTokenBucketConfig(30, 1000, 40, 1000, longTick)
	ok(t, err)
	g := newGroup(t, base, cfg)
	b, _ := newSocket(t, base, 0)
	c, _ := newSocket(t, base, 0)
	ok(t, b.AddToRateLimitGroup(g))
	ok(t, c.AddToRateLimitGroup(g))
	want(t, "default", b.MaxToWrite(), 30) // of 64
	ok(t, g.SetMinShare(25))
	want(t, "set", b.MaxToWrite(), 25)
	ok(t, g.SetMinShare(1000))
	want(t, "too large", b.MaxToWrite(), 30)
	ok(t, g.SetMinShare(0))
	want(t, "none", b.MaxToWrite(), 20)
	want(t, "default share", bufferevent.DefaultMinShare, 64)
}

// Those who wait take turns, whatever order the loop's method names them in: a
// tick has enough for one of them.
func TestMembersTakeTurns(t *testing.T) {
	const members, share, rounds = 4, 10, 5
	base := newBase(t)
	for name, tt := range map[string]struct {
		start func(b *bufferevent.Bufferevent, p *peer)
		moved func(b *bufferevent.Bufferevent) int
	}{
		"reading": {
			func(b *bufferevent.Bufferevent, p *peer) {
				ok(t, b.Enable(event.Read))
				p.send(strings.Repeat("x", 1000))
			},
			func(b *bufferevent.Bufferevent) int { return b.Input().Len() },
		},
		"writing": {
			func(b *bufferevent.Bufferevent, p *peer) { write(t, b, strings.Repeat("x", 1000)) },
			func(b *bufferevent.Bufferevent) int { return 1000 - b.Output().Len() },
		},
	} {
		g := newGroup(t, base, limit(t, share, share, time.Millisecond))
		g.DecrementRead(share) // nobody begins before all are there
		g.DecrementWrite(share)
		var streams [members]*bufferevent.Bufferevent
		for i := range streams {
			b, peer := newSocket(t, base, 0)
			ok(t, b.AddToRateLimitGroup(g))
			tt.start(b, peer)
			streams[i] = b
		}
		least, most := 0, 0
		evtest.Await(t, base, name, func() bool {
			least, most = 1000, 0
			for _, b := range streams {
				least, most = min(least, tt.moved(b)), max(most, tt.moved(b))
			}
			return most >= rounds*share
		})
		if least < (rounds-2)*share {
			t.Errorf("%s: one member has moved %d bytes, and another one %d", name, least, most)
		}
		for _, b := range streams {
			b.Free()
		}
	}
}

// The limit of the group and one's own both count.
func TestAMemberWithALimitOfItsOwn(t *testing.T) {
	base := newBase(t)
	g := newGroup(t, base, limit(t, 100, 100, longTick))
	b, peer := newSocket(t, base, 0)
	ok(t, b.AddToRateLimitGroup(g))
	ok(t, b.SetRateLimit(limit(t, 10, 10, longTick)))
	write(t, b, strings.Repeat("x", 200))
	peer.expect(base, strings.Repeat("x", 10))
	ok(t, b.SetRateLimit(nil))
	peer.expect(base, strings.Repeat("x", 90))
	settle(t, base)
	want(t, "output", b.Output().Len(), 100)
	ok(t, b.RemoveFromRateLimitGroup())
	peer.expect(base, strings.Repeat("x", 100))
}

// A member that waits can be freed.
func TestFreeWhileWaitingForTheGroup(t *testing.T) {
	base := newBase(t)
	g := newGroup(t, base, limit(t, 10, 10, longTick))
	b, _ := newSocket(t, base, 0)
	c, peer := newSocket(t, base, 0)
	for _, member := range []*bufferevent.Bufferevent{b, c} {
		ok(t, member.AddToRateLimitGroup(g))
		write(t, member, strings.Repeat("x", 20))
	}
	settle(t, base)
	b.Free()
	g.DecrementWrite(-100)
	evtest.Await(t, base, "the other goes on", func() bool { return c.Output().Len() == 0 })
	data, _ := peer.receive()
	want(t, "bytes", len(data), 20)
}
