package evhttp_test

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// nesting makes a stream whose callbacks come within the calls that write.
func nesting(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
	under, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		return nil, err
	}
	return bufferevent.NewFilter(under, nil, nil, bufferevent.CloseOnFree, nil)
}

// sendParts sends a body in parts, two of which are under way at a time. Each that has left
// sends another one.
func sendParts(t *testing.T, r *evhttp.Request) {
	const parts = 20
	sent := 0
	within := false
	var next func()
	next = func() {
		if within {
			t.Error("a part is sent within the sending of another one")
		}
		switch sent++; {
		case sent < parts:
			within = true
			if err := r.SendReplyChunkFunc(servertest.Text(part(sent)), next); err != nil {
				t.Errorf("part %d: %v", sent, err)
			}
			within = false
		case sent == parts:
			if err := r.SendReplyEnd(); err != nil {
				t.Error(err)
			}
		}
	}
	next() // which waits, when there is
	next() // another one
}

// allParts is what sendParts sends.
func allParts() string {
	var all strings.Builder
	for i := 1; i < 20; i++ {
		all.WriteString(part(i))
	}
	return all.String()
}

func part(n int) string { return strings.Repeat(strconv.Itoa(n)+" ", n) }

// TestAnswersOverStreamsWhoseCallbacksNest has an answer go in chunks over a filter.
func TestAnswersOverStreamsWhoseCallbacksNest(t *testing.T) {
	l := servertest.NewLoop(t)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetStreamFunc(nesting)
		s.SetGenericCallback(func(r *evhttp.Request) {
			if err := r.SendReplyStart(200, ""); err != nil {
				t.Error(err)
			}
			sendParts(t, r)
		})
	})
	resp, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != allParts() {
		t.Errorf("got %q, %v", body, err)
	}
}

// TestRequestsOverStreamsWhoseCallbacksNest has the body of a request go in chunks over a
// filter.
func TestRequestsOverStreamsWhoseCallbacksNest(t *testing.T) {
	bodies := make(chan string, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- string(body)
	})}
	go server.Serve(l)
	defer server.Close()

	loop := servertest.NewLoop(t)
	ended := make(chan error, 1)
	var c *evhttp.ClientConn
	loop.Do(func() {
		cfg := &evhttp.ConnConfig{Stream: func(base *event.Base) (*bufferevent.Bufferevent, error) { return nesting(base, -1) }}
		if c, err = evhttp.NewClientConn(loop.Base, "127.0.0.1", l.Addr().(*net.TCPAddr).Port, cfg); err != nil {
			t.Error(err)
			return
		}
		r := evhttp.NewRequest(func(r *evhttp.Request) { ended <- r.Err() })
		if err := c.StartRequest(r, evhttp.MethodPost, "/", func(r *evhttp.Request) { sendParts(t, r) }); err != nil {
			t.Error(err)
		}
	})
	defer loop.Do(func() { c.Free() })
	if err := servertest.Await(t, ended, "the end of the request"); err != nil {
		t.Fatal(err)
	}
	if body := <-bodies; body != allParts() {
		t.Errorf("got %q", body)
	}
}

// TestStreamsThatFailWithinACallTellLater has the filter of a server's stream fail with what
// is written: the error callback does not come within the call.
func TestStreamsThatFailWithinACallTellLater(t *testing.T) {
	fails := func(src, _ *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
		if src.Len() == 0 {
			return bufferevent.ErrNeedMore
		}
		return io.ErrShortWrite
	}
	l := servertest.NewLoop(t)
	told := make(chan error, 1)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
			under, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
			if err != nil {
				return nil, err
			}
			return bufferevent.NewFilter(under, nil, fails, bufferevent.CloseOnFree, nil)
		})
		s.SetGenericCallback(func(r *evhttp.Request) {
			within := true
			r.SetErrorCallback(func(_ *evhttp.Request, err error) {
				if within {
					t.Error("told within the call")
				}
				told <- err
			})
			_ = r.SendReplyStart(200, "") // the stream tells of what fails
			within = false
		})
	})
	c := servertest.Connect(t, addr)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	servertest.Await(t, told, "the callback")
}

// TestHijackedStreamsTellOfTheirEnd has a client end its stream before that is hijacked.
func TestHijackedStreamsTellOfTheirEnd(t *testing.T) {
	for name, stream := range map[string]evhttp.StreamFunc{
		"socket": func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
			return bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
		},
		"filter": nesting,
	} {
		t.Run(name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			requests, ends := make(chan *evhttp.Request, 1), make(chan bufferevent.Outcome, 3)
			_, addr := l.Serve(func(s *evhttp.Server) {
				s.SetStreamFunc(stream)
				s.SetAllowedMethods(evhttp.AnyMethod)
				s.SetGenericCallback(func(r *evhttp.Request) {
					r.Context()
					requests <- r
				})
			})
			c := servertest.Connect(t, addr)
			if _, err := io.WriteString(c, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			r := servertest.Await(t, requests, "the request")
			servertest.Await(t, r.Context().Done(), "the end of the client's stream")
			var b *bufferevent.Bufferevent
			l.Do(func() {
				if err := r.SendReplyStart(200, ""); err != nil {
					t.Error(err)
				}
				var err error
				if b, err = r.Hijack(); err != nil {
					t.Error(err)
					return
				}
				b.SetCallbacks(nil, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) { ends <- what.Outcome() })
			})
			if end := servertest.Await(t, ends, "the end"); end != bufferevent.InputEnded {
				t.Errorf("told of %v", end)
			}
			l.Do(b.Free)
			if len(ends) > 0 {
				t.Errorf("told once more, of %v", <-ends)
			}
		})
	}
}
