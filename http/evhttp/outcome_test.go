package evhttp_test

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/evhttp"
)

const (
	reading, writing = bufferevent.EventReading, bufferevent.EventWriting
	failing, ending  = bufferevent.EventError, bufferevent.EventEOF
	timeout          = bufferevent.EventTimeout
)

var errTest = errors.New("the reason")

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runUntil runs the loop until done is true.
func runUntil(t testing.TB, base *event.Base, what string, done func() bool) {
	t.Helper()
	late := false
	watch := time.AfterFunc(20*time.Second, func() { base.Post(func() { late = true; base.LoopBreak() }) })
	defer watch.Stop()
	for !done() {
		if late {
			t.Fatalf("waited in vain for %s", what)
		}
		_, err := base.Loop(event.LoopOnce | event.LoopNoExitOnEmpty)
		ok(t, err)
	}
}

// What an event means for a request on a client's connection is what its outcome
// says.
func TestEventsEndRequestsByTheirOutcome(t *testing.T) {
	tests := []struct {
		what  bufferevent.Events
		err   error
		flags evhttp.ConnFlags
		code  evhttp.RequestError // of the request's end
		is    error               // nil: it is answered
	}{
		{reading | failing, errTest, evhttp.ConReadOnWriteError, evhttp.ReqEOF, errTest},
		{reading | writing | failing, errTest, evhttp.ConReadOnWriteError, evhttp.ReqEOF, errTest},
		{failing, errTest, evhttp.ConReadOnWriteError, evhttp.ReqEOF, errTest},
		{writing | failing, errTest, 0, evhttp.ReqEOF, errTest},
		{writing | failing, errTest, evhttp.ConReadOnWriteError, evhttp.ReqEOF, errTest},
		{writing | failing, syscall.EPIPE, 0, evhttp.ReqEOF, syscall.EPIPE},
		{writing | failing, syscall.EPIPE, evhttp.ConReadOnWriteError, 0, nil}, // the server may have answered before
		{reading | ending, io.EOF, evhttp.ConReadOnWriteError, evhttp.ReqEOF, io.ErrUnexpectedEOF},
		{ending, io.EOF, evhttp.ConReadOnWriteError, evhttp.ReqEOF, io.ErrUnexpectedEOF},
		{reading | timeout, os.ErrDeadlineExceeded, 0, evhttp.ReqTimeout, os.ErrDeadlineExceeded},
		{writing | timeout, os.ErrDeadlineExceeded, 0, evhttp.ReqTimeout, os.ErrDeadlineExceeded},
		{reading, nil, 0, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.what.String(), func(t *testing.T) {
			base, err := event.NewBase()
			ok(t, err)
			defer base.Free()
			stream, peer, err := bufferevent.NewPair(base, 0)
			ok(t, err)
			defer peer.Free()
			ok(t, peer.Enable(event.Read))
			c, err := evhttp.NewClientConnReuse(stream, "host", nil)
			ok(t, err)
			defer c.Free()
			ok(t, c.SetFlags(tt.flags))
			over := false
			r := evhttp.NewRequest(func(*evhttp.Request) { over = true })
			ok(t, c.MakeRequest(r, evhttp.MethodGet, "/"))
			runUntil(t, base, "the request", func() bool { return peer.Input().Len() > 0 })
			stream.TriggerEvent(tt.what, tt.err, bufferevent.TrigDeferCallbacks)
			told := false
			ok(t, base.Post(func() { told = true }))
			runUntil(t, base, "the event", func() bool { return told })
			if tt.is == nil {
				_, err := peer.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				ok(t, err)
			}
			runUntil(t, base, "the end", func() bool { return over })
			var e *evhttp.Error
			switch err := r.Err(); {
			case tt.is == nil && err != nil:
				t.Errorf("failed with %v", err)
			case tt.is != nil && (!errors.As(err, &e) || e.Code != tt.code || !errors.Is(err, tt.is)):
				t.Errorf("ended with %v, want %v: %v", err, tt.code, tt.is)
			}
		})
	}
}

// And for one on a server's: whatever ends the connection ends the request with its
// reason; a client that has only ended its stream still gets the answer.
func TestEventsEndAnswersByTheirOutcome(t *testing.T) {
	tests := []struct {
		what bufferevent.Events
		err  error
		is   error // nil: it is answered
	}{
		{reading | failing, errTest, errTest},
		{reading | writing | failing, errTest, errTest},
		{failing, errTest, errTest},
		{writing | failing, errTest, errTest},
		{writing | ending, errTest, errTest},
		{writing | timeout, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		{reading | timeout, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		{reading | ending, io.EOF, nil},
		{ending, io.EOF, nil},
		{reading, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.what.String(), func(t *testing.T) {
			base, err := event.NewBase()
			ok(t, err)
			defer base.Free()
			s := evhttp.NewServer(base)
			defer s.Free()
			var stream *bufferevent.Bufferevent
			s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
				stream, err = bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
				return stream, err
			})
			var request *evhttp.Request
			var cause error
			s.SetGenericCallback(func(r *evhttp.Request) {
				request = r
				if tt.is != nil { // who wants to know of the client's end is told of that, too
					r.SetErrorCallback(func(_ *evhttp.Request, err error) { cause = err })
				}
			})
			bound, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
			ok(t, err)
			client, err := bufferevent.NewSocket(base, evutil.InvalidSocket, bufferevent.CloseOnFree)
			ok(t, err)
			defer client.Free()
			ok(t, client.Enable(event.Read))
			ok(t, client.Connect(bound.AddrPort()))
			_, err = client.WriteString("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			ok(t, err)
			runUntil(t, base, "the request", func() bool { return request != nil })
			stream.TriggerEvent(tt.what, tt.err, bufferevent.TrigDeferCallbacks)
			if tt.is != nil {
				runUntil(t, base, "the error", func() bool { return cause != nil })
				if !errors.Is(cause, tt.is) {
					t.Errorf("ended with %v, want %v", cause, tt.is)
				}
				return
			}
			told := false
			ok(t, base.Post(func() { told = true }))
			runUntil(t, base, "the event", func() bool { return told })
			ok(t, request.SendReplyBytes(200, "", []byte("hello")))
			runUntil(t, base, "the answer", func() bool { return client.Input().Len() > 0 })
		})
	}
}
