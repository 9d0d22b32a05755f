package evhttp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// A rawServer does with its connections what a script says. It has no idea of
// HTTP.
type rawServer struct {
	t    testing.TB
	l    net.Listener
	done sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// newRaw starts a server whose n-th connection, from 0, is handled by script.
func newRaw(t testing.TB, script func(n int, c *rawConn)) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveRaw(t, l, script)
}

func serveRaw(t testing.TB, l net.Listener, script func(n int, c *rawConn)) *rawServer {
	s := &rawServer{t: t, l: l}
	s.done.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			s.done.Go(func() {
				defer c.Close()
				script(n, &rawConn{Conn: c, Reader: bufio.NewReader(c)})
			})
		}
	})
	t.Cleanup(s.close)
	return s
}

func (s *rawServer) close() {
	s.l.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

func (s *rawServer) addr() netip.AddrPort { return s.l.Addr().(*net.TCPAddr).AddrPort() }

func (s *rawServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// rawConn is a connection of a rawServer.
type rawConn struct {
	net.Conn
	*bufio.Reader
}

func (c *rawConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// request reads the head of a request, or returns nothing at the end.
func (c *rawConn) request() string {
	var head strings.Builder
	for {
		line, err := c.ReadString('\n')
		if err != nil {
			return ""
		}
		head.WriteString(line)
		if line == "\r\n" {
			return head.String()
		}
	}
}

// body reads n bytes.
func (c *rawConn) body(n int) string {
	data := make([]byte, n)
	n, _ = io.ReadFull(c, data)
	return string(data[:n])
}

func (c *rawConn) send(text string) { io.WriteString(c.Conn, text) }

// drip sends text byte by byte, each in a packet of its own.
func (c *rawConn) drip(text string) {
	for i := range len(text) {
		c.send(text[i : i+1])
	}
}

// awaitEnd waits until the client has closed the connection.
func (c *rawConn) awaitEnd() { io.Copy(io.Discard, c) }

// reset ends the connection with a reset.
func (c *rawConn) reset() {
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Conn.Close()
}

const helloAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

func newTestBase(t testing.TB) *event.Base {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Free)
	return base
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connTo makes a connection that will connect to a server.
func connTo(t testing.TB, base *event.Base, addr netip.AddrPort) *ClientConn {
	t.Helper()
	c, err := NewClientConn(base, addr.Addr().String(), int(addr.Port()), nil)
	must(t, err)
	t.Cleanup(c.Free)
	return c
}

// dispatch runs the loop until stop, which a test calls when it has what it
// wants.
func dispatch(t testing.TB, base *event.Base, until func() bool) {
	t.Helper()
	late := time.Now().Add(20 * time.Second)
	tick := base.NewTimer(func(ev *event.Event, _ event.What) { ev.AddTimeout(time.Second) })
	defer tick.Free()
	tick.AddTimeout(time.Second)
	for !until() {
		if time.Now().After(late) {
			t.Fatal("waited in vain")
		}
		if _, err := base.Loop(event.LoopOnce); err != nil {
			t.Fatal(err)
		}
	}
}

// outcome is how a request has ended.
type outcome struct {
	r    *Request
	over bool
	text string
	body string
}

// expectOutcome makes a request that notes how it ends.
func expectOutcome() *outcome {
	o := new(outcome)
	o.r = NewRequest(func(r *Request) { o.note() })
	return o
}

func (o *outcome) note() {
	o.over = true
	var e *Error
	if errors.As(o.r.Err(), &e) {
		o.text = e.Code.String()
		return
	}
	data, _ := io.ReadAll(o.r.Input())
	o.body = string(data)
	o.text = fmt.Sprintf("%d %s %s", o.r.ResponseCode(), o.r.Reason(), data)
}

func (o *outcome) await(t testing.TB, base *event.Base) {
	t.Helper()
	dispatch(t, base, func() bool { return o.over })
}

func (o *outcome) want(t testing.TB, text string) {
	t.Helper()
	if o.text != text {
		t.Errorf("outcome %q (%v), want %q", o.text, o.r.Err(), text)
	}
}

// askOn makes a request and waits for its end.
func askOn(t testing.TB, c *ClientConn, uri string) *outcome {
	t.Helper()
	o := expectOutcome()
	must(t, c.MakeRequest(o.r, MethodGet, uri))
	o.await(t, c.Base())
	return o
}

// peek returns what has come.
func peek(t testing.TB, b *bufferevent.Bufferevent) string {
	t.Helper()
	data := make([]byte, b.Input().Len())
	_, err := b.Input().CopyOut(data)
	must(t, err)
	return string(data)
}
