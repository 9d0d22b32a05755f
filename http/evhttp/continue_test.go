package evhttp

import (
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A client that waits before it sends the body is told to go on, also by an
// answer that begins before the body has come, because it is made of that.
func TestEarlyReplyAsksForTheBody(t *testing.T) {
	s := newMemoryServer(t)
	s.HandleStream("/echo", func(r *Request) {
		r.SetChunkCallback(func(r *Request) {
			r.SendReplyChunk(r.Input())
			if r.Complete() {
				r.SendReplyEnd()
			}
		})
		r.SendReplyStart(200, "")
	})
	c := s.connect()
	defer c.free()
	c.send([]byte("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"))
	if got := c.got.String(); !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n") {
		t.Fatalf("before the body: %q", got)
	}
	c.send([]byte("body"))
	if got := c.got.String(); !strings.HasSuffix(got, "4\r\nbody\r\n0\r\n\r\n") {
		t.Errorf("after the body: %q", got)
	}
}

// A reply that refuses the request does not ask for its body.
func TestRefusalDoesNotAskForTheBody(t *testing.T) {
	s := newMemoryServer(t)
	s.HandleStream("/", func(r *Request) {
		r.SetChunkCallback(func(*Request) {})
		r.SendReplyStart(403, "")
		var why evbuffer.Buffer
		why.AddString("no")
		r.SendReplyChunk(&why)
		r.SendReplyEnd()
	})
	c := s.connect()
	defer c.free()
	c.send([]byte("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"))
	if got := c.got.String(); !strings.HasPrefix(got, "HTTP/1.1 403 Forbidden\r\n") {
		t.Errorf("got %q", got)
	}
}

// While it is not known whether the body is wanted, the client has all the time.
func TestWantBodyPutsOffTheTimeForTheBody(t *testing.T) {
	s, addr, on := serve(t)
	requests := make(chan *Request, 1)
	on(func() {
		s.SetGenericStream(func(r *Request) {
			r.WantBody(false)
			r.SetChunkCallback(func(*Request) {})
			requests <- r
		})
	})
	c := dial(t, addr)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	r := await(t, requests)
	on(func() {
		if s.conns[0].due != 0 {
			t.Error("the time for the body runs before it is wanted")
		}
		r.WantBody(true)
		if s.conns[0].due == 0 {
			t.Error("the time for the body does not run when it is wanted")
		}
	})
}
