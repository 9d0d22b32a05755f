package httptls

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A site is a server over TLS.
type site struct {
	base *event.Base
	do   func(func())
	s    *evhttp.Server
	addr string
}

// newSite runs a server, on which setUp sets things before it listens.
func newSite(t testing.TB, cfg *tls.Config, setUp func(w *site)) *site {
	t.Helper()
	w := new(site)
	w.base, w.do = runLoop(t)
	w.do(func() {
		w.s = evhttp.NewServer(w.base)
		w.s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
			return evtls.NewSocket(base, fd, evtls.Accepting, &evtls.Config{TLS: cfg}, bufferevent.CloseOnFree)
		})
		w.s.SetGenericCallback(func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte("hello")) })
		if setUp != nil {
			setUp(w)
		}
		b, err := w.s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Error(err)
			return
		}
		w.addr = b.AddrPort().String()
	})
	t.Cleanup(func() { w.do(w.s.Free) })
	return w
}

const (
	whole = "HTTP/1.1 200 OK"
	get   = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	last  = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	old   = "GET / HTTP/1.0\r\n\r\n"
)

// forHandshakes is a time for a head that a handshake on a slow machine does not
// use up: it is part of it.
const forHandshakes = time.Second

var long = strings.Repeat("0123456789abcdef", 4<<16)

// answer has all requests answered by fn, as soon as their head has come.
func answer(fn evhttp.Handler) func(w *site) {
	return func(w *site) { w.s.SetGenericStream(fn) }
}

// handle has all requests answered by a handler of net/http.
func handle(fn http.HandlerFunc) func(w *site) { return answer(evnethttp.Handler(fn)) }

// stream begins an answer of unknown length; more is sent by the loop, and then
// end is called.
func stream(end func(r *evhttp.Request)) func(w *site) {
	return answer(func(r *evhttp.Request) {
		r.SendReplyStart(200, "")
		var part evbuffer.Buffer
		part.AddString(long)
		r.SendReplyChunkFunc(&part, func() { end(r) })
	})
}

// Every connection that a server ends in order ends with close_notify, whatever
// the reason, so that crypto/tls reports io.EOF (RFC 8446 section 6.1, RFC 9112
// section 9.8); and an answer that was cut off does not.
func TestServersSayGoodbye(t *testing.T) {
	tests := []struct {
		name  string
		setUp func(w *site)
		send  string
		then  func(w *site) // after the answer has come
		want  string        // the beginning of what comes
		cut   bool
	}{
		{"Connection: close", nil, last, nil, whole, false},
		{"HTTP/1.0", nil, old, nil, whole, false},
		{"large answer", answer(func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte(long)) }), last, nil, whole, false},
		{"stream", stream(func(r *evhttp.Request) { r.SendReplyEnd() }), last, nil, whole, false},
		{"stream to HTTP/1.0", stream(func(r *evhttp.Request) { r.SendReplyEnd() }), old, nil, whole, false},
		{"idle", func(w *site) { w.s.SetTimeouts(evhttp.Timeouts{Idle: 10 * time.Millisecond}) }, get, nil, whole, false},
		{"idle from the start", func(w *site) { w.s.SetTimeouts(evhttp.Timeouts{Header: forHandshakes}) }, "", nil, "", false},
		{"request that does not come", func(w *site) { w.s.SetTimeouts(evhttp.Timeouts{Header: forHandshakes}) }, "GET", nil, "HTTP/1.1 408 ", false},
		{"most requests", func(w *site) { w.s.SetMaxRequests(1) }, get, nil, whole, false},
		{"shutdown", nil, get, func(w *site) { w.s.Shutdown(time.Minute, nil) }, whole, false},
		{"shutdown that takes no time", nil, get, func(w *site) { w.s.Shutdown(time.Nanosecond, nil) }, whole, false},
		{"server freed", nil, get, func(w *site) { w.s.Free() }, whole, false},
		{"lingering close", func(w *site) { w.s.SetFlags(evhttp.ServerLingeringClose) }, last, nil, whole, false},
		{"refused head", nil, "GET / HTTP/9.9\r\n\r\n", nil, "HTTP/1.1 505 ", false},
		{"garbage", nil, "\x00\r\n\r\n", nil, "HTTP/1.1 400 ", false},
		{"body too large", func(w *site) { w.s.SetMaxBodySize(3) }, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", nil, "HTTP/1.1 413 ", false},
		{"refused expectation", nil, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nExpect: wonders\r\n\r\n", nil, "HTTP/1.1 417 ", false},
		{"refused before it is read", func(w *site) {
			w.s.SetNewRequestCallback(func(*evhttp.Request) bool { return false })
		}, get, nil, "", false},
		{"stream of net/http", handle(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, long) }), old, nil, whole, false},
		{"stream taken over by net/http", handle(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				io.WriteString(c, whole)
				io.WriteString(c, long)
				c.Close()
			}
		}), get, nil, whole, false},
		{"stream taken over", answer(func(r *evhttp.Request) {
			if b, err := r.Hijack(); err == nil {
				b.WriteString(whole)
				b.WriteString(long)
				b.FreeWhenWritten(0)
			}
		}), get, nil, whole, false},

		{"stream cut off", stream(func(r *evhttp.Request) { r.Cancel() }), get, nil, whole, true},
		{"stream to HTTP/1.0 cut off", stream(func(r *evhttp.Request) { r.Cancel() }), old, nil, whole, true},
		{"handler of net/http that gives up", handle(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, long)
			panic(http.ErrAbortHandler)
		}), get, nil, whole, true},
		{"handler of net/http that gives up with HTTP/1.0", handle(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, long)
			panic(http.ErrAbortHandler)
		}), old, nil, "", true},
		{"handler of net/http that announces more", handle(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000000")
			io.WriteString(w, long)
		}), get, nil, whole, true},
		{"server freed in the middle", func(w *site) {
			stream(func(*evhttp.Request) { w.s.Free() })(w)
		}, get, nil, whole, true},
		{"connection freed in the middle", stream(func(r *evhttp.Request) { r.Conn().Free() }), get, nil, whole, true},
		{"shutdown that takes too long", func(w *site) {
			stream(func(*evhttp.Request) { w.s.Shutdown(time.Millisecond, nil) })(w)
		}, get, nil, whole, true},
	}
	for _, version := range versions {
		for _, tt := range tests {
			t.Run(tls.VersionName(version)+", "+tt.name, func(t *testing.T) {
				w := newSite(t, serverTLS(version), tt.setUp)
				c, below := dial(t, w.addr, clientTLS(version))
				_, err := io.WriteString(c, tt.send)
				ok(t, err)
				r := bufio.NewReader(c)
				if tt.then != nil {
					_, err := r.Peek(len(whole))
					ok(t, err)
					w.do(func() { tt.then(w) })
				}
				if data := readAll(t, c, below, r, tt.cut); !strings.HasPrefix(data, tt.want) {
					t.Errorf("got %.60q, want %q", data, tt.want)
				}
			})
		}
	}
}

// What is too much is told, and so is the end, in order.
func TestServersThatAreFullSayGoodbye(t *testing.T) {
	w := newSite(t, serverTLS(tls.VersionTLS13), func(w *site) { w.s.SetMaxConnections(1) })
	dial(t, w.addr, clientTLS(0))
	c, below := dial(t, w.addr, clientTLS(0))
	if data := readAll(t, c, below, c, false); !strings.HasPrefix(data, "HTTP/1.1 503 ") {
		t.Errorf("got %q", data)
	}
}

// A client that takes nothing of the goodbye does not keep a server from stopping.
func TestShutdownWaitsForGoodbyesInBounds(t *testing.T) {
	w := newSite(t, serverTLS(tls.VersionTLS13), answer(func(r *evhttp.Request) {
		r.SendReplyBytes(200, "", []byte(strings.Repeat(long, 16)))
	}))
	c, _ := dial(t, w.addr, clientTLS(0))
	_, err := io.WriteString(c, get)
	ok(t, err)
	_, err = io.ReadFull(c, make([]byte, 1))
	ok(t, err)
	stopped := make(chan error, 1)
	w.do(func() { w.s.Shutdown(50*time.Millisecond, func(err error) { stopped <- err }) })
	if err := receive(t, "the server to stop", stopped); !errors.Is(err, evhttp.ErrDeadline) {
		t.Errorf("stopped with %v", err)
	}
}

// What a client that has ended its own stream gets is whole as well.
func TestServersSayGoodbyeToClientsThatHave(t *testing.T) {
	for _, version := range versions {
		w := newSite(t, serverTLS(version), nil)
		c, below := dial(t, w.addr, clientTLS(version))
		_, err := io.WriteString(c, get)
		ok(t, err)
		ok(t, c.CloseWrite())
		if data := readAll(t, c, below, c, false); !strings.HasPrefix(data, whole) {
			t.Errorf("%s: got %q", tls.VersionName(version), data)
		}
	}
}
