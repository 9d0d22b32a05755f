package evhttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// A testSource yields its pieces, and then fails with end, if that is not nil.
type testSource struct {
	pieces []string
	end    error
	asked  int
	closed chan error
}

func newSource(end error, pieces ...string) *testSource {
	return &testSource{pieces: pieces, end: end, closed: make(chan error, 10)}
}

func (s *testSource) Next(piece *evbuffer.Buffer) error {
	if s.asked == len(s.pieces) {
		if s.end != nil {
			return s.end
		}
		return io.EOF
	}
	s.asked++
	return piece.AddString(s.pieces[s.asked-1])
}

func (s *testSource) Close(err error) { s.closed <- err }

// closedOnce waits for Close, and checks what it was told and that it was once.
func (s *testSource) closedOnce(t *testing.T, l *servertest.Loop, want error) {
	t.Helper()
	if err := servertest.Await(t, s.closed, "the source to be closed"); !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("closed with %v, want %v", err, want)
	}
	l.Do(func() {})
	select {
	case err := <-s.closed:
		t.Errorf("closed again, with %v", err)
	default:
	}
}

// ask sends a request, and returns what was answered, to the end of the body.
func ask(t *testing.T, addr, method string) (*http.Response, string, error) {
	t.Helper()
	c := servertest.Connect(t, addr)
	fmt.Fprintf(c, "%s / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method)
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestSourceAnswers(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name   string
		method string
		length string // Content-Length that is announced
		source *testSource
		body   string
		cut    bool  // the answer is not complete
		closed error // what the source is told
		asked  int
	}{
		{name: "no pieces", method: "GET", source: newSource(nil)},
		{name: "one piece", method: "GET", source: newSource(nil, "one"), body: "one", asked: 1},
		{name: "pieces", method: "GET", source: newSource(nil, "one, ", "two, ", "three"), body: "one, two, three", asked: 3},
		{name: "of announced length", method: "GET", length: "6", source: newSource(nil, "one", "two"), body: "onetwo", asked: 2},
		{name: "HEAD", method: "HEAD", length: "6", source: newSource(nil, "one", "two")},
		{name: "that fails at once", method: "GET", length: "6", source: newSource(broken), cut: true, closed: broken},
		{name: "that fails", method: "GET", source: newSource(broken, "one"), cut: true, closed: broken, asked: 1},
		{name: "that makes no progress", method: "GET", source: newSource(nil, "one", ""), cut: true, closed: io.ErrNoProgress, asked: 2},
		{name: "shorter than announced", method: "GET", length: "9", source: newSource(nil, "one", "two"), cut: true, closed: evhttp.ErrLength, asked: 2},
		{name: "longer than announced", method: "GET", length: "5", source: newSource(nil, "one", "two"), cut: true, closed: evhttp.ErrLength, asked: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			_, addr := l.Serve(func(s *evhttp.Server) {
				s.SetGenericCallback(func(r *evhttp.Request) {
					if test.length != "" {
						r.OutputHeaders().Set("Content-Length", test.length)
					}
					if err := r.SendReplySource(200, "", test.source); err != nil {
						t.Error(err)
					}
				})
			})
			resp, body, err := ask(t, addr, test.method)
			if test.cut != (err != nil) {
				t.Errorf("got %q, %v", body, err)
			}
			if err == nil && (body != test.body || resp.StatusCode != 200) {
				t.Errorf("got %s, %q, want %q", resp.Status, body, test.body)
			}
			test.source.closedOnce(t, l, test.closed)
			if test.source.asked != test.asked {
				t.Errorf("asked for %d pieces, want %d", test.source.asked, test.asked)
			}
		})
	}
}

func TestSourceIsClosedWhenItCannotAnswer(t *testing.T) {
	l := servertest.NewLoop(t)
	answered, invalid := newSource(nil, "x"), newSource(nil, "x")
	errs := make(chan error, 2)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetGenericCallback(func(r *evhttp.Request) {
			errs <- r.SendReplySource(7, "", invalid)
			r.SendReplyStart(200, "")
			errs <- r.SendReplySource(200, "", answered)
			r.SendReplyEnd()
		})
	})
	if _, _, err := ask(t, addr, "GET"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{evhttp.ErrInvalid, evhttp.ErrOrder} {
		if err := <-errs; !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	invalid.closedOnce(t, l, evhttp.ErrInvalid)
	answered.closedOnce(t, l, evhttp.ErrOrder)
}

func TestSourceIsClosedWhenTheRequestEnds(t *testing.T) {
	piece := string(make([]byte, 1<<20))
	for name, end := range map[string]func(l *servertest.Loop, s *evhttp.Server, r *evhttp.Request, c net.Conn){
		"by the client":   func(_ *servertest.Loop, _ *evhttp.Server, _ *evhttp.Request, c net.Conn) { c.Close() },
		"by Cancel":       func(l *servertest.Loop, _ *evhttp.Server, r *evhttp.Request, _ net.Conn) { l.Do(r.Cancel) },
		"with the server": func(l *servertest.Loop, s *evhttp.Server, _ *evhttp.Request, _ net.Conn) { l.Do(s.Free) },
		"after a callback": func(l *servertest.Loop, _ *evhttp.Server, r *evhttp.Request, _ net.Conn) {
			l.Do(func() { r.SetErrorCallback(nil); r.Cancel() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			src := newSource(nil)
			for range 1000 {
				src.pieces = append(src.pieces, piece)
			}
			requests := make(chan *evhttp.Request, 1)
			s, addr := l.Serve(func(s *evhttp.Server) {
				s.SetGenericCallback(func(r *evhttp.Request) {
					if err := r.SendReplySource(200, "", src); err != nil {
						t.Error(err)
					}
					requests <- r
				})
			})
			c := servertest.Connect(t, addr)
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			end(l, s, servertest.Await(t, requests, "the request"), c)
			if err := servertest.Await(t, src.closed, "the source to be closed"); err == nil {
				t.Error("closed without an error")
			}
			l.Do(func() {
				if src.asked > 100 {
					t.Errorf("%d pieces of %d bytes were taken for a client that does not read", src.asked, len(piece))
				}
			})
		})
	}
}
