package evtls_test

import (
	"crypto/tls"
	"runtime"
	"strconv"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// talk makes a client and a server that are connected and have no callbacks.
func talk(t testing.TB, base *event.Base, client, server *evtls.Config) (c, s *bufferevent.Bufferevent) {
	a, b, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	s, err = evtls.NewFilter(b, evtls.Accepting, server, bufferevent.CloseOnFree)
	ok(t, err)
	c, err = evtls.NewFilter(a, evtls.Connecting, client, bufferevent.CloseOnFree)
	ok(t, err)
	ok(t, s.Enable(event.Read))
	ok(t, c.Enable(event.Read))
	for range 20 {
		evtest.Turn(t, base)
		_, one := evtls.ConnectionState(c)
		if _, other := evtls.ConnectionState(s); one && other {
			settle(t, base)
			return c, s
		}
	}
	t.Fatal("no handshake")
	return nil, nil
}

// echo returns a function that sends a message and waits for it to come back.
func echo(t testing.TB, base *event.Base, version uint16, size int) func() {
	client, server := plain(version)
	c, s := talk(t, base, client, server)
	t.Cleanup(c.Free)
	t.Cleanup(s.Free)
	s.SetCallbacks(func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }, nil, nil)
	message := make([]byte, size)
	return func() {
		c.Write(message)
		for c.Input().Len() < size {
			base.Loop(event.LoopNonblock | event.LoopNoExitOnEmpty)
		}
		c.Input().Drain(size)
	}
}

// An echo allocates nothing of ours once it is under way: crypto/tls allocates
// once for each record that it reads.
func TestEchoAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget under the race detector")
	}
	eachVersion(t, func(t *testing.T, version uint16) {
		once := echo(t, newBase(t), version, 64)
		for range 100 {
			once()
		}
		if n := testing.AllocsPerRun(1000, once); n > 2 {
			t.Errorf("%v allocations an echo", n)
		}
	})
}

// An idle connection is small: what crypto/tls keeps, and little of ours.
func TestIdleConnectionsAreSmall(t *testing.T) {
	base := newBase(t)
	const count, most = 200, 8 << 10
	if n := idle(t, base, count); n > most {
		t.Errorf("%d bytes an idle connection, want at most %d", n, most)
	}
}

// idle returns how much memory the server's side of a connection takes, with
// half of what both sides' pair takes, when one message has been echoed.
func idle(t testing.TB, base *event.Base, count int) int {
	client, server := plain(0)
	ends := make([]*bufferevent.Bufferevent, 0, 2*count)
	before := heap()
	for range count {
		c, s := talk(t, base, client, server)
		write(t, c, long(64))
		settle(t, base)
		ok(t, s.WriteBuffer(s.Input()))
		settle(t, base)
		want(t, "echo", c.Input().Len(), 64)
		ok(t, c.Input().Drain(64))
		ends = append(ends, c, s)
	}
	for range 2 {
		runtime.GC()
	}
	used := heap() - before
	for _, e := range ends {
		e.Free()
	}
	return int(used) / (2 * count)
}

func BenchmarkIdleConnection(b *testing.B) {
	base := bareBase(b)
	for b.Loop() {
		b.ReportMetric(float64(idle(b, base, 1000)), "B/connection")
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 4 << 10, 64 << 10} {
		b.Run(strconv.Itoa(size)+"B", func(b *testing.B) {
			once := echo(b, bareBase(b), tls.VersionTLS13, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}

// Both sides of a handshake, full and resumed.
func BenchmarkHandshake(b *testing.B) {
	for _, resumed := range []bool{false, true} {
		name := map[bool]string{false: "full", true: "resumed"}[resumed]
		b.Run(name, func(b *testing.B) {
			base := bareBase(b)
			client, server := plain(tls.VersionTLS13)
			if resumed {
				client.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			}
			b.ReportAllocs()
			for b.Loop() {
				c, s := talk(b, base, client, server)
				c.Free()
				s.Free()
			}
		})
	}
}

// The same handshake by two goroutines and nothing of ours, to compare with.
func BenchmarkHandshakeOfGoroutines(b *testing.B) {
	client, server := clientTLS(tls.VersionTLS13), serverTLS(tls.VersionTLS13)
	b.ReportAllocs()
	for b.Loop() {
		s := newCounterpart(b, evtls.Accepting, server, (*tls.Conn).Handshake)
		c := newCounterpart(b, evtls.Connecting, client, (*tls.Conn).Handshake)
		for {
			up, down := c.take(), s.take()
			if len(up)+len(down) == 0 {
				break
			}
			s.feed(up)
			c.feed(down)
		}
		if !c.done || !s.done || c.err != nil || s.err != nil {
			b.Fatal("no handshake", c.err, s.err)
		}
	}
}
