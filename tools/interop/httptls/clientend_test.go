package httptls

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
)

// A caller is a client of ours.
type caller struct {
	base *event.Base
	do   func(func())
	c    *evhttp.Client
}

func newCaller(t testing.TB, tlsCfg *tls.Config, change func(cfg *evhttp.ClientConfig)) *caller {
	t.Helper()
	w := new(caller)
	w.base, w.do = runLoop(t)
	cfg := &evhttp.ClientConfig{Secure: secure(tlsCfg)}
	if change != nil {
		change(cfg)
	}
	var err error
	w.do(func() { w.c, err = evhttp.NewClient(w.base, cfg) })
	ok(t, err)
	t.Cleanup(func() { w.do(w.c.Free) })
	return w
}

// ask sends a request, and returns it when it is over.
func (w *caller) ask(t testing.TB, url string, prepare func(r *evhttp.Request)) *evhttp.Request {
	t.Helper()
	over := make(chan *evhttp.Request, 1)
	w.do(func() {
		r := evhttp.NewRequest(func(r *evhttp.Request) { over <- r })
		if prepare != nil {
			prepare(r)
		}
		if err := w.c.MakeRequest(r, evhttp.MethodGet, url); err != nil {
			t.Error(err)
		}
	})
	return receive(t, "the answer", over)
}

// strictServer runs a server over TLS that handles each connection as serve says,
// and then tells whether the client's stream was cut off.
func strictServer(t testing.TB, version uint16, serve func(c *tls.Conn, r *bufio.Reader)) (url string, cut chan bool) {
	cut = make(chan bool, 8)
	addr := listen(t, func(raw net.Conn) {
		below := &strict{Conn: raw}
		c := tls.Server(below, serverTLS(version))
		r := bufio.NewReader(c)
		serve(c, r)
		io.Copy(io.Discard, r)
		cut <- below.cut
	})
	return "https://" + addr + "/", cut
}

// answering answers all requests on a connection.
func answering(answer string) func(c *tls.Conn, r *bufio.Reader) {
	return func(c *tls.Conn, r *bufio.Reader) {
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			io.WriteString(c, answer)
		}
	}
}

const (
	kept   = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	closed = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
)

// Every connection that a client ends in order ends with close_notify.
func TestClientsSayGoodbye(t *testing.T) {
	tests := []struct {
		name   string
		serve  func(c *tls.Conn, r *bufio.Reader)
		change func(cfg *evhttp.ClientConfig)
		then   func(w *caller, r *evhttp.Request)
	}{
		{"the server wants it", answering(closed), nil, nil},
		{"the client wants it", answering(kept), nil, nil},
		{"idle for too long", answering(kept), func(cfg *evhttp.ClientConfig) { cfg.IdleTimeout = time.Millisecond }, nil},
		{"idle connections closed", answering(kept), nil, func(w *caller, _ *evhttp.Request) { w.c.CloseIdleConnections() }},
		{"client freed", answering(kept), nil, func(w *caller, _ *evhttp.Request) { w.c.Free() }},
		{"connection freed", answering(kept), nil, nil},
		{"the server says more than it was asked", answering(kept + "HTTP/1.1 200 OK\r\n\r\n"), nil, nil},
		{"the server ends an idle connection", func(c *tls.Conn, r *bufio.Reader) {
			http.ReadRequest(r)
			io.WriteString(c, kept)
			c.CloseWrite()
		}, nil, nil},
		{"a stream until its end", func(c *tls.Conn, r *bufio.Reader) {
			http.ReadRequest(r)
			io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nhello")
			c.CloseWrite()
		}, nil, nil},
		{"another protocol that nobody takes", answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), nil, nil},
	}
	for _, version := range versions {
		for _, tt := range tests {
			t.Run(tls.VersionName(version)+", "+tt.name, func(t *testing.T) {
				url, cut := strictServer(t, version, tt.serve)
				w := newCaller(t, clientTLS(version), tt.change)
				r := w.ask(t, url, func(r *evhttp.Request) {
					switch tt.name {
					case "the client wants it":
						r.OutputHeaders().Add("Connection", "close")
					case "another protocol that nobody takes":
						r.OutputHeaders().Add("Connection", "upgrade")
						r.OutputHeaders().Add("Upgrade", "x")
					}
				})
				ok(t, r.Err())
				w.do(func() {
					switch {
					case tt.then != nil:
						tt.then(w, r)
					case tt.name == "connection freed":
						w.c.CloseIdleConnections()
					}
				})
				if receive(t, "the end", cut) {
					t.Error("the stream was cut off")
				}
			})
		}
	}
}

// Goodbyes are said through a proxy, too, over TLS or in clear, and to it.
func TestClientsSayGoodbyeThroughProxies(t *testing.T) {
	for _, secureProxy := range []bool{false, true} {
		for _, refused := range []bool{false, true} {
			t.Run(fmt.Sprintf("TLS to the proxy %v, refused %v", secureProxy, refused), func(t *testing.T) {
				origin, cut := strictServer(t, 0, answering(closed))
				through := make(chan bool, 1)
				proxy := "http://" + listen(t, func(raw net.Conn) {
					below := &strict{Conn: raw}
					var c net.Conn = below
					if secureProxy {
						c = tls.Server(below, serverTLS(0))
					}
					r := bufio.NewReader(c)
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if refused {
						io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
						io.Copy(io.Discard, r)
						through <- below.cut
						return
					}
					there, err := net.Dial("tcp", req.Host)
					if err != nil {
						return
					}
					defer there.Close()
					io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
					go io.Copy(c, there)
					io.Copy(there, r)
					through <- below.cut
				})
				if secureProxy {
					proxy = "https" + strings.TrimPrefix(proxy, "http")
				}
				w := newCaller(t, clientTLS(0), func(cfg *evhttp.ClientConfig) {
					cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(proxy) }
				})
				err := w.ask(t, origin, nil).Err()
				if refused != (err != nil) {
					t.Errorf("the request ended with %v", err)
				}
				if !refused && receive(t, "the end", cut) {
					t.Error("the stream to the origin was cut off")
				}
				if receive(t, "the end at the proxy", through) && secureProxy {
					t.Error("the stream to the proxy was cut off")
				}
			})
		}
	}
}

// A request that is given up in its middle is cut off.
func TestClientsThatGiveUpDoNotSayGoodbye(t *testing.T) {
	for name, giveUp := range map[string]func(w *caller, r *evhttp.Request){
		"cancelled":    func(_ *caller, r *evhttp.Request) { r.Cancel() },
		"client freed": func(w *caller, _ *evhttp.Request) { w.c.Free() },
	} {
		t.Run(name, func(t *testing.T) {
			url, cut := strictServer(t, 0, func(*tls.Conn, *bufio.Reader) {})
			w := newCaller(t, clientTLS(0), nil)
			w.do(func() {
				r := evhttp.NewRequest(nil)
				err := w.c.StartRequest(r, evhttp.MethodPost, url, func(r *evhttp.Request) { giveUp(w, r) })
				if err != nil {
					t.Error(err)
				}
			})
			if !receive(t, "the end", cut) {
				t.Error("the stream has ended in order")
			}
		})
	}
}

// A body that lasts to the end of the stream is whole only if the end was one in
// order (RFC 9112 section 9.8).
func TestBodiesThatWereCutOffAreNotWhole(t *testing.T) {
	ends := []struct {
		name  string
		end   func(c *tls.Conn)
		whole bool
	}{
		{"close_notify", func(c *tls.Conn) { c.CloseWrite() }, true},
		{"end of the stream below", func(c *tls.Conn) { c.NetConn().(*net.TCPConn).CloseWrite() }, false},
		{"reset", func(c *tls.Conn) { c.NetConn().(*net.TCPConn).SetLinger(0); c.NetConn().Close() }, false},
		{"part of a record", func(c *tls.Conn) {
			c.NetConn().Write([]byte{23, 3, 3, 1, 0, 1, 2, 3})
			c.NetConn().(*net.TCPConn).CloseWrite()
		}, false},
	}
	for _, version := range versions {
		for _, end := range ends {
			t.Run(tls.VersionName(version)+", "+end.name, func(t *testing.T) {
				url := "https://" + listen(t, func(raw net.Conn) {
					c := tls.Server(raw, serverTLS(version))
					r := bufio.NewReader(c)
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n"+long)
					end.end(c)
					io.Copy(io.Discard, raw)
				}) + "/"
				w := newCaller(t, clientTLS(version), nil)
				r := w.ask(t, url, nil)
				if err := r.Err(); end.whole != (err == nil) {
					t.Errorf("the request ended with %v", err)
				} else if end.name == "end of the stream below" && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("the reason is %v", err)
				}
				resp, err := (&http.Client{Transport: evnethttp.RoundTripper(w.c)}).Get(url)
				if err != nil && end.name == "reset" {
					return // it may overtake the head
				}
				ok(t, err)
				defer resp.Body.Close()
				data, err := io.ReadAll(resp.Body)
				if end.whole != (err == nil) || end.whole && string(data) != long {
					t.Errorf("%d bytes, and %v", len(data), err)
				}
			})
		}
	}
}
