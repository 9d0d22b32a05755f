package evtls_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// as reports whether an error has a T in it.
func as[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

// alertIs reports whether an error has an alert in it, and who sent it.
func alertIs(err error, alert tls.AlertError) bool {
	var got tls.AlertError
	var op *net.OpError
	return errors.As(err, &got) && got == alert && errors.As(err, &op)
}

// A server is told once of whatever a client sends that is no TLS, and the error
// says what that was.
func TestServerRefusesGarbage(t *testing.T) {
	tests := []struct {
		name, input string
		is          func(err error) bool
	}{
		{"HTTP", "GET / HTTP/1.1\r\n\r\n", as[tls.RecordHeaderError]},
		{"SSLv2", "\x80\x2e\x01\x00\x02", as[tls.RecordHeaderError]},
		{"future version", "\x16\x30\x01\x00\x04abcd", as[tls.RecordHeaderError]},
		{"oversized record", "\x16\x03\x01\xff\xff", as[tls.RecordHeaderError]},
		{"application data", "\x17\x03\x03\x00\x01x", as[tls.RecordHeaderError]},
		{"empty record", "\x16\x03\x01\x00\x00", func(err error) bool { return alertIs(err, 10) }},
		{"unknown message", "\x16\x03\x01\x00\x04\x63\x00\x00\x00", func(err error) bool { return alertIs(err, 10) }},
		{"endless message", "\x16\x03\x01\x00\x04\x01\xff\xff\xff", func(err error) bool { return err != nil }},
		{"alert", "\x15\x03\x01\x00\x02\x02\x28", func(err error) bool { return alertIs(err, 40) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := newBase(t)
			a, b := newPair(t, base, 0)
			e := newEnd(t, b, evtls.Accepting, &evtls.Config{TLS: serverTLS(0)}, 0)
			write(t, a, test.input)
			settle(t, base)
			a.Write([]byte(long(1 << 20))) // more of it changes nothing
			settle(t, base)
			a.CloseWrite()
			settle(t, base)
			e.want(t, failure)
			if !test.is(e.errs[0]) {
				t.Errorf("error %v (%T)", e.errs[0], errors.Unwrap(e.errs[0]))
			}
			want(t, "timers", timers(base), 0)
			if _, err := e.b.WriteString("x"); !errors.Is(err, bufferevent.ErrBroken) {
				t.Errorf("write after that: %v", err)
			}
			if n := b.Input().Len(); n > 64<<10 {
				t.Errorf("%d bytes are held for a peer that failed", n)
			}
		})
	}
}

// Certificates that do not fit fail the handshake on both sides, and the
// other side is told why before the one that refuses frees anything.
func TestHandshakeFailures(t *testing.T) {
	expired := newIdentity(root(), serverName, -time.Hour)
	stranger := newIdentity(newIdentity(nil, "other root", time.Hour), serverName, time.Hour)
	isCert := as[*tls.CertificateVerificationError]
	tests := []struct {
		name           string
		change         func(client, server *tls.Config)
		client, server func(err error) bool
	}{
		{"expired", func(_, s *tls.Config) { s.Certificates[0] = expired.tls },
			func(err error) bool {
				var invalid x509.CertificateInvalidError
				return isCert(err) && errors.As(err, &invalid) && invalid.Reason == x509.Expired
			}, func(err error) bool { return alertIs(err, 42) }},
		{"unknown authority", func(_, s *tls.Config) { s.Certificates[0] = stranger.tls },
			func(err error) bool { return isCert(err) && as[x509.UnknownAuthorityError](err) },
			func(err error) bool { return alertIs(err, 42) }},
		{"wrong name", func(c, _ *tls.Config) { c.ServerName = "elsewhere.test" },
			func(err error) bool { return isCert(err) && as[x509.HostnameError](err) },
			func(err error) bool { return alertIs(err, 42) }},
		{"no common version", func(c, s *tls.Config) { c.MaxVersion, s.MinVersion = tls.VersionTLS12, tls.VersionTLS13 },
			func(err error) bool { return alertIs(err, 70) },
			func(err error) bool { return strings.Contains(err.Error(), "unsupported versions") }},
		{"no common protocol", func(c, s *tls.Config) { c.NextProtos, s.NextProtos = []string{"a"}, []string{"b"} },
			func(err error) bool { return alertIs(err, 120) },
			func(err error) bool { return strings.Contains(err.Error(), "application protocol") }},
		{"refused by a function", func(_, s *tls.Config) {
			s.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, os.ErrPermission }
		}, func(err error) bool { return alertIs(err, 80) },
			func(err error) bool { return errors.Is(err, os.ErrPermission) }},
		{"no client certificate", func(_, s *tls.Config) { asksForCert(s); s.MaxVersion = tls.VersionTLS12 },
			func(err error) bool { return alertIs(err, 40) },
			func(err error) bool { return strings.Contains(err.Error(), "certificate") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := newBase(t)
			client, server := plain(0)
			test.change(client.TLS, server.TLS)
			c, s := newEnds(t, base, client, server, 0)
			for _, e := range []*end{c, s} {
				e.react = func(bufferevent.Events) { e.b.Free() } // at the first chance
			}
			settle(t, base)
			c.want(t, failure)
			s.want(t, failure)
			if !test.client(c.errs[0]) {
				t.Errorf("client: %v", c.errs[0])
			}
			if !test.server(s.errs[0]) {
				t.Errorf("server: %v", s.errs[0])
			}
		})
	}
}

// What a function of the configuration does to its goroutine fails the handshake
// and nothing else.
func TestFunctionsThatDoNotReturn(t *testing.T) {
	tests := []struct {
		name, message string
		fn            func()
	}{
		{"panic", "panic in handshake: oops", func() { panic("oops") }},
		{"exit", "goroutine exited", runtime.Goexit},
	}
	for _, test := range tests {
		for _, workers := range []*evtls.Workers{nil, evtls.NewWorkers(1)} {
			t.Run(test.name, func(t *testing.T) {
				base := newBase(t)
				client, server := plain(0)
				server.Workers = workers
				server.TLS.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
					test.fn()
					return nil, nil
				}
				server.TLS.Certificates = nil
				c, s := newEnds(t, base, client, server, 0)
				evtest.Await(t, base, "failure", func() bool { return s.failed() && c.failed() })
				s.want(t, failure)
				if err := s.errs[0]; !strings.Contains(err.Error(), test.message) {
					t.Errorf("error %v", err)
				}
				const internalError = tls.AlertError(80)
				if alert := tls.AlertError(0); !errors.As(c.errs[0], &alert) || alert != internalError {
					t.Errorf("the client is told %v", c.errs[0])
				}
			})
		}
	}
}

// A handshake that stops ends when its time is over, without anything left of it,
// with and without workers.
func TestHandshakeTimeout(t *testing.T) {
	for name, workers := range map[string]*evtls.Workers{"loop": nil, "workers": evtls.NewWorkers(1)} {
		for _, sent := range []int{0, 3, 100, 1 << 20} {
			t.Run(name, func(t *testing.T) {
				base := newBase(t)
				a, b := newPair(t, base, 0)
				ok(t, a.Enable(event.Read))
				e := newEnd(t, b, evtls.Accepting, &evtls.Config{TLS: serverTLS(0), Workers: workers}, 0)
				peer := newCounterpart(t, evtls.Connecting, clientTLS(0), (*tls.Conn).Handshake)
				hello := peer.take()
				write(t, a, string(hello[:min(sent, len(hello))]))
				settle(t, base)
				if sent >= len(hello) {
					evtest.Await(t, base, "answer", func() bool { return a.Input().Len() > 0 })
				}
				e.want(t)
				want(t, "timers", timers(base), 1)
				expire(base)
				settle(t, base)
				e.want(t, failure)
				wantError(t, "event", e.errs[0], evtls.ErrHandshakeTimeout)
				wantError(t, "event", e.errs[0], os.ErrDeadlineExceeded)
				want(t, "timers", timers(base), 0)
				want(t, "virtual events", base.NumEvents(event.CountVirtual), 0)
			})
		}
	}
}

// The time of a handshake is the configuration's, and none runs after it.
func TestHandshakeTime(t *testing.T) {
	tests := []struct {
		name    string
		set     time.Duration
		running int
	}{{"default", 0, 1}, {"own", time.Hour, 1}, {"none", -1, 0}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := newBase(t)
			client, server := plain(0)
			client.HandshakeTimeout = test.set
			a, b := newPair(t, base, 0)
			c := newEnd(t, a, evtls.Connecting, client, 0)
			want(t, "timers during the handshake", timers(base), test.running)
			newEnd(t, b, evtls.Accepting, server, 0)
			settle(t, base)
			c.want(t, connected)
			want(t, "timers after it", timers(base), 0)
		})
	}
}

// What ends a stream below during the handshake ends that, in every state of it.
func TestUnderlyingEndsDuringHandshake(t *testing.T) {
	refused := errors.New("refused")
	tests := []struct {
		name string
		end  func(under *bufferevent.Bufferevent, wire *bufferevent.Bufferevent)
		is   error
	}{
		{"end of the stream", func(_, wire *bufferevent.Bufferevent) { wire.CloseWrite() }, io.ErrUnexpectedEOF},
		{"error", func(under, _ *bufferevent.Bufferevent) {
			under.TriggerEvent(bufferevent.EventReading|bufferevent.EventError, refused, 0)
		}, refused},
	}
	for _, test := range tests {
		eachSide(t, func(t *testing.T, state evtls.State, version uint16) {
			base := newBase(t)
			for after := 0; ; after += 50 {
				l := newLine(t, base, state, &evtls.Config{TLS: sideTLS(state, version)}, sideTLS(otherSide(state), version), (*tls.Conn).Handshake)
				seen := 0
				l.deliver = func(data []byte) {
					l.put(data[:max(min(len(data), after-seen), 0)])
					seen += len(data)
				}
				settle(t, base)
				for l.toOurs() || seen < after && l.toPeer() {
				}
				if l.ours.has(connected) {
					return
				}
				test.end(l.ours.b.Underlying(), l.wire)
				settle(t, base)
				l.ours.want(t, failure)
				wantError(t, "event", l.ours.errs[0], test.is)
			}
		})
	}
}

// An error below after the handshake ends everything once.
func TestUnderlyingFails(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	refused := errors.New("refused")
	under := s.b.Underlying()
	under.TriggerEvent(bufferevent.EventReading|bufferevent.EventError, refused, 0)
	under.TriggerEvent(bufferevent.EventWriting|bufferevent.EventError, refused, 0)
	settle(t, base)
	s.want(t, failure)
	wantError(t, "event", s.errs[0], refused)
	c.want(t)
}

// A failure to write below leaves the reading, for the peer may have said why.
func TestUnderlyingFailsToWrite(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	refused := errors.New("refused")
	under := s.b.Underlying()
	under.TriggerEvent(bufferevent.EventWriting|bufferevent.EventError, refused, 0)
	write(t, c.b, "the reason")
	ok(t, c.b.CloseWrite())
	settle(t, base)
	s.want(t, eof, "writing|error") // the end has been read already
	s.wantData(t, "the reason")
	wantError(t, "event", s.errs[0], refused)
}

// Bytes that were changed on the way fail the connection, after what came before
// them, and the peer gets the alert though all is freed at once.
func TestCorruptedRecord(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		client, server := plain(version)
		a, x := newPair(t, base, 0)
		y, b := newPair(t, base, 0)
		flip := false
		forward := func(to *bufferevent.Bufferevent, spoil bool) bufferevent.DataCallback {
			return func(from *bufferevent.Bufferevent) {
				if spoil && flip {
					p, _ := from.Input().Pullup(from.Input().Len())
					p[len(p)-1] ^= 1
				}
				to.WriteBuffer(from.Input())
			}
		}
		x.SetCallbacks(forward(y, true), nil, nil)
		y.SetCallbacks(forward(x, false), nil, nil)
		ok(t, x.Enable(event.Read))
		ok(t, y.Enable(event.Read))
		s := newEnd(t, b, evtls.Accepting, server, 0)
		c := newEnd(t, a, evtls.Connecting, client, 0)
		settle(t, base)
		c.want(t, connected)
		s.want(t, connected)
		s.verbose = true
		s.react = func(bufferevent.Events) { s.b.Free() }
		flip = true
		ok(t, x.Disable(event.Read))
		write(t, c.b, "good")
		settle(t, base)
		write(t, c.b, "bad")
		settle(t, base)
		ok(t, x.Enable(event.Read))
		settle(t, base)
		s.want(t, "read", failure)
		s.wantData(t, "good")
		if !alertIs(s.errs[0], 20) {
			t.Errorf("server: %v", s.errs[0])
		}
		c.want(t, failure)
		if !alertIs(c.errs[0], 20) {
			t.Errorf("client: %v", c.errs[0])
		}
	})
}

// A client that TLS 1.3 lets speak before it is known learns afterwards that it
// is not wanted.
func TestRefusedAfterHandshake(t *testing.T) {
	base := newBase(t)
	client, server := plain(tls.VersionTLS13)
	asksForCert(server.TLS)
	c, s := newEnds(t, base, client, server, 0)
	s.react = func(bufferevent.Events) { s.b.Free() }
	settle(t, base)
	s.want(t, failure)
	c.want(t, connected, failure)
	if !alertIs(c.errs[0], 116) {
		t.Errorf("client: %v", c.errs[0])
	}
}

// The alert reaches the peer through another layer of TLS, too, though all of it
// is freed at the first chance, and with it the socket below.
func TestAlertThroughTLS(t *testing.T) {
	base := newBase(t)
	fds, err := evutil.LoopbackPair()
	ok(t, err)
	client, server := plain(0)
	open := func(fd int, state evtls.State, cfg *evtls.Config) *bufferevent.Bufferevent {
		ok(t, evutil.SetNonblock(fd))
		b, err := evtls.NewSocket(base, fd, state, cfg, bufferevent.CloseOnFree)
		ok(t, err)
		t.Cleanup(b.Free)
		return b
	}
	strict := clientTLS(0)
	strict.ServerName = "elsewhere.test"
	inner := newEnd(t, open(fds[1], evtls.Accepting, server), evtls.Accepting, server, 0)
	outer := newEnd(t, open(fds[0], evtls.Connecting, client), evtls.Connecting, &evtls.Config{TLS: strict}, 0)
	outer.react = func(what bufferevent.Events) { outer.b.Free() }
	evtest.Await(t, base, "both failures", func() bool { return outer.failed() && inner.failed() })
	outer.want(t, failure)
	inner.want(t, failure)
	if !alertIs(inner.errs[0], 42) {
		t.Errorf("server: %v", inner.errs[0])
	}
}

// A client that has not sent a whole record occupies no goroutine.
func TestSlowClientsOccupyNoGoroutine(t *testing.T) {
	base := newBase(t)
	peer := newCounterpart(t, evtls.Connecting, clientTLS(0), (*tls.Conn).Handshake)
	hello := string(peer.take())
	for _, sent := range []int{0, 1, 4, 5, len(hello) - 1} {
		a, b := newPair(t, base, 0)
		e := newEnd(t, b, evtls.Accepting, &evtls.Config{TLS: serverTLS(0)}, 0)
		for i := range sent {
			write(t, a, hello[i:i+1])
			evtest.Turn(t, base)
		}
		settle(t, base)
		want(t, "goroutines", handshakes(), 0)
		write(t, a, hello[sent:])
		settle(t, base)
		want(t, "goroutines with a whole record", handshakes(), 1)
		e.b.Free()
		if left := evtest.Settled(handshakes, 0); left != 0 {
			t.Errorf("%d goroutines after Free", left)
		}
	}
}

// handshakes returns how many handshakes have a goroutine. Other goroutines, of the
// test before say, may end at any time.
func handshakes() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return bytes.Count(stacks, []byte("evtls.(*handshake).run("))
}

// A handshake's time may be over while it computes elsewhere; what comes of that
// is not looked at.
func TestTimeoutWhileWorking(t *testing.T) {
	base := newBase(t)
	started, stop := make(chan bool), make(chan bool)
	client, server := plain(0)
	workers := evtls.NewWorkers(1)
	server.Workers = workers
	server.TLS.GetConfigForClient = blocked(started, stop)
	goroutines := runtime.NumGoroutine()
	_, s := newEnds(t, base, client, server, 0)
	settle(t, base)
	<-started
	expire(base)
	settle(t, base)
	s.want(t, failure)
	wantError(t, "event", s.errs[0], evtls.ErrHandshakeTimeout)
	close(stop)
	evtest.Goroutines(t, goroutines)
	settle(t, base)
	s.want(t)
	want(t, "virtual events", base.NumEvents(event.CountVirtual), 0)
}

// What a peer sends while its handshake waits for a worker does not become ours
// to hold.
func TestHandshakeInputIsBounded(t *testing.T) {
	base := newBase(t)
	a, b := newPair(t, base, 0)
	workers := evtls.NewWorkers(1)
	stop := make(chan struct{})
	busy := serverTLS(0)
	busy.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { <-stop; return nil, nil }
	e := newEnd(t, b, evtls.Accepting, &evtls.Config{TLS: busy, Workers: workers}, 0)
	peer := newCounterpart(t, evtls.Connecting, clientTLS(0), (*tls.Conn).Handshake)
	write(t, a, string(peer.take()))
	settle(t, base)
	write(t, a, long(10<<20))
	settle(t, base)
	if n := b.Input().Len(); n > 64<<10 {
		t.Errorf("%d bytes are held while the handshake computes", n)
	}
	if n := a.Output().Len(); n < 9<<20 {
		t.Errorf("only %d bytes wait at the peer", n)
	}
	close(stop)
	evtest.Await(t, base, "failure", e.failed)
	e.want(t, failure)
}
