package evhttp

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A muxServerConn is a session of a protocol that carries many exchanges at a time. It is
// made of lines, each of which begins with the number of a stream: "1 GET /path" and
// "1 reset" from the client, "1 head 200", "1 data text", "1 end" and "1 reset" from the
// server, which also says "overload" and "goaway".
type muxServerConn struct {
	ServerConn
	streams map[string]*muxServerExchange
	cause   error // that the connection fails with

	overloaded bool // the connection ends when that has left
}

type muxServerExchange struct {
	Request
	c    *muxServerConn
	id   string
	sent []func()
}

func newMuxServerConn(s *Server) (serverSession, error) {
	c := &muxServerConn{streams: make(map[string]*muxServerExchange), cause: errClosed}
	c.server, c.limits = s, &s.limits
	return c, c.init(s.base, c)
}

var muxServer = serverProtocol{"mux", newMuxServerConn}

func (c *muxServerConn) say(format string, args ...any) {
	fmt.Fprintf(c.bev.Output(), format+"\n", args...)
}

func (c *muxServerConn) asServer() serverSession { return c }
func (c *muxServerConn) conn() *ServerConn       { return &c.ServerConn }

func (c *muxServerConn) start(b *bufferevent.Bufferevent) error {
	c.attach(b)
	c.expect(c.server.cfg.Timeouts.Header)
	if b.Input().Len() > 0 {
		b.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
	}
	return b.Enable(event.Read)
}

func (c *muxServerConn) overload() {
	c.overloaded = true
	c.say("overload")
}

func (c *muxServerConn) drain() {
	c.say("goaway")
	c.rest()
}

func (c *muxServerConn) fail(cause error) {
	c.cause = cause
	c.close()
}

// rest is called when there may be no exchange any more.
func (c *muxServerConn) rest() {
	switch {
	case c.freed || len(c.streams) > 0:
	case c.server.draining:
		c.shut(true)
	default:
		c.expect(c.server.cfg.Timeouts.Idle)
	}
}

func (c *muxServerConn) onReadable() {
	for !c.freed {
		line, err := c.bev.Input().ReadLine(evbuffer.EOLLF)
		if err != nil || line == "" {
			return
		}
		part := strings.Fields(line)
		if x := c.streams[part[0]]; x != nil {
			x.end(errClosed)
			continue
		}
		c.begin(part[0], part[1], part[2])
	}
}

func (c *muxServerConn) begin(id, method, target string) {
	c.expect(0)
	x := &muxServerExchange{c: c, id: id}
	x.conn, x.ex, x.kept, x.received = &c.Conn, x, true, true
	x.asked = fakeHead(method, target)
	x.incoming, x.method = x.asked, c.server.methodOf([]byte(method))
	c.streams[id] = x
	if code := c.server.find(&x.Request); code != 0 {
		x.SendError(code, "")
		return
	}
	c.invoke(&x.Request, x.handler.fn)
}

func (c *muxServerConn) onDrained() {
	if c.overloaded {
		c.shut(true)
	}
	for _, x := range c.streams {
		sent := x.sent
		x.sent = nil
		for _, fn := range sent {
			c.run(&x.Request, fn)
		}
	}
}

func (c *muxServerConn) onEvent(what bufferevent.Events) {
	if what.Outcome() != bufferevent.ConnectionMade {
		c.fail(errClosed)
	}
}

func (c *muxServerConn) onTimer()              { c.shut(true) }
func (c *muxServerConn) betweenMessages() bool { return len(c.streams) == 0 }
func (c *muxServerConn) panicFunc() PanicFunc  { return c.server.cfg.OnPanic }
func (c *muxServerConn) closeGracefully(b *bufferevent.Bufferevent) {
	c.server.closeGracefully(b)
}

func (c *muxServerConn) panicked(r *Request, passes bool) {
	if passes {
		c.fail(ErrPanic)
	} else if r != nil && r.ex != nil {
		r.ex.abort(ErrPanic)
	}
}

func (c *muxServerConn) release() {
	c.server.remove(&c.ServerConn)
	for _, x := range c.streams {
		x.end(c.cause)
	}
}

// end ends an exchange.
func (x *muxServerExchange) end(cause error) {
	c := x.c
	delete(c.streams, x.id)
	if x.code != 0 {
		c.server.log(&x.Request)
	}
	x.cause = cause
	x.over(cause)
	c.rest()
}

func (x *muxServerExchange) proto() message.Proto { return message.Proto{Major: 2} }

func (x *muxServerExchange) sendHead(length int64) error {
	x.expected = length
	x.c.say("%s head %d", x.id, x.code)
	return nil
}

func (x *muxServerExchange) reply(body []byte) error {
	x.sendHead(int64(len(body)))
	x.data(body)
	return nil
}

func (x *muxServerExchange) data(p []byte) {
	x.Request.sent += int64(len(p))
	x.c.say("%s data %s", x.id, p)
}

func (x *muxServerExchange) inform(code int) error { x.c.say("%s inform %d", x.id, code); return nil }

func (x *muxServerExchange) sendData(data *evbuffer.Buffer) error {
	p, _ := data.Pullup(-1)
	x.c.say("%s data %s", x.id, p)
	return data.Drain(len(p))
}

func (x *muxServerExchange) sendEnd() error {
	x.c.say("%s end", x.id)
	x.end(nil)
	return nil
}

func (x *muxServerExchange) whenSent(fn func()) { x.sent = append(x.sent, fn) }
func (x *muxServerExchange) tellComplete()      {}
func (x *muxServerExchange) wantBody(bool)      {}
func (x *muxServerExchange) resume()            {}

func (x *muxServerExchange) abort(cause error) {
	x.c.say("%s reset", x.id)
	x.end(cause)
}

func (x *muxServerExchange) detach() (*bufferevent.Bufferevent, error) { return nil, ErrOrder }

// A muxTest is a server of that protocol, whose requests are answered when the test says so.
type muxTest struct {
	*memoryServer
	requests map[string]*Request
	log      []string
}

func newMuxTest(t *testing.T) *muxTest {
	m := &muxTest{memoryServer: newMemoryServer(t), requests: make(map[string]*Request)}
	m.protocols = []serverProtocol{muxServer}
	m.SetGenericCallback(func(r *Request) {
		m.requests[r.Path()] = r
		r.SetErrorCallback(func(r *Request, err error) { m.note("%s failed: %v", r.Path(), err) })
	})
	m.SetLogCallback(func(r *Request) { m.note("%s was answered with %d", r.Path(), r.ResponseCode()) })
	return m
}

func (m *muxTest) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

// wantNoted checks what was noted since it was called last, in any order.
func (m *muxTest) wantNoted(want ...string) {
	m.t.Helper()
	slices.Sort(m.log)
	slices.Sort(want)
	if !slices.Equal(m.log, want) {
		m.t.Errorf("noted %q, want %q", m.log, want)
	}
	m.log = nil
}

// open returns a client with a request for each path, which are streams 1, 2 and so on.
func (m *muxTest) open(paths ...string) *memoryClient {
	m.t.Helper()
	c := m.connect()
	for i, path := range paths {
		c.send(fmt.Appendf(nil, "%d GET %s\n", i+1, path))
		if r := m.requests[path]; r == nil || r.ServerConn().Server() != m.Server || r.Proto() != "HTTP/2.0" || r.Base() != m.base {
			m.t.Fatalf("%s is no request", path)
		}
	}
	return c
}

func (m *muxTest) answer(path string) {
	m.t.Helper()
	if err := m.requests[path].SendReplyBytes(200, "", []byte(path[1:])); err != nil {
		m.t.Error(err)
	}
	m.settle()
}

// wantSaid checks what the server has sent since it was called last.
func (c *memoryClient) wantSaid(want ...string) {
	c.server.t.Helper()
	c.server.settle()
	if got := strings.Split(strings.TrimSuffix(c.got.String(), "\n"), "\n"); !slices.Equal(got, want) && !(len(want) == 0 && c.got.Len() == 0) {
		c.server.t.Errorf("the server said %q, want %q", got, want)
	}
	c.got.Reset()
}

func (c *memoryClient) wantClosed(want bool) {
	c.server.t.Helper()
	c.server.settle()
	if c.closed() != want {
		c.server.t.Errorf("closed is %v", c.closed())
	}
}

// TestAServerServesManyExchangesAConnection has requests answered in another order than they
// have come in, on a connection that counts as one.
func TestAServerServesManyExchangesAConnection(t *testing.T) {
	m := newMuxTest(t)
	c := m.open("/a", "/b", "/c")
	if n := m.ConnectionCount(); n != 1 {
		t.Errorf("%d connections", n)
	}
	m.answer("/b")
	c.send([]byte("1 reset\n"))
	m.requests["/c"].SendReplyStart(200, "")
	m.requests["/c"].SendReplyChunkFunc(bufferOf("part"), func() { m.requests["/c"].SendReplyEnd() })
	c.wantSaid("2 head 200", "2 data b", "2 end", "3 head 200", "3 data part", "3 end")
	m.wantNoted("/b was answered with 200", "/a failed: "+errClosed.Error(), "/c was answered with 200")
	c.send([]byte("4 BREW /d\n"))
	m.wantNoted("/d was answered with 501")
	c.wantClosed(false)
}

func TestLimitOfConnectionsWithManyExchanges(t *testing.T) {
	m := newMuxTest(t)
	m.SetMaxConnections(1)
	c := m.open("/a", "/b")
	more := m.connect()
	more.wantSaid("overload")
	more.wantClosed(true)
	m.answer("/a")
	m.answer("/b")
	c.wantClosed(false)
	c.free()
	m.open("/c")
}

// TestEndsOfConnectionsWithManyExchanges ends a connection with two requests and one with
// none, in each way that there is.
func TestEndsOfConnectionsWithManyExchanges(t *testing.T) {
	failed := func(cause error) []string {
		return []string{fmt.Sprintf("/a failed: %v", cause), fmt.Sprintf("/b failed: %v", cause)}
	}
	for _, test := range []struct {
		name string
		do   func(m *muxTest, busy, idle *memoryClient)
		want []string
	}{
		{"the user frees it", func(m *muxTest, busy, idle *memoryClient) {
			m.requests["/a"].Conn().Free()
			busy.wantClosed(true)
			idle.wantClosed(false)
		}, failed(errClosed)},
		{"the user frees the server", func(m *muxTest, busy, idle *memoryClient) {
			m.Server.Free()
			busy.wantClosed(true)
			idle.wantClosed(true)
		}, failed(errClosed)},
		{"the base is freed", func(m *muxTest, _, _ *memoryClient) { m.base.Free() }, failed(event.ErrFreed)},
		{"the client closes it", func(m *muxTest, busy, idle *memoryClient) {
			m.requests["/a"].Conn().SetCloseCallback(func(*Conn) { m.note("closed") })
			busy.free()
		}, append(failed(errClosed), "closed")},
		{"it is idle", func(m *muxTest, busy, idle *memoryClient) {
			for _, c := range m.conns {
				if c.due != 0 {
					c.due = 1 // long ago
					c.timeIsUp()
				}
			}
			idle.wantClosed(true)
			busy.wantClosed(false)
		}, nil},
		{"the server shuts down", func(m *muxTest, busy, idle *memoryClient) {
			must(m.t, m.Shutdown(0, func(err error) { m.note("down: %v", err) }))
			idle.wantSaid("goaway")
			idle.wantClosed(true)
			m.answer("/b")
			busy.wantSaid("goaway", "2 head 200", "2 data b", "2 end")
			busy.wantClosed(false)
			m.wantNoted("/b was answered with 200")
			m.answer("/a")
			busy.wantClosed(true)
		}, []string{"/a was answered with 200", "down: <nil>"}},
		{"the time for that is up", func(m *muxTest, busy, idle *memoryClient) {
			must(m.t, m.Shutdown(time.Hour, func(err error) { m.note("down: %v", err) }))
			m.cutOff()
			busy.wantClosed(true)
		}, append(failed(errClosed), "down: "+ErrDeadline.Error())},
		{"a callback panics", func(m *muxTest, busy, idle *memoryClient) {
			m.SetPanicCallback(func(r *Request, value any) { m.note("%v", value) })
			busy.send([]byte("3 GET /c\n"))
			m.requests["/c"].SendReplyStart(200, "")
			m.requests["/c"].SendReplyChunkFunc(bufferOf("part"), func() { panic("boom") })
			busy.wantSaid("3 head 200", "3 data part", "3 reset")
			m.answer("/a")
			busy.wantClosed(false)
		}, []string{"boom", "/c was answered with 200", "/c failed: " + ErrPanic.Error(), "/a was answered with 200"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMuxTest(t)
			m.SetTimeouts(Timeouts{Header: -1, Idle: time.Hour})
			busy, idle := m.open("/a", "/b"), m.open("/z")
			m.answer("/z")
			idle.wantSaid("1 head 200", "1 data z", "1 end")
			m.wantNoted("/z was answered with 200")
			test.do(m, busy, idle)
			m.wantNoted(test.want...)
		})
	}
}

// TestStreamsAgreeOnAProtocol has TLS agree on a protocol once a connection was accepted,
// or before a stream is handed over.
func TestStreamsAgreeOnAProtocol(t *testing.T) {
	const http1, mux = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "1 GET /a\n"
	for _, test := range []struct {
		agreed, request, reply string
		served                 error
	}{
		{"", http1, "HTTP/1.1 200 OK\r\n", nil},
		{"http/1.1", http1, "HTTP/1.1 200 OK\r\n", nil},
		{"acme-tls/1", http1, "HTTP/1.1 200 OK\r\n", nil},
		{"mux", mux, "1 head 200\n", nil},
		{"h2", "PRI * HTTP/2.0", "", errors.ErrUnsupported},
	} {
		for _, handed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%q, handed over %v", test.agreed, handed), func(t *testing.T) {
				m := newMuxTest(t)
				m.protocols = append(newServerProtocols(), muxServer)
				m.SetMaxConnections(1)
				ours, theirs, err := bufferevent.NewPair(m.base, 0)
				must(t, err)
				theirs, err = OverSecured(theirs, tls.ConnectionState{NegotiatedProtocol: test.agreed})
				must(t, err)
				if handed {
					ours.Write([]byte(test.request))
					if err := m.Serve(theirs); !errors.Is(err, test.served) || err != nil && test.served == nil {
						t.Fatal(err)
					}
				} else {
					must(t, m.serve(&m.protocols[0], theirs))
					theirs.TriggerEvent(bufferevent.EventConnected, nil, 0)
					ours.Write([]byte(test.request))
				}
				ours.Enable(event.Read)
				m.settle()
				if r := m.requests["/a"]; r != nil {
					m.answer("/a")
					if n := m.ConnectionCount(); n != 1 {
						t.Errorf("%d connections", n)
					}
				}
				if got := []byte(peek(t, ours)); !bytes.HasPrefix(got, []byte(test.reply)) || test.reply == "" && m.ConnectionCount() > 0 {
					t.Errorf("got %q, %d connections", got, m.ConnectionCount())
				}
			})
		}
	}
}
