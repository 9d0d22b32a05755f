package evhttp_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// A panicCase is a server with a callback that panics, and what the client gets:
// the status and the body of an answer, or nothing.
type panicCase struct {
	name  string
	setup func(s *evhttp.Server)
	want  string
}

const brokenPage = "500 " + "<!DOCTYPE html>\n<html><head><title>500 Internal Server Error</title></head>\n" +
	"<body><h1>500 Internal Server Error</h1></body></html>\n"

func panicCases() []panicCase {
	handler := func(fn evhttp.Handler) func(s *evhttp.Server) {
		return func(s *evhttp.Server) { s.SetGenericCallback(fn) }
	}
	stream := func(fn evhttp.Handler) func(s *evhttp.Server) {
		return func(s *evhttp.Server) { s.SetGenericStream(fn) }
	}
	newRequest := func(fn func(r *evhttp.Request) bool) func(s *evhttp.Server) {
		return func(s *evhttp.Server) {
			s.SetNewRequestCallback(func(r *evhttp.Request) bool { return r.URI() == "/fine" || fn(r) })
		}
	}
	boom := func(*evhttp.Request) { panic("boom") }
	ok := func(r *evhttp.Request) { r.SendReply(200, "", servertest.Text("fine")) }
	return []panicCase{
		{"handler", handler(boom), brokenPage},
		{"handler with fields of an answer", handler(func(r *evhttp.Request) {
			r.OutputHeaders().Set("Content-Encoding", "gzip")
			r.Output().AddString("half an answer")
			panic("boom")
		}), brokenPage},
		{"handler of a stream", stream(boom), brokenPage},
		{"handler that has begun to answer", handler(func(r *evhttp.Request) {
			r.SendReplyStart(200, "")
			panic("boom")
		}), ""},
		{"handler that has answered", handler(func(r *evhttp.Request) { ok(r); panic("boom") }), "200 fine"},
		{"handler of a pattern", func(s *evhttp.Server) {
			if err := s.HandlePattern("/{name}", boom); err != nil {
				panic(err)
			}
		}, brokenPage},
		{"chunk callback", stream(func(r *evhttp.Request) { r.SetChunkCallback(boom) }), brokenPage},
		{"callback for new requests", newRequest(func(*evhttp.Request) bool { panic("boom") }), brokenPage},
		{"header callback", newRequest(func(r *evhttp.Request) bool {
			r.SetHeaderCallback(func(*evhttp.Request) bool { panic("boom") })
			return true
		}), brokenPage},
		{"page of an error", func(s *evhttp.Server) {
			s.SetErrorCallback(func(*evhttp.Request, int, string) bool { panic("boom") })
		}, brokenPage},
		{"callback for what was sent", handler(func(r *evhttp.Request) {
			r.SendReplyStart(200, "")
			r.SendReplyChunkFunc(servertest.Text("x"), func() { panic("boom") })
		}), ""},
		{"complete callback", handler(func(r *evhttp.Request) { r.SetCompleteCallback(boom); ok(r) }), "200 fine"},
		{"error callback", handler(func(r *evhttp.Request) {
			r.SetErrorCallback(func(*evhttp.Request, error) { panic("boom") })
			r.Conn().Free()
		}), ""},
		{"error callback after a panic", handler(func(r *evhttp.Request) {
			r.SetErrorCallback(func(*evhttp.Request, error) { panic("boom again") })
			panic("boom")
		}), brokenPage},
		{"close callback", handler(func(r *evhttp.Request) {
			r.Conn().SetCloseCallback(func(*evhttp.Conn) { panic("boom") })
			r.OutputHeaders().Set("Connection", "close")
			ok(r)
		}), "200 fine"},
		{"log callback", func(s *evhttp.Server) {
			handler(ok)(s)
			s.SetLogCallback(func(r *evhttp.Request) {
				if r.URI() != "/fine" {
					panic("boom")
				}
			})
		}, "200 fine"},
	}
}

// TestPanicsEndTheirConnectionOnly has callbacks panic, and another connection go on,
// on streams whose callbacks are called at once and later.
func TestPanicsEndTheirConnectionOnly(t *testing.T) {
	for _, options := range []bufferevent.Options{bufferevent.CloseOnFree, bufferevent.CloseOnFree | bufferevent.DeferCallbacks} {
		for _, test := range panicCases() {
			t.Run(fmt.Sprintf("%s/options=%d", test.name, options), func(t *testing.T) {
				l := servertest.NewLoop(t)
				panics := make(chan any, 10)
				_, addr := l.Serve(func(s *evhttp.Server) {
					s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
						return bufferevent.NewSocket(base, fd, options)
					})
					s.SetPanicCallback(func(_ *evhttp.Request, value any) { panics <- value })
					test.setup(s)
					s.Handle("/fine", func(r *evhttp.Request) { r.SendReply(200, "", servertest.Text("fine")) })
				})
				other := &http.Transport{}
				defer other.CloseIdleConnections()
				isFine(t, other, addr)
				broken := &http.Transport{}
				defer broken.CloseIdleConnections()
				if got := fetchWith(t, broken, "POST", "http://"+addr+"/x"); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if value := servertest.Await(t, panics, "the panic callback"); value != "boom" {
					t.Errorf("told of %v", value)
				}
				isFine(t, other, addr)
				isFine(t, broken, addr)
			})
		}
	}
}

func isFine(t *testing.T, transport *http.Transport, addr string) {
	t.Helper()
	if got := fetchWith(t, transport, "GET", "http://"+addr+"/fine"); got != "200 fine" {
		t.Errorf("the other connection got %q", got)
	}
}

// fetchWith returns the status and the body of an answer, or nothing if that is not
// complete.
func fetchWith(t *testing.T, transport *http.Transport, method, url string) string {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	return fmt.Sprint(resp.StatusCode, " ", string(body))
}

// TestPanicsPassThroughTheLoop has a handler panic without a panic callback. The program
// may run the loop again.
func TestPanicsPassThroughTheLoop(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	l := servertest.On(t, base)
	panics := make(chan any, 10)
	base.AddVirtual()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for again := true; again; {
			func() {
				defer func() {
					if value := recover(); value != nil { // told by the next loop, which l.Do needs
						base.Post(func() { panics <- value })
					}
				}()
				if err := base.Dispatch(); err != nil {
					t.Error(err)
				}
				again = false
			}()
		}
	}()
	t.Cleanup(func() {
		base.LoopExit(0)
		<-ended
		base.Free()
	})
	for _, test := range panicCases() {
		if test.name == "error callback after a panic" { // one panic is replaced by another
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			s, addr := l.Serve(func(s *evhttp.Server) {
				test.setup(s)
				s.Handle("/fine", func(r *evhttp.Request) { r.SendReply(200, "", servertest.Text("fine")) })
			})
			c := servertest.Connect(t, addr)
			io.WriteString(c, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
			if value := servertest.Await(t, panics, "the panic"); value != "boom" {
				t.Errorf("panic with %v", value)
			}
			l.Do(func() {
				if n := s.ConnectionCount(); n != 0 {
					t.Errorf("%d connections are left", n)
				}
			})
			other := &http.Transport{}
			defer other.CloseIdleConnections()
			isFine(t, other, addr)
		})
	}
}

// TestPanicsOfClientsEndTheirRequestOnly has the callbacks of a client's request
// panic, and the next request be answered.
func TestPanicsOfClientsEndTheirRequestOnly(t *testing.T) {
	for _, test := range []struct {
		name  string
		setup func(r *evhttp.Request)
		ended bool // the request has been answered
	}{
		{"header callback", func(r *evhttp.Request) {
			r.SetHeaderCallback(func(*evhttp.Request) bool { panic("boom") })
		}, false},
		{"chunk callback", func(r *evhttp.Request) {
			r.SetChunkCallback(func(*evhttp.Request) { panic("boom") })
		}, false},
		{"informational callback", func(r *evhttp.Request) {
			r.SetInformationalCallback(func(*evhttp.Request, int, *evhttp.Header) { panic("boom") })
		}, false},
		{"ready callback", nil, false},
		{"done callback", func(r *evhttp.Request) { r.Data = "boom" }, true},
	} {
		for _, pooled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/pooled=%t", test.name, pooled), func(t *testing.T) {
				l := servertest.NewLoop(t)
				_, addr := l.Serve(func(s *evhttp.Server) {
					s.SetGenericCallback(func(r *evhttp.Request) {
						r.SendInformational(103)
						r.SendReply(200, "", servertest.Text("fine"))
					})
				})
				panics, ends := make(chan any, 10), make(chan error, 10)
				onPanic := func(r *evhttp.Request, value any) { panics <- value }
				var send func(r *evhttp.Request, ready func(r *evhttp.Request)) error
				var free func()
				l.Do(func() { send, free = newSender(t, l.Base, addr, pooled, onPanic) })
				defer l.Do(func() { free() })
				first := evhttp.NewRequest(func(r *evhttp.Request) {
					ends <- r.Err()
					if r.Data != nil {
						panic(r.Data)
					}
				})
				second := evhttp.NewRequest(func(r *evhttp.Request) { ends <- r.Err() })
				l.Do(func() {
					var ready func(r *evhttp.Request)
					if test.setup == nil {
						ready = func(*evhttp.Request) { panic("boom") }
					} else {
						test.setup(first)
					}
					if err := errors.Join(send(first, ready), send(second, nil)); err != nil {
						t.Error(err)
					}
				})
				if value := servertest.Await(t, panics, "the panic callback"); value != "boom" {
					t.Errorf("told of %v", value)
				}
				if err := servertest.Await(t, ends, "the end of the request"); (err == nil) != test.ended || err != nil && !errors.Is(err, evhttp.ErrPanic) {
					t.Errorf("the request has ended with %v", err)
				}
				if err := servertest.Await(t, ends, "the next request"); err != nil {
					t.Errorf("the next request has ended with %v", err)
				}
			})
		}
	}
}

// newSender returns what sends requests one after the other over one connection at a
// time.
func newSender(t *testing.T, base *event.Base, addr string, pooled bool, onPanic evhttp.PanicFunc) (send func(r *evhttp.Request, ready func(r *evhttp.Request)) error, free func()) {
	if pooled {
		setUp := func(c *evhttp.ClientConn) error { return c.SetPanicCallback(onPanic) }
		client, err := evhttp.NewClient(base, &evhttp.ClientConfig{MaxPerHost: 1, SetUp: setUp})
		if err != nil {
			t.Error(err)
		}
		return func(r *evhttp.Request, ready func(r *evhttp.Request)) error {
			if ready != nil {
				return client.StartRequest(r, evhttp.MethodPost, "http://"+addr+"/", ready)
			}
			return client.MakeRequest(r, evhttp.MethodGet, "http://"+addr+"/")
		}, client.Free
	}
	host, port, _ := strings.Cut(addr, ":")
	var n int
	fmt.Sscan(port, &n)
	c, err := evhttp.NewClientConn(base, host, n, nil)
	if err == nil {
		err = c.SetPanicCallback(onPanic)
	}
	if err != nil {
		t.Error(err)
	}
	return func(r *evhttp.Request, ready func(r *evhttp.Request)) error {
		if ready != nil {
			return c.StartRequest(r, evhttp.MethodPost, "/", ready)
		}
		return c.MakeRequest(r, evhttp.MethodGet, "/")
	}, c.Free
}
