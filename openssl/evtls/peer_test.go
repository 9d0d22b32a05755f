package evtls_test

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// resolver finds all hosts on the loopback interface.
type resolver struct{}

func (resolver) GetAddrInfo(_, service string, _ *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) func() {
	port, _ := strconv.Atoi(service)
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
	done([]evutil.AddrInfo{{Family: syscall.AF_INET, SockType: syscall.SOCK_STREAM, Addr: at}}, nil)
	return func() {}
}

// A hall is a server in Go that does the handshakes of its clients, and tells what
// names these ask for.
func newHall(t testing.TB, cfg *tls.Config) (at netip.AddrPort, names chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	names = make(chan string, 16)
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- hello.ServerName
		return nil, nil
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer raw.Close()
				c := tls.Server(raw, cfg)
				raw.SetDeadline(time.Now().Add(patience))
				c.Write([]byte("x")) // with it come the tickets of sessions
				c.Read(make([]byte, 1))
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort(), names
}

// The name of the host that is connected to is that of the server, if nothing else
// is said.
func TestConnectHostnameSuppliesTheServerName(t *testing.T) {
	ways := map[string]func(testing.TB, *event.Base, *evtls.Config) (b, connect *bufferevent.Bufferevent){
		"NewSocket": func(t testing.TB, base *event.Base, cfg *evtls.Config) (b, connect *bufferevent.Bufferevent) {
			b, err := evtls.NewSocket(base, -1, evtls.Connecting, cfg, bufferevent.CloseOnFree)
			ok(t, err)
			return b, b
		},
		"the socket below": func(t testing.TB, base *event.Base, cfg *evtls.Config) (b, connect *bufferevent.Bufferevent) {
			b, err := evtls.NewSocket(base, -1, evtls.Connecting, cfg, bufferevent.CloseOnFree)
			ok(t, err)
			return b, b.Underlying()
		},
		"a filter below": func(t testing.TB, base *event.Base, cfg *evtls.Config) (b, connect *bufferevent.Bufferevent) {
			socket, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
			ok(t, err)
			filter, err := bufferevent.NewFilter(socket, nil, nil, bufferevent.CloseOnFree, nil)
			ok(t, err)
			b, err = evtls.NewFilter(filter, evtls.Connecting, cfg, bufferevent.CloseOnFree)
			ok(t, err)
			return b, b
		},
		"a filter above": func(t testing.TB, base *event.Base, cfg *evtls.Config) (b, connect *bufferevent.Bufferevent) {
			below, err := evtls.NewSocket(base, -1, evtls.Connecting, cfg, bufferevent.CloseOnFree)
			ok(t, err)
			b, err = bufferevent.NewFilter(below, nil, nil, bufferevent.CloseOnFree, nil)
			ok(t, err)
			return b, b
		},
	}
	tests := []struct {
		name, host, server string
		insecure           bool
		asked              string // what the server is asked for
		connected          bool
	}{
		{"the host", serverName, "", false, serverName, true},
		{"another host", "other.test", "", false, "other.test", false},
		{"a name that was set", "other.test", serverName, false, serverName, true},
		{"any certificate", "other.test", "", true, "other.test", true},
		{"an address", "127.0.0.1", "", true, "", true},
		{"an address that the certificate has not", "127.0.0.1", "", false, "", false},
	}
	for way, make := range ways {
		for _, tt := range tests {
			t.Run(way+", "+tt.name, func(t *testing.T) {
				base := newBase(t)
				at, names := newHall(t, serverTLS(0))
				cfg := clientTLS(0)
				cfg.ServerName, cfg.InsecureSkipVerify = tt.server, tt.insecure
				b, connect := make(t, base, &evtls.Config{TLS: cfg})
				t.Cleanup(b.Free)
				e := watch(b)
				ok(t, connect.ConnectHostname(resolver{}, "tcp4", tt.host, int(at.Port())))
				evtest.Await(t, base, "handshake", func() bool { return e.has(connected) || e.failed() })
				want(t, "connected", e.has(connected), tt.connected)
				want(t, "name", <-names, tt.asked)
				want(t, "configuration", cfg.ServerName, tt.server)
			})
		}
	}
}

// Sessions of servers without a name are remembered by their addresses, and not at
// all where there is none.
func TestSessionsOfServersWithoutAName(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		cfg := clientTLS(version)
		cfg.ServerName, cfg.InsecureSkipVerify = "", true
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(0)
		resumed := func(at netip.AddrPort) bool {
			b, err := evtls.NewSocket(base, -1, evtls.Connecting, &evtls.Config{TLS: cfg}, bufferevent.CloseOnFree)
			ok(t, err)
			t.Cleanup(b.Free)
			e := watch(b)
			ok(t, b.Enable(event.Read))
			ok(t, b.Connect(at))
			evtest.Await(t, base, "session", func() bool { return len(e.data) > 0 || e.failed() })
			want(t, "connected", e.has(connected), true)
			state, _ := evtls.ConnectionState(b)
			b.Free()
			return state.DidResume
		}
		// The two share the keys of tickets, as servers of one site do.
		keys := [32]byte{1}
		one, two := serverTLS(version), serverTLS(version)
		one.SetSessionTicketKeys([][32]byte{keys})
		two.SetSessionTicketKeys([][32]byte{keys})
		first, _ := newHall(t, one)
		second, _ := newHall(t, two)
		want(t, "resumed the first time", resumed(first), false)
		want(t, "resumed at another server", resumed(second), false)
		want(t, "resumed", resumed(first), true)
		want(t, "resumed", resumed(second), true)
	})
}

func TestSessionsOfServersWithoutAnAddressAreNotRemembered(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	client.TLS.ServerName, client.TLS.InsecureSkipVerify = "", true
	client.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	for range 2 {
		c, s := newTalk(t, base, client, server, 0)
		write(t, s.b, "x")
		settle(t, base)
		state, _ := evtls.ConnectionState(c.b)
		want(t, "resumed", state.DidResume, false)
	}
}

// The functions of a configuration see the addresses of the connection that they
// are about, and so does who looks at it afterwards.
func TestConnectionsKnowTheirAddresses(t *testing.T) {
	for _, workers := range []*evtls.Workers{nil, evtls.NewWorkers(1)} {
		for _, fn := range []string{"GetConfigForClient", "GetCertificate"} {
			base := newBase(t)
			client, server := plain(0)
			server.Workers = workers
			told := make(chan [2]string, 1)
			tell := func(hello *tls.ClientHelloInfo) {
				told <- [2]string{hello.Conn.LocalAddr().String(), hello.Conn.RemoteAddr().String()}
			}
			if fn == "GetCertificate" {
				cert := server.TLS.Certificates[0]
				server.TLS.Certificates = nil
				server.TLS.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
					tell(hello)
					return &cert, nil
				}
			} else {
				server.TLS.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
					tell(hello)
					return nil, nil
				}
			}
			c, s := newSockets(t, base, client, server, 0)
			evtest.Await(t, base, "handshake", func() bool { return c.has(connected) && s.has(connected) })
			local, remote := s.b.NetAddrs()
			ours, theirs := local.String(), remote.String()
			want(t, "addresses", <-told, [2]string{ours, theirs})
			want(t, "the peer's address", s.b.PeerAddr().String(), theirs)
			for b, addrs := range map[*bufferevent.Bufferevent][2]string{s.b: {ours, theirs}, c.b: {theirs, ours}} {
				conn := evtls.TLSConn(b)
				want(t, "addresses of the connection", [2]string{conn.LocalAddr().String(), conn.RemoteAddr().String()}, addrs)
			}
		}
	}
}

// A connection over what has no address has none, but does not make up for it.
func TestConnectionsWithoutAddresses(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, _ := newTalk(t, base, client, server, 0)
	conn := evtls.TLSConn(c.b)
	want(t, "address", conn.RemoteAddr().String()+conn.LocalAddr().String(), "")
}

// A connection that goes on over another stream has the addresses of that.
func TestConnectionsThatMoveHaveOtherAddresses(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newSockets(t, base, client, server, 0)
	evtest.Await(t, base, "handshake", func() bool { return c.has(connected) && s.has(connected) })
	before := evtls.TLSConn(c.b).RemoteAddr().String()
	under := c.b.Underlying()
	conn, err := evtls.Detach(c.b)
	ok(t, err)
	t.Cleanup(under.Free)
	a, _ := newPair(t, base, 0)
	b, err := evtls.NewFilter(a, evtls.Open, &evtls.Config{Conn: conn}, 0)
	ok(t, err)
	t.Cleanup(b.Free)
	want(t, "that it had an address", before != "", true)
	want(t, "address", evtls.TLSConn(b).RemoteAddr().String(), "")
}

// A stream that TLS is put over later can say whose it is; that it was connected by
// name to somebody, who may be a proxy, does not.
func TestStreamsSayWhoseTheyAre(t *testing.T) {
	for name, good := range map[string]bool{serverName: true, "other.test": false} {
		base := newBase(t)
		client, server := plain(0)
		client.TLS.ServerName = ""
		a, b := newPair(t, base, 0)
		a.NamePeer(name)
		s := newEnd(t, b, evtls.Accepting, server, 0)
		c := newEnd(t, a, evtls.Connecting, client, 0)
		settle(t, base)
		want(t, "client connected", c.has(connected), good)
		want(t, "server failed", s.failed(), !good)
	}
	base := newBase(t)
	at, _ := newHall(t, serverTLS(0))
	b, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	ok(t, err)
	t.Cleanup(b.Free)
	ok(t, b.ConnectHostname(resolver{}, "tcp4", serverName, int(at.Port())))
	want(t, "name", b.PeerName(), "")
}
