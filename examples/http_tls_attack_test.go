package examples

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A secureServer is evhttp over evtls, in this process, so that its timeouts can
// be short.
type secureServer struct {
	t      *testing.T
	base   *event.Base
	server *evhttp.Server
	addr   string
	trust  *tls.Config

	accepted int // connections ever; belongs to the loop
}

func newSecureServer(t *testing.T) *secureServer {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s := &secureServer{t: t, base: base, server: evhttp.NewServer(base)}
	bound, err := s.server.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	s.addr = bound.AddrPort().String()
	a := newAuthority(t)
	s.trust = a.trusting()
	cfg := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{a.issue(time.Hour)}}, HandshakeTimeout: -1}
	s.server.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		s.accepted++
		return evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
	})
	s.server.SetGenericCallback(func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte("served")) })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		base.Dispatch()
	}()
	t.Cleanup(func() {
		s.on(func() {
			s.server.Free()
			base.LoopExit(0)
		})
		<-ended
		base.Free()
	})
	return s
}

// on runs a function on the loop.
func (s *secureServer) on(fn func()) {
	s.t.Helper()
	done := make(chan struct{})
	if err := s.base.Post(func() { fn(); close(done) }); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(deadline):
		s.t.Fatal("the loop hangs")
	}
}

// await waits until what count returns on the loop is n.
func (s *secureServer) await(n int, count func() int) {
	for have := -1; have != n; {
		s.on(func() { have = count() })
		runtime.Gosched()
	}
}

// setHeaderTimeout sets it for connections that are made from now on.
func (s *secureServer) setHeaderTimeout(d time.Duration) {
	s.on(func() {
		limits := s.server.Timeouts()
		limits.Header = d
		s.server.SetTimeouts(limits)
	})
}

// helloOf returns what a client says first.
func helloOf(t *testing.T, cfg *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go tls.Client(client, cfg).HandshakeContext(t.Context())
	hello := make([]byte, 5)
	if _, err := io.ReadFull(server, hello); err != nil {
		t.Fatal(err)
	}
	hello = append(hello, make([]byte, int(hello[3])<<8|int(hello[4]))...)
	if _, err := io.ReadFull(server, hello[5:]); err != nil {
		t.Fatal(err)
	}
	return hello
}

// TestClientsThatDoNotFinishTLS are dropped when the time for the first header is
// up, wherever they have stopped, and others are served meanwhile.
func TestClientsThatDoNotFinishTLS(t *testing.T) {
	s := newSecureServer(t)
	hello := helloOf(t, s.trust)
	attacks := map[string]func(c net.Conn) error{
		"nothing":            func(net.Conn) error { return nil },
		"a byte":             func(c net.Conn) error { _, err := c.Write(hello[:1]); return err },
		"a part of a record": func(c net.Conn) error { _, err := c.Write(hello[:len(hello)/2]); return err },
		"no Finished":        func(c net.Conn) error { _, err := c.Write(hello); return err },
		"no request": func(c net.Conn) error {
			return tls.Client(c, s.trust).HandshakeContext(context.Background())
		},
		"a part of a request": func(c net.Conn) error {
			_, err := io.WriteString(tls.Client(c, s.trust), "GET / HTTP/1.1\r\nHost: a\r\n")
			return err
		},
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var conns []net.Conn
	const each = 20
	for name, attack := range attacks {
		for range each {
			// Time enough for what is to be sent, so that it is known where
			// each of them stops.
			s.setHeaderTimeout(time.Second)
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(deadline))
			conns = append(conns, c)
			if err := attack(c); err != nil {
				t.Logf("%s: %v", name, err) // a slow machine
			}
		}
	}
	s.await(len(conns), func() int { return s.accepted }) // each with the short timeout
	s.setHeaderTimeout(deadline)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("it took %d kB", grown>>10)
	}
	transport := &http.Transport{TLSClientConfig: s.trust}
	defer transport.CloseIdleConnections()
	if got := ask(t, transport, "GET", "https://"+s.addr+"/", ""); got != "200 OK served" {
		t.Errorf("got %s", got)
	}
	for _, c := range conns {
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Error(err)
		}
		c.Close()
	}
	s.await(1, s.server.ConnectionCount)
}

// TestClientsThatBreakTLS speak something else, or go in the middle.
func TestClientsThatBreakTLS(t *testing.T) {
	s := newSecureServer(t)
	hello := helloOf(t, s.trust)
	for _, what := range [][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), bytes.Repeat([]byte{0x16}, 1<<16), append(bytes.Clone(hello), "GET / HTTP/1.1"...)} {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(deadline))
		c.Write(what)
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%.10q: %v", what, err)
		}
		c.Close()
	}
	for n := 0; n <= len(hello); n += 7 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.Write(hello[:n])
		if n%2 == 0 {
			c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
	}
	s.await(0, s.server.ConnectionCount)
}
