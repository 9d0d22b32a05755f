package examples

import (
	"crypto/tls"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// TestClientsOverTLSThatGoAreToldOf has a client go in every way within a streamed
// answer over TLS, and expects the error callback.
func TestClientsOverTLSThatGoAreToldOf(t *testing.T) {
	ways := map[string]func(c *tls.Conn){
		"goodbye":      func(c *tls.Conn) { c.Close() },
		"half goodbye": func(c *tls.Conn) { c.CloseWrite() },
		"end":          func(c *tls.Conn) { c.NetConn().Close() },
		"half end":     func(c *tls.Conn) { below(c).CloseWrite() },
		"reset": func(c *tls.Conn) {
			below(c).SetLinger(0)
			c.NetConn().Close()
		},
	}
	for name, leave := range ways {
		for size, pending := range map[int]string{1: "idle", 32 << 20: "pending"} {
			t.Run(name+"/"+pending, func(t *testing.T) {
				a := newAuthority(t)
				told := make(chan error, 1)
				addr := serveStreams(t, a, func(r *evhttp.Request) {
					r.SetErrorCallback(func(_ *evhttp.Request, err error) { told <- err })
					r.SendReplyStart(200, "")
					data := evbuffer.New()
					data.AddString(strings.Repeat("x", size))
					r.SendReplyChunk(data)
				})
				c := dialTLS(t, addr, a.trusting())
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
				if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
					t.Fatal(err)
				}
				leave(c)
				if strings.HasPrefix(name, "half") {
					go io.Copy(io.Discard, c) // what is pending can be taken
				}
				select {
				case err := <-told:
					if err == nil {
						t.Error("told without a reason")
					}
				case <-time.After(20 * time.Second):
					t.Error("the error callback was not called")
				}
			})
		}
	}
}

// serveStreams runs a server over TLS with a handler that is called at once.
func serveStreams(t *testing.T, a *authority, handler evhttp.Handler) (addr string) {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s := evhttp.NewServer(base)
	cfg := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{a.issue(time.Hour)}}}
	s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		return evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
	})
	s.SetGenericStream(handler)
	bound, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := base.Dispatch(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		base.Post(func() {
			s.Free()
			base.LoopExit(0)
		})
		<-done
		base.Free()
	})
	return bound.AddrPort().String()
}
