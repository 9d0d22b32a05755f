package examples

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// serveTLS runs an evhttp server over evtls that agrees on one of protocols.
func serveTLS(t *testing.T, a *authority, protocols ...string) (addr string) {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s := evhttp.NewServer(base)
	cfg := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{a.issue(time.Hour)}, NextProtos: protocols}}
	s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		return evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
	})
	s.SetGenericStream(evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.ServerName, " ", r.TLS.NegotiatedProtocol)
	})))
	bound, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		base.Dispatch()
		close(done)
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

func TestHandlersOfNetHTTPKnowOfTLS(t *testing.T) {
	a := newAuthority(t)
	addr := serveTLS(t, a, "http/1.1")
	transport := &http.Transport{TLSClientConfig: a.trusting()}
	defer transport.CloseIdleConnections()
	if got := ask(t, transport, "GET", "https://"+addr+"/", ""); got != "200 OK localhost " && got != "200 OK localhost http/1.1" {
		t.Errorf("got %s", got)
	}
}

// A server of HTTP/1.1 must not be talked to in HTTP/2.
func TestStreamsThatAgreeOnHTTP2AreClosed(t *testing.T) {
	a := newAuthority(t)
	addr := serveTLS(t, a, "h2", "http/1.1")
	for protocol, want := range map[string]string{"h2": "", "http/1.1": "HTTP/1.1 200 OK\r\n"} {
		cfg := a.trusting()
		cfg.NextProtos = []string{protocol}
		conn := dialTLS(t, addr, cfg)
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		got, _ := io.ReadAll(conn)
		if (want == "") != (len(got) == 0) || !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: got %q", protocol, got)
		}
	}
}
