package evtls_test

import (
	"crypto/tls"
	"errors"
	"math"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A wire counts the bytes that a socket moves: the encrypted ones.
type wire struct {
	read, written               int
	largestRead, largestWritten int // of one call
}

// tap counts what moves below a TLS bufferevent.
func tap(b *bufferevent.Bufferevent) *wire {
	w := new(wire)
	b.Underlying().Input().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		w.read += info.Added
		w.largestRead = max(w.largestRead, info.Added)
	})
	b.Underlying().Output().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		w.written += info.Deleted
		w.largestWritten = max(w.largestWritten, info.Deleted)
	})
	return w
}

// socketTalk makes a client and a server over a pair of sockets, connected. Both
// configurations are changed as change says, if it is not nil.
func socketTalk(t testing.TB, base *event.Base, change func(*tls.Config)) (c, s *end) {
	t.Helper()
	fds, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	client, server := plain(tls.VersionTLS13)
	if change != nil {
		change(client.TLS)
		change(server.TLS)
	}
	var ends [2]*end
	for i, state := range []evtls.State{evtls.Connecting, evtls.Accepting} {
		ok(t, evutil.SetNonblock(fds[i]))
		b, err := evtls.NewSocket(base, fds[i], state, []*evtls.Config{client, server}[i], bufferevent.CloseOnFree)
		ok(t, err)
		t.Cleanup(b.Free)
		ends[i] = watch(b)
		ok(t, b.Enable(event.Read))
	}
	c, s = ends[0], ends[1]
	evtest.Await(t, base, "handshakes", func() bool { return c.has(connected) && s.has(connected) })
	settle(t, base) // tickets have come
	c.want(t, connected)
	s.want(t, connected)
	return c, s
}

// onFakeClock runs a test whose clock stands still but for time.Sleep; certificates
// are judged by the real one.
func onFakeClock(t *testing.T, test func(t *testing.T, realTime func(*tls.Config))) {
	t.Helper()
	began := time.Now()
	plain(0) // issues the certificates, for all tests
	synctest.Test(t, func(t *testing.T) {
		test(t, func(cfg *tls.Config) { cfg.Time = func() time.Time { return began } })
	})
}

// goOn lets everybody move what the limits allow now.
func goOn(t testing.TB, base *event.Base) {
	t.Helper()
	for range 100 {
		evtest.Turn(t, base)
	}
}

func limitOf(t testing.TB, rate, burst int, tick time.Duration) *bufferevent.TokenBucketConfig {
	t.Helper()
	cfg, err := bufferevent.NewTokenBucketConfig(rate, burst, rate, burst, tick)
	ok(t, err)
	return cfg
}

// directions are what limits are tried with: writing by the client, and reading by the
// server, with what counts it.
var directions = []struct {
	name    string
	limited func(c, s *end) *bufferevent.Bufferevent
	moved   func(w *wire) int
}{
	{"written", func(c, s *end) *bufferevent.Bufferevent { return c.b }, func(w *wire) int { return w.written }},
	{"read", func(c, s *end) *bufferevent.Bufferevent { return s.b }, func(w *wire) int { return w.read }},
}

// A limit of a TLS bufferevent counts the bytes that its socket moves: each tick brings
// the rate, and what was not used adds up to the burst.
func TestARateLimitCountsEncryptedBytes(t *testing.T) {
	const rate, burst, tick, step = 1000, 2500, time.Second, time.Millisecond
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T, realTime func(*tls.Config)) {
				base := newBase(t)
				c, s := socketTalk(t, base, realTime)
				b := d.limited(c, s)
				w := tap(b)
				ok(t, b.SetRateLimit(limitOf(t, rate, burst, tick)))
				want(t, "limit of the socket", b.Underlying().TokenBucketConfig(), b.TokenBucketConfig())
				for b.WriteLimit() == rate { // until another tick has just begun
					time.Sleep(step)
				}
				time.Sleep(10 * tick)
				want(t, "tokens after a rest", b.WriteLimit(), burst)
				write(t, c.b, long(100_000))
				goOn(t, base)
				want(t, "the burst", d.moved(w), burst)
				for n := 1; n <= 20; n++ {
					time.Sleep(tick - step)
					goOn(t, base)
					want(t, "within a tick", d.moved(w), burst+(n-1)*rate)
					time.Sleep(step)
					goOn(t, base)
					want(t, "after a tick", d.moved(w), burst+n*rate)
				}
				ok(t, b.SetRateLimit(nil))
				evtest.Await(t, base, "all data", func() bool { return len(s.data) == 100_000 })
				s.wantData(t, long(100_000))
			})
		})
	}
}

// The members of a group share its limit evenly, and none is lost or given twice.
func TestAGroupsLimitCountsEncryptedBytes(t *testing.T) {
	const rate, burst, tick, members, ticks = 10_000, 25_000, time.Second, 20, 30
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T, realTime func(*tls.Config)) {
				base := newBase(t)
				g, err := bufferevent.NewRateLimitGroup(base, limitOf(t, rate, burst, tick))
				ok(t, err)
				t.Cleanup(func() { ok(t, g.Free()) })
				var wires []*wire
				var clients []*end
				for range members {
					c, s := socketTalk(t, base, realTime)
					b := d.limited(c, s)
					ok(t, b.AddToRateLimitGroup(g))
					wires, clients = append(wires, tap(b)), append(clients, c)
				}
				time.Sleep(10 * tick)
				for _, c := range clients {
					write(t, c.b, long(100_000))
				}
				for n := range ticks {
					goOn(t, base)
					total := 0
					for _, w := range wires {
						total += d.moved(w)
					}
					read, written := g.Totals()
					want(t, "total of the group", int(read+written), total)
					if due := burst + n*rate; total < due || total >= due+bufferevent.DefaultMinShare {
						t.Fatalf("after %d ticks: %d bytes, want %d and less than a minimum share more", n, total, due)
					}
					time.Sleep(tick)
				}
				for i, w := range wires {
					if got, fair := d.moved(w), (burst+ticks*rate)/members; got < fair*3/4 || got > fair*5/4 {
						t.Errorf("member %d has moved %d bytes, its share is %d", i, got, fair)
					}
				}
			})
		})
	}
}

func TestSizesOfSingleCalls(t *testing.T) {
	base := newBase(t)
	c, s := socketTalk(t, base, nil)
	from, to := tap(c.b), tap(s.b)
	ok(t, c.b.SetMaxSingleWrite(700))
	ok(t, s.b.SetMaxSingleRead(500))
	want(t, "size of a write", c.b.MaxSingleWrite(), 700)
	want(t, "size of a read", s.b.MaxSingleRead(), 500)
	want(t, "size of a write of the socket", c.b.Underlying().MaxSingleWrite(), 700)
	want(t, "to write now", c.b.MaxToWrite(), 700)
	write(t, c.b, long(50_000))
	evtest.Await(t, base, "all data", func() bool { return len(s.data) == 50_000 })
	want(t, "largest write", from.largestWritten, 700)
	want(t, "largest read", to.largestRead, 500)
}

// Priorities act where the events are: of two streams that have something to read, the
// more urgent one is read first.
func TestPriorities(t *testing.T) {
	base := newBase(t)
	ok(t, base.SetPriorities(3))
	var order []int
	var streams, peers []*end
	for i, priority := range []int{2, 0, 1} {
		c, s := socketTalk(t, base, nil)
		ok(t, s.b.SetPriority(priority))
		want(t, "priority", s.b.Priority(), priority)
		want(t, "priority of the socket", s.b.Underlying().Priority(), priority)
		s.b.SetCallbacks(func(*bufferevent.Bufferevent) { order = append(order, i) }, nil, nil)
		streams, peers = append(streams, s), append(peers, c)
	}
	for _, c := range peers {
		write(t, c.b, "hello")
	}
	evtest.Await(t, base, "all reads", func() bool { return len(order) == len(streams) })
	if !slices.Equal(order, []int{1, 2, 0}) {
		t.Errorf("read in the order %v", order)
	}
	wantError(t, "too large", streams[0].b.SetPriority(3), event.ErrBadPriority)
}

// Where there is no socket, nothing pretends to be limited.
func TestThereAreNoLimitsWithoutASocket(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, _ := newTalk(t, base, client, server, 0)
	cfg := limitOf(t, 10, 10, time.Second)
	g, err := bufferevent.NewRateLimitGroup(base, cfg)
	ok(t, err)
	for name, err := range map[string]error{
		"SetRateLimit":             c.b.SetRateLimit(cfg),
		"AddToRateLimitGroup":      c.b.AddToRateLimitGroup(g),
		"RemoveFromRateLimitGroup": c.b.RemoveFromRateLimitGroup(),
		"SetMaxSingleRead":         c.b.SetMaxSingleRead(10),
		"SetMaxSingleWrite":        c.b.SetMaxSingleWrite(10),
		"SetPriority":              c.b.SetPriority(0),
		"SetBase":                  c.b.SetBase(base),
		"DecrementReadLimit":       c.b.DecrementReadLimit(1),
	} {
		wantError(t, name, err, errors.ErrUnsupported)
	}
	want(t, "to read", c.b.MaxToRead(), math.MaxInt)
	want(t, "size of a write", c.b.MaxSingleWrite(), math.MaxInt)
	want(t, "limit", c.b.WriteLimit(), math.MaxInt)
	ok(t, g.Free())
}

// What TLS has agreed on is known through whatever is over it.
func TestTLSBelowIsFound(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, _ := newTalk(t, base, client, server, 0)
	f, err := bufferevent.NewFilter(c.b, nil, nil, 0, nil)
	ok(t, err)
	defer f.Free()
	state, open := evtls.ConnectionState(f)
	want(t, "open", open, true)
	asked, found := bufferevent.As[interface{ ConnectionState() tls.ConnectionState }](f)
	want(t, "found", found, true)
	want(t, "version", asked.ConnectionState().Version, state.Version)
	want(t, "crypto/tls's side", evtls.TLSConn(f), evtls.TLSConn(c.b))
	ok(t, evtls.SetFlags(f, evtls.DirtyShutdown))
	want(t, "flags", evtls.GetFlags(c.b), evtls.DirtyShutdown)
	_, err = evtls.Detach(f)
	wantError(t, "detaching what is over it", err, evtls.ErrNotTLS)
}

// TestRates reports how fast limited streams are by the real clock. They are not
// faster than what the ticks have brought.
func TestRates(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds")
	}
	const rate, tick, duration = 20_000, 20 * time.Millisecond, 2 * time.Second
	base := newBase(t)
	c, s := socketTalk(t, base, nil)
	w := tap(c.b)
	ok(t, c.b.SetRateLimit(limitOf(t, rate, 100*rate, tick))) // no tick that the machine sleeps through is lost
	began := time.Now()
	more := func(b *bufferevent.Bufferevent) {
		for b.Output().Len() < 1<<20 {
			write(t, b, long(1<<16))
		}
	}
	c.b.SetCallbacks(nil, more, nil)
	ok(t, c.b.SetWatermark(event.Write, 1<<19, 0))
	s.b.SetCallbacks(func(b *bufferevent.Bufferevent) { b.Input().Drain(b.Input().Len()) }, nil, nil)
	more(c.b)
	ok(t, base.LoopExit(duration))
	ok(t, base.Dispatch())
	ticks := int(time.Since(began)/tick) + 2 // the one it began in, and the one it ended in
	t.Logf("%d bytes in %v: %.4f of the limit", w.written, time.Since(began), float64(w.written)/float64(rate*(ticks-1)))
	if w.written > rate*ticks {
		t.Errorf("%d bytes in %d ticks of %d", w.written, ticks, rate)
	}
}
