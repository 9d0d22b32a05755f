package evtls_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// ALPN chooses a protocol, which any package can ask for.
func TestALPN(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		client, server := plain(version)
		client.TLS.NextProtos = []string{"h2", "http/1.1"}
		server.TLS.NextProtos = []string{"http/1.1"}
		c, s := newEnds(t, base, client, server, 0)
		want(t, "protocol before the handshake", c.b.NegotiatedProtocol(), "")
		settle(t, base)
		want(t, "client's protocol", c.b.NegotiatedProtocol(), "http/1.1")
		want(t, "server's protocol", s.b.NegotiatedProtocol(), "http/1.1")
		f, err := bufferevent.NewFilter(c.b, nil, nil, 0, nil)
		ok(t, err)
		defer f.Free()
		want(t, "protocol through a filter", f.NegotiatedProtocol(), "http/1.1")
	})
}

// A server may have a configuration for each name.
func TestConfigByName(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		for _, name := range []string{"one.test", "two.test"} {
			client, server := plain(version)
			client.TLS.ServerName = name
			server.TLS.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				cfg := serverTLS(version)
				cfg.Certificates = []tls.Certificate{known(hello.ServerName).tls}
				return cfg, nil
			}
			c, s := newTalk(t, base, client, server, 0)
			state, _ := evtls.ConnectionState(c.b)
			want(t, "certificate", state.PeerCertificates[0].DNSNames[0], name)
			state, _ = evtls.ConnectionState(s.b)
			want(t, "name", state.ServerName, name)
		}
	})
}

// A client that is asked for it shows its certificate.
func TestClientCertificate(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		client, server := plain(version)
		client.TLS.Certificates = []tls.Certificate{known("client.test").tls}
		asksForCert(server.TLS)
		_, s := newTalk(t, base, client, server, 0)
		state, _ := evtls.ConnectionState(s.b)
		want(t, "client", state.PeerCertificates[0].DNSNames[0], "client.test")
	})
}

// Sessions are resumed, whichever side is ours.
func TestResumption(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		client, server := plain(version)
		client.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for _, resumed := range []bool{false, true, true} {
			c, s := newTalk(t, base, client, server, 0)
			for _, e := range []*end{c, s} {
				state, _ := evtls.ConnectionState(e.b)
				want(t, "resumed", state.DidResume, resumed)
			}
		}
	})
	eachSide(t, func(t *testing.T, state evtls.State, version uint16) {
		base := newBase(t)
		ours, peer := sideTLS(state, version), sideTLS(otherSide(state), version)
		ours.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		peer.ClientSessionCache = ours.ClientSessionCache
		for _, resumed := range []bool{false, true} {
			l := newLine(t, base, state, &evtls.Config{TLS: ours}, peer, talkScript)
			l.ours.echoing()
			l.run()
			l.wantTalk()
			state, _ := evtls.ConnectionState(l.ours.b)
			want(t, "resumed", state.DidResume, resumed)
		}
	})
}

// A connection goes on over another bufferevent after Detach.
func TestDetach(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		client, server := plain(version)
		c, s := newTalk(t, base, client, server, 0)
		write(t, c.b, "over the first")
		settle(t, base)
		s.wantData(t, "over the first")

		under := c.b.Underlying()
		conn, err := evtls.Detach(c.b)
		ok(t, err)
		want(t, "still usable", under.Connected(), true)
		low, high, err := under.Watermark(event.Read)
		ok(t, err)
		want(t, "watermarks of what was below", low+high, 0)
		_, err = c.b.WriteString("x")
		wantError(t, "write after Detach", err, bufferevent.ErrFreed)

		a, b := newPair(t, base, 0) // between the two, in clear
		forward := func(to *bufferevent.Bufferevent) bufferevent.DataCallback {
			return func(from *bufferevent.Bufferevent) { to.WriteBuffer(from.Input()) }
		}
		b.SetCallbacks(forward(under), nil, nil)
		under.SetCallbacks(forward(b), nil, nil)
		ok(t, b.Enable(event.Read))
		ok(t, under.Enable(event.Read))
		t.Cleanup(under.Free)

		cfg := &evtls.Config{Conn: conn}
		c = newEnd(t, a, evtls.Open, cfg, 0)
		_, err = evtls.NewFilter(under, evtls.Open, cfg, 0)
		wantError(t, "a second bufferevent", err, evtls.ErrInUse)
		write(t, c.b, "over the second")
		write(t, s.b, "and back")
		settle(t, base)
		s.wantData(t, "over the second")
		c.wantData(t, "and back")
		_, open := evtls.ConnectionState(c.b)
		want(t, "open", open, true)
		ok(t, c.b.CloseWrite())
		settle(t, base)
		s.want(t, eof)
		_, err = evtls.Detach(c.b)
		wantError(t, "detach what has ended", err, evtls.ErrNotOpen)
	})
}

// Detach is refused until the handshake is done.
func TestDetachTooEarly(t *testing.T) {
	base := newBase(t)
	a, _ := newPair(t, base, 0)
	client, _ := plain(0)
	c := newEnd(t, a, evtls.Connecting, client, 0)
	_, err := evtls.Detach(c.b)
	wantError(t, "detach", err, evtls.ErrNotOpen)
	wantError(t, "renegotiate", evtls.Renegotiate(c.b), errors.ErrUnsupported)
}

// Detach may be called as soon as the handshake is done.
func TestDetachWhenConnected(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newEnds(t, base, client, server, 0)
	under := c.b.Underlying()
	t.Cleanup(under.Free)
	var conn *evtls.Conn
	c.react = func(what bufferevent.Events) {
		var err error
		conn, err = evtls.Detach(c.b)
		ok(t, err)
	}
	settle(t, base)
	c.want(t, connected)
	c = newEnd(t, under, evtls.Open, &evtls.Config{Conn: conn}, 0)
	write(t, c.b, "hello")
	settle(t, base)
	s.wantData(t, "hello")
}

// TLS stands on filters and on TLS, and filters on it.
func TestLayers(t *testing.T) {
	flip := func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		n := src.Len()
		if limit >= 0 {
			n = min(n, limit)
		}
		p := make([]byte, n)
		if _, err := src.Remove(p); err != nil {
			return err
		}
		for i := range p {
			p[i] ^= 0x55
		}
		return dst.Add(p)
	}
	filter := func(t testing.TB, under *bufferevent.Bufferevent) *bufferevent.Bufferevent {
		f, err := bufferevent.NewFilter(under, flip, flip, bufferevent.CloseOnFree, nil)
		ok(t, err)
		return f
	}
	tests := []string{"TLS", "filter TLS", "TLS TLS", "TLS filter TLS", "TLS TLS TLS", "TLS filter"}
	for _, test := range tests {
		t.Run(test, func(t *testing.T) {
			base := newBase(t)
			client, server := plain(0)
			a, b := newPair(t, base, 0)
			var c, s *end
			for _, layer := range strings.Fields(test) {
				if layer == "filter" {
					a, b = filter(t, a), filter(t, b)
					c, s = watch(a), watch(b)
					ok(t, a.Enable(event.Read))
					ok(t, b.Enable(event.Read))
				} else {
					s = newEnd(t, b, evtls.Accepting, server, 0)
					c = newEnd(t, a, evtls.Connecting, client, 0)
				}
				a, b = c.b, s.b
			}
			t.Cleanup(a.Free)
			t.Cleanup(b.Free)
			settle(t, base)
			write(t, c.b, long(200_000))
			write(t, s.b, "short")
			settle(t, base)
			s.wantData(t, long(200_000))
			c.wantData(t, "short")
			ok(t, c.b.CloseWrite())
			settle(t, base)
			want(t, "end", s.has(eof), true)
		})
	}
}

// Arguments that make no sense are refused, and what is below stays as it was.
func TestNewRefuses(t *testing.T) {
	base := newBase(t)
	good := &evtls.Config{TLS: clientTLS(0)}
	renegotiating := clientTLS(0)
	renegotiating.Renegotiation = tls.RenegotiateFreelyAsClient
	tests := []struct {
		name  string
		state evtls.State
		cfg   *evtls.Config
		opts  bufferevent.Options
		err   error
	}{
		{"no configuration", evtls.Connecting, nil, 0, event.ErrNil},
		{"no TLS configuration", evtls.Connecting, &evtls.Config{}, 0, event.ErrNil},
		{"no connection", evtls.Open, good, 0, event.ErrNil},
		{"state", 7, good, 0, evtls.ErrState},
		{"flags", evtls.Connecting, &evtls.Config{TLS: clientTLS(0), Flags: 8}, 0, evtls.ErrFlags},
		{"renegotiation", evtls.Connecting, &evtls.Config{TLS: renegotiating}, 0, evtls.ErrRenegotiation},
		{"options", evtls.Connecting, good, bufferevent.UnlockCallbacks, bufferevent.ErrOptions},
	}
	for _, test := range tests {
		a, b := newPair(t, base, 0)
		_, err := evtls.NewFilter(a, test.state, test.cfg, test.opts)
		wantError(t, test.name, err, test.err)
		_, err = evtls.NewSocket(base, -1, test.state, test.cfg, test.opts)
		wantError(t, test.name, err, test.err)
		e := watch(b)
		ok(t, b.Enable(event.Read))
		write(t, a, "usable")
		settle(t, base)
		e.wantData(t, "usable")
	}
	_, err := evtls.NewFilter(nil, evtls.Connecting, good, 0)
	wantError(t, "nothing below", err, event.ErrNil)
	a, _ := newPair(t, base, 0)
	a.Free()
	_, err = evtls.NewFilter(a, evtls.Connecting, good, 0)
	wantError(t, "freed below", err, bufferevent.ErrFreed)
	_, err = evtls.NewSocket(nil, -1, evtls.Connecting, good, 0)
	wantError(t, "no base", err, event.ErrNil)
}
