package evtls_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// newSockets makes a client and a server over a TCP connection whose handshakes
// have yet to run.
func newSockets(t testing.TB, base *event.Base, client, server *evtls.Config, opts bufferevent.Options) (c, s *end) {
	t.Helper()
	fds, err := evutil.LoopbackPair()
	ok(t, err)
	open := func(fd int, state evtls.State, cfg *evtls.Config) *end {
		ok(t, evutil.SetNonblock(fd))
		b, err := evtls.NewSocket(base, fd, state, cfg, opts|bufferevent.CloseOnFree)
		ok(t, err)
		t.Cleanup(b.Free)
		ok(t, b.Enable(event.Read))
		return watch(b)
	}
	return open(fds[0], evtls.Connecting, client), open(fds[1], evtls.Accepting, server)
}

// layer puts streams on both ends; they note what happens from then on.
func layer(t testing.TB, c, s *end, make func(t testing.TB, e *end, client bool) *bufferevent.Bufferevent) (*end, *end) {
	t.Helper()
	top := func(e *end, client bool) *end {
		b := make(t, e, client)
		t.Cleanup(b.Free)
		ok(t, b.Enable(event.Read))
		return watch(b)
	}
	s = top(s, false)
	return top(c, true), s
}

// stacks are streams of both sides, with TLS somewhere in them.
var stacks = []struct {
	name string
	make func(t testing.TB, base *event.Base, version uint16, opts bufferevent.Options) (c, s *end)
}{
	{"TLS over a socket", func(t testing.TB, base *event.Base, version uint16, opts bufferevent.Options) (c, s *end) {
		client, server := plain(version)
		return newSockets(t, base, client, server, opts)
	}},
	{"TLS over a pair", func(t testing.TB, base *event.Base, version uint16, opts bufferevent.Options) (c, s *end) {
		client, server := plain(version)
		return newEnds(t, base, client, server, opts)
	}},
	{"TLS over TLS", func(t testing.TB, base *event.Base, version uint16, opts bufferevent.Options) (c, s *end) {
		client, server := plain(version)
		c, s = newSockets(t, base, client, server, 0)
		return layer(t, c, s, func(t testing.TB, e *end, asClient bool) *bufferevent.Bufferevent {
			state, cfg := evtls.Accepting, server
			if asClient {
				state, cfg = evtls.Connecting, client
			}
			b, err := evtls.NewFilter(e.b, state, cfg, opts|bufferevent.CloseOnFree)
			ok(t, err)
			return b
		})
	}},
	{"filter over TLS", func(t testing.TB, base *event.Base, version uint16, opts bufferevent.Options) (c, s *end) {
		client, server := plain(version)
		c, s = newSockets(t, base, client, server, 0)
		return layer(t, c, s, func(t testing.TB, e *end, _ bool) *bufferevent.Bufferevent {
			b, err := bufferevent.NewFilter(e.b, nil, nil, opts|bufferevent.CloseOnFree, nil)
			ok(t, err)
			return b
		})
	}},
}

// Whoever ends in order says so, whatever was written before, and whether that
// has been encrypted already or even the handshake is not done.
func TestFreeWhenWrittenSaysGoodbye(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		for _, stack := range stacks {
			for _, size := range []int{0, 5, 3 << 20} {
				for _, side := range []string{"client", "server"} {
					for _, when := range []string{"at once", "when connected", "when written"} {
						if size == 0 && when == "at once" {
							continue // nobody waits for a handshake without a reason
						}
						t.Run(fmt.Sprintf("%s, %d bytes, %s, %s", stack.name, size, side, when), func(t *testing.T) {
							base := newBase(t)
							c, s := stack.make(t, base, version, 0)
							if side == "server" {
								c, s = s, c
							}
							if when != "at once" {
								evtest.Await(t, base, "handshake", func() bool { return c.has(connected) && s.has(connected) })
							}
							write(t, c.b, long(size))
							if when == "when written" {
								evtest.Turn(t, base)
							}
							calls, ending := 0, error(nil)
							c.b.FreeWhenWrittenFunc(time.Minute, func(err error) { calls, ending = calls+1, err })
							evtest.Await(t, base, "end", func() bool { return s.has(eof) || s.failed() })
							s.want(t, connected, eof)
							s.wantData(t, long(size))
							want(t, "calls", calls, 1)
							wantError(t, "ending", ending, nil)
							_, err := c.b.WriteString("x")
							wantError(t, "write", err, bufferevent.ErrFreed)
						})
					}
				}
			}
		}
	})
}

// A handshake that nobody needs is not waited for.
func TestFreeWhenWrittenOfNothingEndsAHandshake(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newSockets(t, base, client, server, 0)
	evtest.Turn(t, base)
	calls := 0
	c.b.FreeWhenWrittenFunc(time.Minute, func(error) { calls++ })
	want(t, "calls", calls, 1)
	evtest.Await(t, base, "failure", s.failed)
	s.want(t, failure)
}

// Free is not an end in order, and neither is an end that the peer does not let
// come.
func TestOnlyAnEndInOrderSaysGoodbye(t *testing.T) {
	for name, end := range map[string]func(b *bufferevent.Bufferevent, base *event.Base){
		"Free": func(b *bufferevent.Bufferevent, _ *event.Base) { b.Free() },
		"FreeWhenWritten that fails": func(b *bufferevent.Bufferevent, base *event.Base) {
			b.WriteString(long(8 << 20))
			b.FreeWhenWritten(time.Minute)
			b.Free()
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			client, server := plain(0)
			c, s := newSockets(t, base, client, server, 0)
			evtest.Await(t, base, "handshake", func() bool { return c.has(connected) && s.has(connected) })
			end(c.b, base)
			evtest.Await(t, base, "end", func() bool { return s.has(eof) || s.failed() })
			want(t, "the end", s.has(eof), false)
			wantError(t, "error", s.errs[0], io.ErrUnexpectedEOF)
		})
	}
}

// What is written is bounded in time, also where the handshake does not come.
func TestFreeWhenWrittenOverTLSGivesUp(t *testing.T) {
	for name, handshake := range map[string]bool{"a silent server": false, "a client that takes nothing": true} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			client, server := plain(0)
			c, s := newSockets(t, base, client, server, 0)
			if handshake {
				evtest.Await(t, base, "handshake", func() bool { return c.has(connected) && s.has(connected) })
			}
			ok(t, s.b.Disable(event.Read))
			ok(t, s.b.Underlying().Disable(event.Read))
			write(t, c.b, long(16<<20))
			calls, ending := 0, error(nil)
			c.b.FreeWhenWrittenFunc(time.Hour, func(err error) { calls, ending = calls+1, err })
			for range 1000 {
				if calls > 0 {
					break
				}
				expire(base)
				settle(t, base)
			}
			want(t, "calls", calls, 1)
			wantError(t, "ending", ending, os.ErrDeadlineExceeded)
		})
	}
}

// crypto/tls as a peer tells an end from a stream that was cut off.
func TestFreeWhenWrittenToGo(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ok(t, err)
		t.Cleanup(func() { l.Close() })
		got := make(chan error, 1)
		go func() {
			raw, err := l.Accept()
			if err != nil {
				got <- err
				return
			}
			defer raw.Close()
			data, err := io.ReadAll(tls.Server(raw, serverTLS(version)))
			if err == nil && string(data) != long(1<<20) {
				err = fmt.Errorf("%d bytes have come", len(data))
			}
			got <- err
		}()
		client, _ := plain(version)
		b, err := evtls.NewSocket(base, -1, evtls.Connecting, client, bufferevent.CloseOnFree)
		ok(t, err)
		t.Cleanup(b.Free)
		ok(t, b.Connect(l.Addr().(*net.TCPAddr).AddrPort()))
		write(t, b, long(1<<20))
		ended := false
		b.FreeWhenWrittenFunc(time.Minute, func(err error) { ok(t, err); ended = true })
		evtest.Await(t, base, "end", func() bool { return ended })
		ok(t, <-got)
	})
}
