package dnstls

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// listen runs a TCP server that gives each connection to serve and closes it then. It
// counts connections.
func listen(t testing.TB, serve func(c net.Conn)) (netip.AddrPort, *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	var running sync.WaitGroup
	count := new(atomic.Int32)
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			running.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort(), count
}

// Whatever becomes of connections, of handshakes and of what is below TLS, a lookup is
// tried as often as it may be and no more, and says what was wrong: each reason is
// another error.
func TestALookupOverTLSKeepsItsAttempts(t *testing.T) {
	cfg := &tls.Config{Certificates: []tls.Certificate{identity(t)}}
	hold := func(c net.Conn) { io.Copy(io.Discard, c) } // until the other side ends
	read := func(c *tls.Conn) { c.Read(make([]byte, 512)) }
	unreachable := func(err error) bool {
		return errors.Is(err, evdns.ErrUnreachable) && !errors.Is(err, evdns.ErrTimeout)
	}
	timedOut := func(err error) bool {
		return errors.Is(err, evdns.ErrTimeout) && !errors.Is(err, evdns.ErrUnreachable)
	}
	tests := []struct {
		name   string
		verify bool
		serve  func(c net.Conn) // or nil: nobody listens
		silent bool
		is     func(error) bool
		most   int32 // connections, with three attempts
	}{
		{"nobody listens", false, nil, false, func(err error) bool {
			return unreachable(err) && errors.Is(err, syscall.ECONNREFUSED)
		}, 0},
		{"certificate of somebody else", true, func(c net.Conn) { tls.Server(c, cfg).Handshake() }, false, func(err error) bool {
			_, ok := errors.AsType[*tls.CertificateVerificationError](err)
			return ok && unreachable(err)
		}, 1},
		{"accepts and closes", false, func(net.Conn) {}, false, unreachable, 3},
		{"accepts and resets", false, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, false, unreachable, 3},
		{"no handshake", false, hold, true, timedOut, 3},
		{"closes after the handshake", false, func(c net.Conn) { tls.Server(c, cfg).Handshake() }, false, unreachable, 3},
		{"closes after the query", false, func(c net.Conn) { read(tls.Server(c, cfg)) }, false, unreachable, 3},
		{"closes after half an answer", false, func(c net.Conn) {
			s := tls.Server(c, cfg)
			read(s)
			s.Write([]byte{0, 100, 1, 2, 3})
		}, false, unreachable, 3},
		{"is silent", false, func(c net.Conn) { s := tls.Server(c, cfg); read(s); hold(s) }, true, timedOut, 3},
		{"is silent after half an answer", false, func(c net.Conn) {
			s := tls.Server(c, cfg)
			read(s)
			s.Write([]byte{0, 100, 1, 2, 3})
			hold(s)
		}, true, timedOut, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, count := netip.MustParseAddrPort("127.0.0.1:1"), new(atomic.Int32)
			if tt.serve != nil {
				addr, count = listen(t, tt.serve)
			}
			base, err := event.NewBase()
			ok(t, err)
			defer base.Free()
			r, err := evdns.NewBase(base, evdns.NoCache)
			ok(t, err)
			defer r.Free(false)
			ok(t, r.AddTLSNameserver(addr, func(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error) {
				cfg := &evtls.Config{TLS: &tls.Config{InsecureSkipVerify: !tt.verify, ServerName: "dns.test"}}
				b, err := evtls.NewSocket(base, -1, evtls.Connecting, cfg, bufferevent.CloseOnFree)
				if err != nil {
					return nil, err
				}
				return b, b.Connect(addr)
			}))
			timeout := "1000"
			if tt.silent {
				timeout = "0.2"
			}
			ok(t, r.SetOption("timeout", timeout))
			if err := lookUp(t, base, r); err == nil || !tt.is(err) {
				t.Errorf("failed with %v", err)
			}
			if n := count.Load(); n > tt.most {
				t.Errorf("%d connections, want at most %d", n, tt.most)
			}
		})
	}
}
