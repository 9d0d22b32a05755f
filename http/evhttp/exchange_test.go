package evhttp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A fakeExchange is an exchange without any protocol: it writes down what it is called
// with, and lets the test play the peer.
type fakeExchange struct {
	r     *Request
	calls []string
	err   error // of what is sent next
	sent  []func()
}

func (x *fakeExchange) call(format string, args ...any) error {
	x.calls = append(x.calls, fmt.Sprintf(format, args...))
	return x.err
}

func (x *fakeExchange) proto() message.Proto { return message.Proto{Major: 2} }

func (x *fakeExchange) sendHead(length int64) error {
	x.r.expected = length
	if x.r.answerHasNoBody() {
		x.r.expected = noBody
	}
	return x.call("head %d %s, length %d", x.r.code, x.r.reason, length)
}

func (x *fakeExchange) reply(body []byte) error {
	x.r.expected, x.r.sent = int64(len(body)), int64(len(body))
	return x.call("reply %d %s %q", x.r.code, x.r.reason, body)
}

func (x *fakeExchange) inform(code int) error { return x.call("inform %d", code) }

func (x *fakeExchange) sendData(data *evbuffer.Buffer) error {
	p, _ := data.Pullup(-1)
	err := x.call("data %q", p)
	data.Drain(len(p))
	return err
}

func (x *fakeExchange) sendEnd() error     { return x.call("end") }
func (x *fakeExchange) whenSent(fn func()) { x.sent = append(x.sent, fn) }
func (x *fakeExchange) tellComplete()      { x.call("tell complete") }
func (x *fakeExchange) wantBody(want bool) { x.call("want body %v", want) }
func (x *fakeExchange) resume()            { x.r.unpause(); x.call("resume") }
func (x *fakeExchange) abort(cause error)  { x.call("abort %v", cause); x.r.over(cause) }
func (x *fakeExchange) took(want ...string) bool {
	calls := x.calls
	x.calls = nil
	return slices.Equal(calls, want)
}

func (x *fakeExchange) detach() (*bufferevent.Bufferevent, error) {
	if x.r.sending != sendBody {
		return nil, ErrOrder
	}
	x.call("detach")
	x.r.over(nil)
	return new(bufferevent.Bufferevent), nil
}

// fakeHead returns the head of a request as that of HTTP/2 would be.
func fakeHead(method, target string) *message.Head {
	h := new(message.Head)
	part := func(s string) message.Span {
		from := len(h.Header.Text())
		h.Header.AppendText([]byte(s))
		return message.SpanOf(from, len(h.Header.Text()))
	}
	h.At = message.Layout{Method: part(method), Scheme: part("https"), Authority: part("example.com:8443"), Target: part(target)}
	h.At.Path = h.At.Target
	h.Header.Keep(len(h.Header.Text()))
	h.Header.Add("x-field", "1")
	h.Proto, h.Length = message.Proto{Major: 2}, message.Unknown
	return h
}

// newFakeExchange returns a request that has come by a fake exchange.
func newFakeExchange(method string) (*Request, *fakeExchange) {
	h := fakeHead(method, "/path?a=b")
	r := &Request{method: methodOf([]byte(method)), asked: h, incoming: h}
	x := &fakeExchange{r: r}
	r.ex = x
	return r, x
}

// TestRequestKnowsNoProtocol drives requests and answers by an exchange that is not
// HTTP/1.1.
func TestRequestKnowsNoProtocol(t *testing.T) {
	boom := errors.New("boom")
	for _, test := range []struct {
		name, method string
		do           func(r *Request, x *fakeExchange) error
		want         []string
		err          error
	}{
		{"a short reply goes at once", "GET", func(r *Request, _ *fakeExchange) error {
			return r.SendReplyBytes(200, "", []byte("hello"))
		}, []string{`reply 200 OK "hello"`, "end"}, nil},
		{"a long one goes as data", "GET", func(r *Request, _ *fakeExchange) error {
			return r.SendReplyBytes(200, "Fine", []byte(strings.Repeat("x", shortBody+1)))
		}, []string{"head 200 Fine, length 4097", fmt.Sprintf("data %q", strings.Repeat("x", shortBody+1)), "end"}, nil},
		{"a buffer", "GET", func(r *Request, _ *fakeExchange) error {
			r.Output().AddString("one ")
			return r.SendReply(404, "", bufferOf("two"))
		}, []string{"head 404 Not Found, length 7", `data "one "`, `data "two"`, "end"}, nil},
		{"parts of unknown length", "GET", func(r *Request, _ *fakeExchange) error {
			return errors.Join(r.SendReplyStart(200, ""), r.SendReplyChunk(bufferOf("a")), r.SendReplyChunk(nil), r.SendReplyEnd())
		}, []string{"head 200 OK, length -1", `data "a"`, "end"}, nil},
		{"no body after HEAD", "HEAD", func(r *Request, _ *fakeExchange) error {
			return errors.Join(r.SendReplyStart(200, ""), r.SendReplyChunk(bufferOf("dropped")), r.SendReplyEnd())
		}, []string{"head 200 OK, length -1", "end"}, nil},
		{"informational replies", "GET", func(r *Request, _ *fakeExchange) error {
			return errors.Join(r.SendInformational(103), r.SendInformational(100), r.SendReplyBytes(204, "", nil))
		}, []string{"inform 103", "want body true", `reply 204 No Content ""`, "end"}, nil},
		{"101 is no informational reply", "GET", func(r *Request, _ *fakeExchange) error { return r.SendInformational(101) }, nil, ErrInvalid},
		{"more than was announced", "GET", func(r *Request, x *fakeExchange) error {
			r.SendReplyStart(200, "")
			r.expected = 1 // as Content-Length would have it
			return r.SendReplyChunk(bufferOf("ab"))
		}, []string{"head 200 OK, length -1"}, ErrLength},
		{"less than was announced", "GET", func(r *Request, x *fakeExchange) error {
			r.SendReplyStart(200, "")
			r.expected = 2
			return r.SendReplyEnd()
		}, []string{"head 200 OK, length -1", "abort " + ErrLength.Error()}, ErrLength},
		{"a part that was not taken does not count", "GET", func(r *Request, x *fakeExchange) error {
			r.SendReplyStart(200, "")
			r.expected, x.err = 1, boom
			if err := r.SendReplyChunk(bufferOf("a")); !errors.Is(err, boom) {
				return err
			}
			return r.SendReplyEnd()
		}, []string{"head 200 OK, length -1", `data "a"`, "abort " + ErrLength.Error()}, ErrLength},
		{"a head that cannot be sent", "GET", func(r *Request, x *fakeExchange) error {
			x.err = boom
			err := r.SendReplyBytes(200, "", nil)
			if r.ResponseCode() != 0 {
				return errors.New("it has a code")
			}
			return err
		}, []string{`reply 200 OK ""`}, boom},
		{"data before the head", "GET", func(r *Request, _ *fakeExchange) error { return r.SendReplyChunk(bufferOf("a")) }, nil, ErrOrder},
		{"a second reply", "GET", func(r *Request, _ *fakeExchange) error {
			r.SendReplyBytes(200, "", nil)
			return r.SendReplyBytes(200, "", nil)
		}, []string{`reply 200 OK ""`, "end"}, ErrOrder},
		{"cancelled", "GET", func(r *Request, _ *fakeExchange) error {
			r.Cancel()
			return r.SendReplyBytes(200, "", nil)
		}, []string{"abort <nil>"}, ErrDone},
		{"another protocol", "CONNECT", func(r *Request, _ *fakeExchange) error {
			if _, err := r.Hijack(); !errors.Is(err, ErrOrder) {
				return fmt.Errorf("hijack before the reply: %w", err)
			}
			r.SendReplyStart(200, "")
			b, err := r.Hijack()
			if b == nil || r.Conn() != nil {
				return errors.New("not hijacked")
			}
			return err
		}, []string{"head 200 OK, length -1", "detach"}, nil},
	} {
		r, x := newFakeExchange(test.method)
		err := test.do(r, x)
		if !errors.Is(err, test.err) || test.err == nil && err != nil {
			t.Errorf("%s: %v, want %v", test.name, err, test.err)
		}
		if calls := x.calls; !x.took(test.want...) {
			t.Errorf("%s: %q, want %q", test.name, calls, test.want)
		}
	}
}

// TestRequestOfAnotherProtocol reads what has come by an exchange that is not HTTP/1.1.
func TestRequestOfAnotherProtocol(t *testing.T) {
	r, x := newFakeExchange("PATCH")
	wantSame(t, "request", fmt.Sprint(r.Method(), r.Command(), r.URI(), r.Host(), r.Proto(), r.Major(), r.Minor()),
		fmt.Sprint("PATCH", MethodPatch, "/path?a=b", "example.com", "HTTP/2.0", 2, 0))
	wantSame(t, "field", r.InputHeaders().Get("X-Field"), "1")
	q, err := r.Query()
	wantSame(t, "query", fmt.Sprint(q.Get("a"), err), fmt.Sprint("b", nil))
	r.incoming = nil
	wantSame(t, "version before the head", fmt.Sprint(r.Proto(), " ", r.Major(), r.Minor()), "HTTP/2.0 2 0")
	x.r.ex = nil
	wantSame(t, "version of nothing", fmt.Sprint(r.Proto(), " ", r.Major(), r.Minor()), " 0 0")
}

// TestBodyFlow has a body come faster than it is taken.
func TestBodyFlow(t *testing.T) {
	r, x := newFakeExchange("POST")
	r.SetChunkCallback(func(*Request) {})
	if n := r.room(); n != maxUntaken {
		t.Fatalf("room for %d bytes", n)
	}
	r.input.Add(make([]byte, maxUntaken))
	if n := r.room(); n != 0 {
		t.Fatalf("room for %d bytes more", n)
	}
	r.pause()
	r.Input().Drain(maxUntaken / 4)
	if !x.took() {
		t.Error("resumed before half was taken")
	}
	r.Input().Drain(maxUntaken / 2)
	if !x.took("resume") {
		t.Errorf("got %q", x.calls)
	}
	r.Input().Drain(1)
	if !x.took() {
		t.Error("resumed twice")
	}
}

// TestWhatIsCalledWhenAllHasLeft sends parts with a function each.
func TestWhatIsCalledWhenAllHasLeft(t *testing.T) {
	s := newMemoryServer(t)
	var called []string
	s.Handle("/it", func(r *Request) {
		r.SendReplyStart(200, "")
		for _, part := range []string{"a", "b", "c"} {
			if err := r.SendReplyChunkFunc(bufferOf(part), func() {
				called = append(called, part)
				if part == "b" {
					r.SendReplyEnd() // what waits behind it is not called
				}
			}); err != nil {
				t.Error(err)
			}
		}
	})
	c := s.connect()
	for range 2 { // the second request uses what the first one has left
		called = nil
		c.send([]byte(get("/it")))
		wantSame(t, "called", strings.Join(called, ""), "ab")
	}
	wantSame(t, "replies", fmt.Sprint(c.statuses()), "[200 200]")
}
