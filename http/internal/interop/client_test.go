//go:build unix

package interop

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An ourClient is a connection of our client's, with a loop that runs while there
// is something to wait for.
type ourClient struct {
	t       testing.TB
	base    *event.Base
	conn    *evhttp.ClientConn
	waiting int
}

// An answer is what a client got.
type answer struct {
	code     int
	reason   string
	header   map[string]string
	trailer  map[string]string
	body     string
	err      error
	received int // bytes by the chunk callback
}

// newClient returns a client of the server at addr.
func newClient(t testing.TB, addr string) *ourClient {
	t.Helper()
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		t.Fatal(err)
	}
	return clientOf(t, func(base *event.Base) (*evhttp.ClientConn, error) { return evhttp.NewClientConn(base, host, port, nil) })
}

func clientOf(t testing.TB, connect func(base *event.Base) (*evhttp.ClientConn, error)) *ourClient {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connect(base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Free()
		base.Free()
	})
	return &ourClient{t: t, base: base, conn: conn}
}

// await runs the loop until every request is over.
func (c *ourClient) await() {
	c.t.Helper()
	late := c.base.NewTimer(func(*event.Event, event.What) { c.base.LoopBreak() })
	defer late.Free()
	if err := late.AddTimeout(interopPatience); err != nil {
		c.t.Fatal(err)
	}
	for c.waiting > 0 {
		if err := c.base.Dispatch(); err != nil {
			c.t.Fatal(err)
		}
		if c.base.GotBreak() && c.waiting > 0 {
			c.t.Fatalf("%d requests have no answer after %v", c.waiting, interopPatience)
		}
	}
}

// request makes a request with header fields, whose answer goes to done.
func (c *ourClient) request(done func(answer), header ...string) *evhttp.Request {
	c.t.Helper()
	r := evhttp.NewRequest(func(r *evhttp.Request) {
		done(answerOf(r))
		if c.waiting--; c.waiting == 0 {
			c.base.LoopBreak()
		}
	})
	for _, field := range header {
		name, value, _ := strings.Cut(field, ": ")
		if err := r.OutputHeaders().Add(name, value); err != nil {
			c.t.Fatal(err)
		}
	}
	c.waiting++
	return r
}

func answerOf(r *evhttp.Request) answer {
	body, _ := io.ReadAll(r.Input())
	a := answer{
		code: r.ResponseCode(), reason: r.Reason(), body: string(body), err: r.Err(),
		header: make(map[string]string), trailer: make(map[string]string),
	}
	for name, value := range r.InputHeaders().All() {
		a.header[name] = value
	}
	for name, value := range r.InputTrailers().All() {
		a.trailer[name] = value
	}
	return a
}

// begin sends a request with a body, for an answer later.
func (c *ourClient) begin(done func(answer), method, uri, body string, header ...string) {
	c.t.Helper()
	r := c.request(done, header...)
	if err := r.Output().AddString(body); err != nil {
		c.t.Fatal(err)
	}
	if err := c.conn.MakeCustomRequest(r, method, uri); err != nil {
		c.t.Fatal(err)
	}
}

// do sends a request and returns the answer.
func (c *ourClient) do(method, uri, body string, header ...string) (got answer) {
	c.t.Helper()
	c.begin(func(a answer) { got = a }, method, uri, body, header...)
	c.await()
	return got
}

// want sends a request and checks the answer's code and body, and returns it.
func (c *ourClient) want(code int, body string, method, uri string, header ...string) answer {
	c.t.Helper()
	got := c.do(method, uri, "", header...)
	if got.err != nil || got.code != code || got.body != body {
		c.t.Errorf("%s %s %q: got %d and %d bytes, %.100q, error %v; want %d and %d bytes, %.100q",
			method, uri, header, got.code, len(got.body), got.body, got.err, code, len(body), body)
	}
	return got
}

// upload sends a body in parts, each when the one before has left, and returns the
// answer.
func (c *ourClient) upload(uri string, parts []string, header ...string) (got answer) {
	c.t.Helper()
	r := c.request(func(a answer) { got = a }, header...)
	var next func()
	next = func() {
		if len(parts) == 0 {
			if err := r.SendReplyEnd(); err != nil {
				c.t.Error(err)
			}
			return
		}
		var b evbuffer.Buffer
		b.AddString(parts[0])
		parts = parts[1:]
		if err := r.SendReplyChunkFunc(&b, next); err != nil {
			c.t.Error(err)
		}
	}
	if err := c.conn.StartRequest(r, evhttp.MethodPut, uri, func(*evhttp.Request) { next() }); err != nil {
		c.t.Fatal(err)
	}
	c.await()
	return got
}

// download takes the body of an answer as it comes.
func (c *ourClient) download(uri string, header ...string) (got answer) {
	c.t.Helper()
	var body strings.Builder
	pieces := 0
	r := c.request(func(a answer) {
		got = a
		got.body, got.received = body.String()+a.body, pieces
	}, header...)
	r.SetChunkCallback(func(r *evhttp.Request) {
		io.Copy(&body, r.Input())
		pieces++
	})
	if err := c.conn.MakeRequest(r, evhttp.MethodGet, uri); err != nil {
		c.t.Fatal(err)
	}
	c.await()
	return got
}

// inParts cuts a text into parts of n bytes at most.
func inParts(text string, n int) (parts []string) {
	for len(text) > n {
		parts, text = append(parts, text[:n]), text[n:]
	}
	return append(parts, text)
}
