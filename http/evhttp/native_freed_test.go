package evhttp_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// TestRequestsOnFreedBasesFail makes a request that no loop will send.
func TestRequestsOnFreedBasesFail(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	c, err := evhttp.NewClientConn(base, "127.0.0.1", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := evhttp.NewClient(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	base.Free()
	for name, send := range map[string]func(r *evhttp.Request) error{
		"connection": func(r *evhttp.Request) error { return c.MakeRequest(r, evhttp.MethodGet, "/") },
		"client":     func(r *evhttp.Request) error { return client.MakeRequest(r, evhttp.MethodGet, "http://127.0.0.1:1/") },
	} {
		t.Run(name, func(t *testing.T) {
			var ended error
			err := send(evhttp.NewRequest(func(r *evhttp.Request) { ended = r.Err() }))
			if err == nil && ended == nil {
				t.Error("the request waits for ever")
			}
		})
	}
}

// TestRequestsUnderWayEndWithTheBase frees the base, and nothing else, in all states of
// a client. Each request fails once, also if a callback cancels others or makes new ones.
func TestRequestsUnderWayEndWithTheBase(t *testing.T) {
	states := map[string]string{ // and what the server has answered
		"waiting for the answer": "",
		"reading the answer":     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome",
		"retrying":               "",
	}
	type requester func(r *evhttp.Request) error
	makers := map[string]func(t *testing.T, base *event.Base, host netip.AddrPort) (requester, func()){
		"connection": func(t *testing.T, base *event.Base, host netip.AddrPort) (requester, func()) {
			c, err := evhttp.NewClientConn(base, host.Addr().String(), int(host.Port()), nil)
			if err == nil {
				err = errors.Join(c.SetRetries(-1), c.SetInitialRetry(time.Hour))
			}
			if err != nil {
				t.Fatal(err)
			}
			return func(r *evhttp.Request) error { return c.MakeRequest(r, evhttp.MethodGet, "/") }, c.Free
		},
		"client": func(t *testing.T, base *event.Base, host netip.AddrPort) (requester, func()) {
			c, err := evhttp.NewClient(base, &evhttp.ClientConfig{MaxPerHost: 1, SetUp: func(c *evhttp.ClientConn) error {
				return errors.Join(c.SetRetries(-1), c.SetInitialRetry(time.Hour))
			}})
			if err != nil {
				t.Fatal(err)
			}
			return func(r *evhttp.Request) error {
				return c.MakeRequest(r, evhttp.MethodGet, "http://"+host.String()+"/")
			}, c.Free
		},
	}
	for kind, newClient := range makers {
		for state, answer := range states {
			t.Run(kind+"/"+state, func(t *testing.T) {
				base, do, free := freeable(t)
				began := make(chan struct{}, 9)
				addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
					io.WriteString(c, answer)
					began <- struct{}{}
					io.Copy(io.Discard, in)
				})
				if state == "retrying" {
					addr = "127.0.0.1:1"
					began <- struct{}{}
				}
				var send requester
				var close func()
				var done, failed, cancelled int
				do(func() {
					send, close = newClient(t, base, netip.MustParseAddrPort(addr))
					last := evhttp.NewRequest(func(*evhttp.Request) { t.Error("done was called after Cancel") })
					last.SetErrorCallback(func(*evhttp.Request, error) { cancelled++ })
					for range 3 {
						r := evhttp.NewRequest(func(r *evhttp.Request) {
							if done++; !errors.Is(r.Err(), event.ErrFreed) {
								t.Errorf("request ended with %v", r.Err())
							}
							last.Cancel()
							if err := send(evhttp.NewRequest(func(*evhttp.Request) { t.Error("a new one was done") })); err == nil {
								t.Error("a new one was taken")
							}
						})
						r.SetErrorCallback(func(*evhttp.Request, error) { failed++ })
						if err := send(r); err != nil {
							t.Error(err)
						}
					}
					if err := send(last); err != nil {
						t.Error(err)
					}
				})
				servertest.Await(t, began, "the request")
				free()
				if done != 3 || failed != 3 || cancelled != 1 {
					t.Errorf("done was called %d times, the error callback %d, that of the one cancelled %d", done, failed, cancelled)
				}
				close()
			})
		}
	}
}

// TestServersEndWithTheBase frees the base, and nothing else, while requests are under way.
func TestServersEndWithTheBase(t *testing.T) {
	for state, begin := range map[string]func(r *evhttp.Request){
		"not answered": func(*evhttp.Request) {},
		"begun":        func(r *evhttp.Request) { r.SendReplyStart(200, ""); r.SendReplyChunk(servertest.Text("x")) },
		"pending": func(r *evhttp.Request) {
			r.SendReplyStart(200, "")
			r.SendReplyChunk(servertest.Text(string(make([]byte, huge))))
		},
		"shutting down": func(r *evhttp.Request) {
			r.Data.(func())()
		},
	} {
		t.Run(state, func(t *testing.T) {
			base, do, free := freeable(t)
			began := make(chan *evhttp.Request, 1)
			var failed, closed, shut int
			var s *evhttp.Server
			var addr string
			do(func() {
				s = evhttp.NewServer(base)
				s.SetGenericCallback(func(r *evhttp.Request) {
					r.Data = func() {
						s.Shutdown(0, func(err error) {
							if shut++; !errors.Is(err, event.ErrFreed) {
								t.Errorf("shutting down ended with %v", err)
							}
						})
					}
					r.SetErrorCallback(func(_ *evhttp.Request, err error) {
						if failed++; !errors.Is(err, event.ErrFreed) {
							t.Errorf("request ended with %v", err)
						}
					})
					r.Conn().SetCloseCallback(func(*evhttp.Conn) { closed++ })
					r.Context()
					begin(r)
					began <- r
				})
				b, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
				if err != nil {
					t.Error(err)
					return
				}
				addr = b.AddrPort().String()
			})
			c := servertest.Connect(t, addr)
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			r := servertest.Await(t, began, "the request")
			free()
			servertest.Await(t, r.Context().Done(), "the end of the context")
			if failed != 1 || closed != 1 {
				t.Errorf("the error callback was called %d times, the close callback %d", failed, closed)
			}
			if want := map[bool]int{true: 1}[state == "shutting down"]; shut != want {
				t.Errorf("shutting down ended %d times, want %d", shut, want)
			}
			io.Copy(io.Discard, c) // the connection is closed
			s.Free()
			if n := s.ConnectionCount(); n != 0 {
				t.Errorf("%d connections are left", n)
			}
		})
	}
}
