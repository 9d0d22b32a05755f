package evhttp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
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
func connTo(t testing.TB, base *event.Base, addr netip.AddrPort) *Conn {
	t.Helper()
	c, err := NewConn(base, nil, addr.Addr().String(), int(addr.Port()))
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
func askOn(t testing.TB, c *Conn, uri string) *outcome {
	t.Helper()
	o := expectOutcome()
	must(t, c.MakeRequest(o.r, MethodGet, uri))
	o.await(t, c.Base())
	return o
}

func TestAnAnswerIsTakenHoweverItIsCut(t *testing.T) {
	for name, answer := range map[string]string{
		"sized":       helloAnswer,
		"chunked":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nSum: 5\r\n\r\n",
		"until close": "HTTP/1.1 200 OK\r\n\r\nhello",
		"after hints": "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + helloAnswer,
	} {
		for how, send := range map[string]func(c *rawConn){
			"whole":        func(c *rawConn) { c.send(answer) },
			"byte by byte": func(c *rawConn) { c.drip(answer) },
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				s := newRaw(t, func(_ int, c *rawConn) {
					c.request()
					send(c)
				})
				o := askOn(t, connTo(t, newTestBase(t), s.addr()), "/")
				o.want(t, "200 OK hello")
				if name == "chunked" && o.r.InputTrailers().Get("Sum") != "5" {
					t.Error("no trailer")
				}
			})
		}
	}
}

// Wherever the server stops, nothing is taken for whole that is not.
func TestAnswersThatStopAnywhere(t *testing.T) {
	for _, answer := range []string{
		helloAnswer,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nSum: 5\r\n\r\n",
	} {
		s := newRaw(t, func(n int, c *rawConn) {
			c.request()
			c.send(answer[:n])
		})
		base := newTestBase(t)
		for range len(answer) {
			c := connTo(t, base, s.addr())
			askOn(t, c, "/").want(t, "connection ended")
			c.Free()
		}
		askOn(t, connTo(t, base, s.addr()), "/").want(t, "200 OK hello")
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	endless := strings.Repeat("X-Endless: field\r\n", 10_000)
	for _, tt := range []struct{ name, answer, want string }{
		{"garbage", "\x16\x03\x01\x02\x00\x01garbage", "invalid answer"},
		{"another version", "HTTP/2.0 200 OK\r\n\r\n", "invalid answer"},
		{"endless header", "HTTP/1.1 200 OK\r\n" + endless, "invalid answer"},
		{"endless line", "HTTP/1.1 200 " + strings.Repeat("x", 100_000), "invalid answer"},
		{"both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "invalid answer"},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", "invalid answer"},
		{"endless hints", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000), "invalid answer"},
		{"upgrade nobody has asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "invalid answer"},
		{"too long", "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", "answer too long"},
		{"nothing", "", "connection ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newRaw(t, func(_ int, c *rawConn) {
				c.request()
				c.send(tt.answer)
				if tt.answer != "" {
					c.awaitEnd()
				}
			})
			askOn(t, connTo(t, newTestBase(t), s.addr()), "/").want(t, tt.want)
		})
	}
}

func TestLimitsOfAnswers(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) {
		for c.request() != "" {
			c.send("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 500) + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n")
		}
	})
	base := newTestBase(t)
	for _, tt := range []struct {
		name  string
		set   func(c *Conn)
		want  string
		after string
	}{
		{"none", func(c *Conn) {}, "200 OK hellohello", ""},
		{"body", func(c *Conn) { c.SetMaxBodySize(9) }, "answer too long", ""},
		{"body that is just right", func(c *Conn) { c.SetMaxBodySize(10) }, "200 OK hellohello", ""},
		{"body, read to the end", func(c *Conn) { c.SetMaxBodySize(9); c.SetFlags(ConLingeringClose) }, "answer too long", ""},
		{"header", func(c *Conn) { c.SetMaxHeadersSize(400) }, "invalid answer", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := connTo(t, base, s.addr())
			tt.set(c)
			askOn(t, c, "/").want(t, tt.want)
		})
	}
}

func TestRequestsAsTheyAreSent(t *testing.T) {
	heads := make(chan string, 1)
	s := newRaw(t, func(_ int, c *rawConn) {
		for {
			head := c.request()
			if head == "" {
				return
			}
			if strings.Contains(head, "Content-Length: 4\r\n") {
				head += c.body(4)
			}
			heads <- head
			c.send("HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	host := "Host: " + s.addr().String() + "\r\n"
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	for _, tt := range []struct {
		name string
		make func(r *Request) error
		want string
	}{
		{"get", func(r *Request) error { return c.MakeRequest(r, MethodGet, "/a?b=c") }, "GET /a?b=c HTTP/1.1\r\n" + host + "\r\n"},
		{"get with a body", func(r *Request) error {
			r.Output().AddString("body")
			return c.MakeRequest(r, MethodGet, "/")
		}, "GET / HTTP/1.1\r\n" + host + "Content-Length: 4\r\n\r\nbody"},
		{"post", func(r *Request) error {
			r.Output().AddString("body")
			return c.MakeRequest(r, MethodPost, "/")
		}, "POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\n\r\nbody"},
		{"empty post", func(r *Request) error { return c.MakeRequest(r, MethodPost, "/") }, "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n"},
		{"custom", func(r *Request) error { return c.MakeCustomRequest(r, "BREW", "*") }, "BREW * HTTP/1.1\r\n" + host + "\r\n"},
		{"header", func(r *Request) error {
			r.OutputHeaders().Add("Host", "other.example")
			r.OutputHeaders().Add("X-Y", "z")
			r.OutputHeaders().Add("Content-Length", "17")
			r.OutputHeaders().Add("Transfer-Encoding", "chunked")
			return c.MakeRequest(r, MethodHead, "/")
		}, "HEAD / HTTP/1.1\r\nHost: other.example\r\nX-Y: z\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := expectOutcome()
			must(t, tt.make(o.r))
			o.await(t, base)
			o.want(t, "204 No Content ")
			if got := <-heads; got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
	if s.count() != 1 {
		t.Errorf("%d connections, want 1", s.count())
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	base := newTestBase(t)
	c := connTo(t, base, netip.MustParseAddrPort("127.0.0.1:1"))
	for _, uri := range []string{"", "/a b", "/a\r\nX: y", "/\x00", "/\n"} {
		if err := c.MakeRequest(NewRequest(nil), MethodGet, uri); !errors.Is(err, ErrInvalid) {
			t.Errorf("uri %q: error %v", uri, err)
		}
	}
	for _, method := range []string{"", "GE T", "GET\r\n"} {
		if err := c.MakeCustomRequest(NewRequest(nil), method, "/"); !errors.Is(err, ErrInvalid) {
			t.Errorf("method %q: error %v", method, err)
		}
	}
	r := NewRequest(nil)
	for _, value := range []string{"a\r\nb", "a\nb", "a\rb", "a\x00b"} {
		if err := r.OutputHeaders().Add("X", value); !errors.Is(err, ErrInvalid) {
			t.Errorf("value %q: error %v", value, err)
		}
	}
	if len(c.side.(*outgoing).queue) != 0 {
		t.Error("something is in the queue")
	}
}

func TestConnectionsThatCannotBe(t *testing.T) {
	base := newTestBase(t)
	for _, host := range []string{"", "a\r\nb"} {
		if _, err := NewConn(base, nil, host, 80); !errors.Is(err, ErrInvalid) {
			t.Errorf("host %q: error %v", host, err)
		}
	}
	for _, port := range []int{-1, 0, 65536} {
		if _, err := NewConn(base, nil, "host", port); !errors.Is(err, ErrInvalid) {
			t.Errorf("port %d: error %v", port, err)
		}
	}
	if _, err := NewConnUnix(base, "", nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("Unix socket: error %v", err)
	}
}

func TestRequestsGoOneAfterTheOther(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) {
		for {
			line := c.request()
			if line == "" {
				return
			}
			path := strings.Fields(line)[1]
			if c.Buffered() > 0 {
				c.send("HTTP/1.1 500 Not My Turn\r\nContent-Length: 0\r\n\r\n")
			}
			fmt.Fprintf(c.Conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
		}
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	var list []*outcome
	for i := range 20 {
		o := expectOutcome()
		must(t, c.MakeRequest(o.r, MethodGet, fmt.Sprint("/", i)))
		list = append(list, o)
	}
	list[len(list)-1].await(t, base)
	for i, o := range list {
		o.want(t, fmt.Sprint("200 OK /", i))
	}
	if s.count() != 1 {
		t.Errorf("%d connections, want 1", s.count())
	}
}

func TestAQueueHasALimit(t *testing.T) {
	base := newTestBase(t)
	c := connTo(t, base, netip.MustParseAddrPort("127.0.0.1:1"))
	must(t, c.SetMaxQueue(3))
	for range 3 {
		must(t, c.MakeRequest(NewRequest(nil), MethodGet, "/"))
	}
	if err := c.MakeRequest(NewRequest(nil), MethodGet, "/"); !errors.Is(err, ErrQueueFull) {
		t.Errorf("error %v", err)
	}
}

func TestARequestCanBeUsedAgain(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) {
		for i := 0; c.request() != ""; i++ {
			if i%2 == 1 {
				c.send("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\nSum: 2\r\n\r\n")
			} else {
				c.send(helloAnswer)
			}
		}
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	var got []string
	var r *Request
	r = NewRequest(func(*Request) {
		got = append(got, fmt.Sprint(r.ResponseCode(), r.Reason(), r.Input().Len(), r.InputTrailers().Get("Sum"), r.Err()))
		if len(got) < 4 {
			must(t, c.MakeRequest(r, MethodGet, "/"))
			if err := c.MakeRequest(r, MethodGet, "/"); !errors.Is(err, ErrBusy) {
				t.Errorf("error %v", err)
			}
		}
	})
	must(t, c.MakeRequest(r, MethodGet, "/"))
	dispatch(t, base, func() bool { return len(got) == 4 })
	if want := []string{"200OK5<nil>", "404No22<nil>", "200OK5<nil>", "404No22<nil>"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheServerClosesAfterEachAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"announced":   "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
		"1.0":         "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"until close": "HTTP/1.1 200 OK\r\n\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			s := newRaw(t, func(n int, c *rawConn) {
				c.request()
				c.send(answer)
			})
			base := newTestBase(t)
			c := connTo(t, base, s.addr())
			closed := 0
			c.SetCloseCallback(func(*Conn) { closed++ })
			for range 3 {
				askOn(t, c, "/").want(t, "200 OK hello")
			}
			if s.count() != 3 || closed != 3 {
				t.Errorf("%d connections, %d closed, want 3", s.count(), closed)
			}
		})
	}
}

func TestWeAskToClose(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) {
		c.request()
		c.send(helloAnswer)
		c.awaitEnd()
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	for range 2 {
		o := expectOutcome()
		o.r.OutputHeaders().Add("Connection", "close")
		must(t, c.MakeRequest(o.r, MethodGet, "/"))
		o.await(t, base)
		o.want(t, "200 OK hello")
	}
	askOn(t, c, "/").want(t, "200 OK hello")
	if s.count() != 3 {
		t.Errorf("%d connections, want 3", s.count())
	}
}

// A server may close a connection that it kept just when the next request comes.
func TestAStaleConnection(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, tt := range []struct {
		name   string
		method Method
		body   string
		want   string
	}{
		{"get", MethodGet, "", "200 OK hello"},
		{"put", MethodPut, "small", "200 OK hello"},
		{"long put", MethodPut, long, "200 OK hello"},
		{"post", MethodPost, "small", "connection ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bodies := make(chan string, 10)
			s := newRaw(t, func(n int, c *rawConn) {
				c.request()
				if n == 0 {
					c.send(helloAnswer)
					c.request() // and leave it without an answer
					return
				}
				bodies <- c.body(len(tt.body))
				c.send(helloAnswer)
			})
			base := newTestBase(t)
			c := connTo(t, base, s.addr())
			askOn(t, c, "/").want(t, "200 OK hello")
			o := expectOutcome()
			o.r.Output().AddString(tt.body)
			must(t, c.MakeRequest(o.r, tt.method, "/"))
			o.await(t, base)
			o.want(t, tt.want)
			if tt.want == "200 OK hello" {
				if got := <-bodies; got != tt.body {
					t.Errorf("%d bytes of body, want %d", len(got), len(tt.body))
				}
			}
		})
	}
}

// A connection that fails at once is not tried again and again.
func TestAFreshConnectionIsNotTriedAgain(t *testing.T) {
	s := newRaw(t, func(n int, c *rawConn) { c.request() })
	askOn(t, connTo(t, newTestBase(t), s.addr()), "/").want(t, "connection ended")
	if s.count() != 1 {
		t.Errorf("%d connections, want 1", s.count())
	}
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	for name, end := range map[string]func(c *rawConn){
		"by the server":                   func(c *rawConn) {},
		"by a reset":                      func(c *rawConn) { c.reset() },
		"because something comes unasked": func(c *rawConn) { c.send("HTTP/1.1 408 Late\r\n\r\n"); c.awaitEnd() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newRaw(t, func(_ int, c *rawConn) {
				c.request()
				c.send(helloAnswer)
				end(c)
			})
			base := newTestBase(t)
			c := connTo(t, base, s.addr())
			closed := false
			c.SetCloseCallback(func(*Conn) { closed = true })
			askOn(t, c, "/").want(t, "200 OK hello")
			dispatch(t, base, func() bool { return closed })
			if c.Bufferevent() != nil {
				t.Error("there is a stream still")
			}
			askOn(t, c, "/").want(t, "200 OK hello")
		})
	}
	t.Run("after its time", func(t *testing.T) {
		ended := make(chan bool, 1)
		s := newRaw(t, func(_ int, c *rawConn) {
			c.request()
			c.send(helloAnswer)
			c.awaitEnd()
			ended <- true
		})
		base := newTestBase(t)
		c := connTo(t, base, s.addr())
		must(t, c.SetIdleTimeout(time.Millisecond))
		closed := false
		c.SetCloseCallback(func(*Conn) { closed = true })
		askOn(t, c, "/").want(t, "200 OK hello")
		dispatch(t, base, func() bool { return closed })
		<-ended
	})
}

func TestRetries(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	base := newTestBase(t)
	c := connTo(t, base, addr)
	askOn(t, c, "/").want(t, "connection ended")
	must(t, c.SetRetries(3))
	must(t, c.SetInitialRetry(time.Millisecond))
	before := time.Now()
	askOn(t, c, "/").want(t, "connection ended")
	if d := time.Since(before); d < 7*time.Millisecond {
		t.Errorf("gave up after %v, want 1+2+4 ms at least", d)
	}
	// A server that comes up meanwhile is found.
	must(t, c.SetRetries(-1))
	o := expectOutcome()
	must(t, c.MakeRequest(o.r, MethodGet, "/"))
	dispatch(t, base, func() bool { return c.side.(*outgoing).retries > 1 })
	l, err = net.Listen("tcp", addr.String())
	must(t, err)
	serveRaw(t, l, func(_ int, c *rawConn) { c.request(); c.send(helloAnswer) })
	o.await(t, base)
	o.want(t, "200 OK hello")
}

func TestTimeouts(t *testing.T) {
	var release chan struct{}
	for _, tt := range []struct {
		name   string
		set    func(c *Conn)
		script func(c *rawConn)
		body   int
	}{
		{"no answer", func(c *Conn) { c.SetTimeout(10 * time.Millisecond) }, func(c *rawConn) { c.awaitEnd() }, 0},
		{"half a head", func(c *Conn) { c.SetReadTimeout(10 * time.Millisecond) }, func(c *rawConn) { c.request(); c.send(helloAnswer[:10]); c.awaitEnd() }, 0},
		{"half a body", func(c *Conn) { c.SetReadTimeout(10 * time.Millisecond) }, func(c *rawConn) { c.request(); c.send(helloAnswer[:len(helloAnswer)-1]); c.awaitEnd() }, 0},
		{"nothing taken", func(c *Conn) { c.SetWriteTimeout(10 * time.Millisecond) }, func(c *rawConn) { <-release }, 64 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			release = make(chan struct{})
			s := newRaw(t, func(_ int, c *rawConn) { tt.script(c) })
			t.Cleanup(func() { close(release) })
			base := newTestBase(t)
			c := connTo(t, base, s.addr())
			tt.set(c)
			o := expectOutcome()
			o.r.Output().Add(make([]byte, tt.body))
			must(t, c.MakeRequest(o.r, MethodPost, "/"))
			o.await(t, base)
			o.want(t, "timeout")
		})
	}
}

func TestExpectContinue(t *testing.T) {
	for _, tt := range []struct {
		name, answer, want string
		follows            bool
	}{
		{"wanted", "HTTP/1.1 100 Continue\r\n\r\n", "200 OK hello", false},
		{"wanted, and follows", "HTTP/1.1 100 Continue\r\n\r\n", "200 OK hello", true},
		{"refused", "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", "417 Expectation Failed ", false},
		{"no answer", "", "200 OK hello", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newRaw(t, func(_ int, c *rawConn) {
				c.request()
				c.send(tt.answer)
				if strings.Contains(tt.answer, "417") {
					c.awaitEnd()
					return
				}
				if got := c.body(4); got != "body" && !tt.follows {
					t.Errorf("body %q", got)
				}
				c.send(helloAnswer)
			})
			base := newTestBase(t)
			c := connTo(t, base, s.addr())
			must(t, c.SetContinueTimeout(10*time.Millisecond))
			if tt.answer != "" {
				must(t, c.SetContinueTimeout(0))
			}
			o := expectOutcome()
			o.r.OutputHeaders().Add("Expect", "100-continue")
			informed := 0
			o.r.SetInformationalCallback(func(_ *Request, code int, _ *Header) { informed = code })
			if tt.follows {
				must(t, c.StartRequest(o.r, MethodPost, "/", func(r *Request) {
					if informed != 100 {
						t.Error("it was not time for the body")
					}
					var part evbuffer.Buffer
					part.AddString("body")
					must(t, r.SendReplyChunk(&part))
					must(t, r.SendReplyEnd())
				}))
			} else {
				o.r.Output().AddString("body")
				must(t, c.MakeRequest(o.r, MethodPost, "/"))
			}
			o.await(t, base)
			o.want(t, tt.want)
			if strings.HasPrefix(tt.answer, "HTTP/1.1 100") && informed != 100 {
				t.Error("the callback was not told")
			}
		})
	}
}

func TestAnswersBeforeTheRequestIsComplete(t *testing.T) {
	const answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
	s := newRaw(t, func(n int, c *rawConn) {
		c.request()
		if n == 0 {
			c.send(answer)
			c.awaitEnd()
		}
		c.send(helloAnswer)
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	o := expectOutcome()
	must(t, c.StartRequest(o.r, MethodPost, "/", func(r *Request) {}))
	next := expectOutcome()
	must(t, c.MakeRequest(next.r, MethodGet, "/"))
	next.await(t, base)
	o.want(t, "413 Too Large no")
	next.want(t, "200 OK hello")
	if err := o.r.SendReplyEnd(); !errors.Is(err, ErrDone) {
		t.Errorf("error %v", err)
	}
}

// A server that stops to read and answers nevertheless is heard, if that is
// wanted.
func TestReadOnWriteError(t *testing.T) {
	for _, flags := range []ConnFlags{0, ConReadOnWriteError} {
		t.Run(fmt.Sprint(flags), func(t *testing.T) {
			base := newTestBase(t)
			ours, theirs, err := bufferevent.NewPair(base, 0)
			must(t, err)
			defer theirs.Free()
			c, err := NewConnReuse(ours, "host")
			must(t, err)
			defer c.Free()
			must(t, c.SetFlags(flags))
			o := expectOutcome()
			o.r.Output().AddString("body")
			must(t, c.MakeRequest(o.r, MethodPost, "/"))
			ours.TriggerEvent(bufferevent.EventError|bufferevent.EventWriting, 0)
			side := c.side.(*outgoing)
			dispatch(t, base, func() bool { return o.over || side.written != nil })
			theirs.WriteString(helloAnswer)
			o.await(t, base)
			if flags == 0 {
				o.want(t, "connection ended")
			} else {
				o.want(t, "200 OK hello")
			}
		})
	}
}

func TestStreamedUploads(t *testing.T) {
	const part, parts = 100_000, 100
	for _, announced := range []bool{true, false} {
		t.Run(fmt.Sprint(announced), func(t *testing.T) {
			got := make(chan string, 1)
			srv := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				got <- fmt.Sprint(n, " ", err, " ", r.ContentLength, " ", r.Trailer.Get("Sum"))
			})}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			go srv.Serve(l)
			defer srv.Close()
			base := newTestBase(t)
			c := connTo(t, base, l.Addr().(*net.TCPAddr).AddrPort())
			o := expectOutcome()
			want := fmt.Sprint(part*parts, " <nil> -1 5")
			if announced {
				o.r.OutputHeaders().Add("Content-Length", fmt.Sprint(part*parts))
				want = fmt.Sprint(part*parts, " <nil> ", part*parts, " ")
			} else {
				o.r.OutputHeaders().Add("Trailer", "Sum")
				o.r.OutputTrailers().Add("Sum", "5")
			}
			left := parts
			var more func()
			more = func() {
				if left == 0 {
					must(t, o.r.SendReplyEnd())
					return
				}
				if n := c.Bufferevent().Output().Len(); n > 0 {
					t.Errorf("%d bytes have not left", n)
				}
				left--
				var data evbuffer.Buffer
				data.Add(make([]byte, part))
				must(t, o.r.SendReplyChunkFunc(&data, more))
			}
			returned := false
			must(t, c.StartRequest(o.r, MethodPut, "/", func(*Request) {
				if !returned {
					t.Error("called before StartRequest had returned")
				}
				more()
			}))
			returned = true
			o.await(t, base)
			o.want(t, "200 OK ")
			if got := <-got; got != want {
				t.Errorf("server got %s, want %s", got, want)
			}
		})
	}
}

func TestAnUploadOfTheWrongLength(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) { c.awaitEnd() })
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	o := expectOutcome()
	o.r.OutputHeaders().Add("Content-Length", "5")
	var long, short error
	failed := false
	o.r.SetErrorCallback(func(_ *Request, err error) { failed = true })
	must(t, c.StartRequest(o.r, MethodPut, "/", func(r *Request) {
		var data evbuffer.Buffer
		data.AddString("too long")
		long = r.SendReplyChunk(&data)
		short = r.SendReplyEnd()
	}))
	dispatch(t, base, func() bool { return failed })
	if !errors.Is(long, ErrLength) || !errors.Is(short, ErrLength) || o.over {
		t.Errorf("errors %v and %v, done %v", long, short, o.over)
	}
}

// What the user does not take stays with the server, and comes when he does.
func TestStreamedDownloadsWait(t *testing.T) {
	const total = 32 << 20
	s := newRaw(t, func(_ int, c *rawConn) {
		c.request()
		fmt.Fprintf(c.Conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", total)
		for range total / 65536 {
			if _, err := c.Conn.Write(make([]byte, 65536)); err != nil {
				return
			}
		}
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	o := expectOutcome()
	most, taken := 0, 0
	later := base.NewTimer(func(*event.Event, event.What) {
		taken += o.r.Input().Len()
		o.r.Input().Drain(o.r.Input().Len())
	})
	defer later.Free()
	o.r.SetChunkCallback(func(r *Request) {
		most = max(most, r.Input().Len()+c.Bufferevent().Input().Len())
		later.AddTimeout(time.Millisecond)
	})
	must(t, c.MakeRequest(o.r, MethodGet, "/"))
	o.await(t, base)
	taken += len(o.body)
	if taken != total || most > maxUntaken+200_000 {
		t.Errorf("took %d of %d, with up to %d waiting", taken, total, most)
	}
}

// The end comes while the user has not taken what was there before.
func TestTheEndComesWhileReadingRests(t *testing.T) {
	for _, head := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n"} {
		const total = 400_000
		base := newTestBase(t)
		ours, theirs, err := bufferevent.NewPair(base, 0)
		must(t, err)
		c, err := NewConnReuse(ours, "host")
		must(t, err)
		o := expectOutcome()
		rested := false
		o.r.SetChunkCallback(func(r *Request) {})
		must(t, c.MakeRequest(o.r, MethodGet, "/"))
		theirs.WriteString(head)
		theirs.Write(make([]byte, total))
		dispatch(t, base, func() bool { rested = o.r.paused; return rested })
		c.side.(*outgoing).finished(io.EOF) // as a stream tells that has nothing more
		if o.over {
			t.Fatal("over too early")
		}
		n := o.r.Input().Len()
		o.r.Input().Drain(n)
		o.await(t, base)
		if n += len(o.body); n != total || o.r.Err() != nil {
			t.Errorf("took %d, want %d, error %v", n, total, o.r.Err())
		}
		theirs.Free()
		c.Free()
	}
}

func TestCancelInEveryState(t *testing.T) {
	for _, state := range []string{"queued", "connecting", "waiting to retry", "sent", "in the body", "header callback", "chunk callback", "over"} {
		t.Run(state, func(t *testing.T) {
			ended := make(chan struct{}, 9)
			s := newRaw(t, func(n int, c *rawConn) {
				head := c.request()
				if strings.Contains(head, "/next") {
					c.send(helloAnswer)
				} else if state == "sent" {
					c.awaitEnd()
				} else {
					c.send(helloAnswer[:len(helloAnswer)-2])
					if state == "over" {
						c.send("lo")
						c.request()
						c.send(helloAnswer)
					}
				}
				c.awaitEnd()
				ended <- struct{}{}
			})
			base := newTestBase(t)
			addr := s.addr()
			if state == "waiting to retry" {
				s.l.Close()
			}
			c := connTo(t, base, addr)
			c.SetRetries(-1)
			c.SetInitialRetry(time.Hour)
			o := expectOutcome()
			var failure error
			o.r.SetErrorCallback(func(_ *Request, err error) { failure = err })
			switch state {
			case "header callback":
				o.r.SetHeaderCallback(func(r *Request) bool { r.Cancel(); return true })
			case "chunk callback":
				o.r.SetChunkCallback(func(r *Request) { r.Cancel() })
			}
			must(t, c.MakeRequest(o.r, MethodGet, "/first"))
			side := c.side.(*outgoing)
			switch state {
			case "waiting to retry":
				dispatch(t, base, func() bool { return side.state == waiting })
				o.r.Cancel()
				if side.state != apart || side.timer.Pending(event.Timeout) != 0 {
					t.Error("it still waits")
				}
			case "sent":
				dispatch(t, base, func() bool { return side.state == inResponse && side.bev.Output().Len() == 0 })
				o.r.Cancel()
			case "in the body":
				dispatch(t, base, func() bool { return side.state == inResponseBody })
				o.r.Cancel()
			case "over":
				o.await(t, base)
				o.r.Cancel()
			case "queued", "connecting":
				o.r.Cancel()
			default:
				dispatch(t, base, func() bool { return failure != nil })
			}
			var e *Error
			if state == "over" {
				o.want(t, "200 OK hello")
			} else if !errors.As(failure, &e) || e.Code != ReqCancel || o.over {
				t.Errorf("error %v, done %v", failure, o.over)
			}
			if len(side.queue) != 0 {
				t.Error("it is in the queue still")
			}
			if state != "waiting to retry" {
				askOn(t, c, "/next").want(t, "200 OK hello")
			}
		})
	}
}

// Callbacks may free the connection, or send other requests.
func TestCallbacksMayDoAnything(t *testing.T) {
	for _, where := range []string{"informational", "header", "chunk", "done", "error", "failed", "ready", "sent", "close"} {
		for _, what := range []string{"free", "cancel", "request"} {
			t.Run(where+" "+what, func(t *testing.T) {
				s := newRaw(t, func(_ int, c *rawConn) {
					for {
						head := c.request()
						if head == "" {
							return
						}
						if strings.HasPrefix(head, "GET /bad") {
							c.send("nonsense\r\n\r\n")
							continue
						}
						if strings.HasPrefix(head, "PUT") {
							c.body(len("4\r\nbody\r\n0\r\n\r\n"))
						}
						c.send("HTTP/1.1 102 Processing\r\n\r\n" + helloAnswer)
						if where == "close" {
							return
						}
					}
				})
				base := newTestBase(t)
				c := connTo(t, base, s.addr())
				acted := false
				other := expectOutcome()
				act := func() {
					if acted {
						return
					}
					acted = true
					switch what {
					case "free":
						c.Free()
					case "request":
						must(t, c.MakeRequest(other.r, MethodGet, "/"))
					}
				}
				path := "/"
				var r *Request
				actOn := func() {
					if act(); what == "cancel" {
						r.Cancel()
					}
				}
				r = NewRequest(func(*Request) {
					if where == "done" || where == "failed" {
						actOn()
					}
				})
				var ready func(*Request)
				switch where {
				case "informational":
					r.SetInformationalCallback(func(*Request, int, *Header) { actOn() })
				case "header":
					r.SetHeaderCallback(func(*Request) bool { actOn(); return true })
				case "chunk":
					r.SetChunkCallback(func(*Request) { actOn() })
				case "error":
					r.SetErrorCallback(func(*Request, error) { actOn() })
					path = "/bad"
				case "failed":
					path = "/bad"
				case "ready":
					ready = func(*Request) { actOn() }
				case "sent":
					ready = func(r *Request) {
						var data evbuffer.Buffer
						data.AddString("body")
						must(t, r.SendReplyChunkFunc(&data, func() {
							actOn()
							if what == "request" {
								must(t, r.SendReplyEnd())
							}
						}))
					}
				case "close":
					c.SetCloseCallback(func(*Conn) { actOn() })
				}
				if ready != nil {
					must(t, c.StartRequest(r, MethodPut, path, ready))
				} else {
					must(t, c.MakeRequest(r, MethodGet, path))
				}
				dispatch(t, base, func() bool { return acted })
				if what == "request" && where == "ready" {
					var data evbuffer.Buffer
					data.AddString("body")
					must(t, r.SendReplyChunk(&data))
					must(t, r.SendReplyEnd())
				}
				switch what {
				case "request":
					other.await(t, base)
					other.want(t, "200 OK hello")
				case "cancel":
					askOn(t, c, "/after").want(t, "200 OK hello")
				case "free":
					if err := c.MakeRequest(NewRequest(nil), MethodGet, "/"); !errors.Is(err, ErrDone) {
						t.Errorf("error %v", err)
					}
				}
			})
		}
	}
}

func TestFree(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) { c.awaitEnd() })
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	first, second := expectOutcome(), expectOutcome()
	must(t, c.MakeRequest(first.r, MethodGet, "/"))
	must(t, c.MakeRequest(second.r, MethodGet, "/"))
	ctx := first.r.Context()
	side := c.side.(*outgoing)
	dispatch(t, base, func() bool { return side.state == inResponse })
	c.Free()
	c.Free()
	if first.over || second.over || ctx.Err() == nil || first.r.Err() == nil || first.r.Conn() != nil {
		t.Error("callbacks were called, or the request is not over")
	}
	if base.NumEvents(event.CountAdded|event.CountActive) != 0 {
		t.Errorf("%d events are left", base.NumEvents(event.CountAdded))
	}
}

func TestFreeOnCompletion(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) {
		for c.request() != "" {
			c.send(helloAnswer)
		}
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	must(t, c.FreeOnCompletion())
	left := 3
	var r *Request
	r = NewRequest(func(*Request) {
		if left--; left > 0 {
			must(t, c.MakeRequest(r, MethodGet, "/"))
		}
	})
	must(t, c.MakeRequest(r, MethodGet, "/"))
	dispatch(t, base, func() bool { return c.freed })
	if left != 0 {
		t.Errorf("%d requests were not made", left)
	}
}

func TestLocalAddressAndFamily(t *testing.T) {
	from := make(chan netip.AddrPort, 1)
	s := newRaw(t, func(_ int, c *rawConn) {
		from <- c.RemoteAddr().(*net.TCPAddr).AddrPort()
		c.request()
		c.send(helloAnswer)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	free := l.Addr().(*net.TCPAddr).AddrPort().Port()
	l.Close()
	base := newTestBase(t)
	c, err := NewConn(base, nil, "localhost", int(s.addr().Port()))
	must(t, err)
	defer c.Free()
	must(t, c.SetFamily(syscall.AF_INET))
	must(t, c.SetLocalAddress(netip.MustParseAddr("127.0.0.1")))
	must(t, c.SetLocalPort(free))
	askOn(t, c, "/").want(t, "200 OK hello")
	if got := <-from; got.Port() != free {
		t.Errorf("from %v, want port %d", got, free)
	}
	if err := c.SetFamily(99); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestReuseConnectedAddr(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) { c.request(); c.send(helloAnswer) })
	base := newTestBase(t)
	for _, flags := range []ConnFlags{0, ConReuseConnectedAddr} {
		c, err := NewConn(base, nil, "localhost", int(s.addr().Port()))
		must(t, err)
		defer c.Free()
		must(t, c.SetFlags(flags))
		askOn(t, c, "/").want(t, "200 OK hello")
		dispatch(t, base, func() bool { return c.Bufferevent() == nil })
		if known := c.peer == s.addr(); known != (flags != 0) {
			t.Errorf("flags %d: peer %v", flags, c.peer)
		}
		askOn(t, c, "/").want(t, "200 OK hello")
	}
	if err := connTo(t, base, s.addr()).SetFlags(1 << 30); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestClientsOfUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("needs Unix sockets: ", err)
	}
	heads := make(chan string, 2)
	serveRaw(t, l, func(_ int, c *rawConn) {
		for head := c.request(); head != ""; head = c.request() {
			heads <- head
			c.send(helloAnswer)
		}
	})
	c, err := NewConnUnix(newTestBase(t), path, nil)
	must(t, err)
	defer c.Free()
	askOn(t, c, "/").want(t, "200 OK hello")
	if head := <-heads; head != "GET / HTTP/1.1\r\nHost: \r\n\r\n" {
		t.Errorf("head %q", head)
	}
	if host, port := c.Peer(); host != path || port != 0 {
		t.Errorf("peer %s %d", host, port)
	}
}

func TestConnectMakesATunnel(t *testing.T) {
	s := newRaw(t, func(n int, c *rawConn) {
		if head := c.request(); head != "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n" {
			t.Errorf("head %q", head)
		}
		c.send("HTTP/1.1 200 Connected\r\nContent-Length: 7\r\n\r\nbanner\n")
		if n == 1 {
			c.awaitEnd()
			return
		}
		line, _ := c.ReadString('\n')
		c.send(strings.ToUpper(line))
		c.awaitEnd()
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	var tunnel *bufferevent.Bufferevent
	r := NewRequest(func(r *Request) {
		var err error
		tunnel, err = r.Hijack()
		must(t, err)
		if _, err := r.Hijack(); !errors.Is(err, ErrDone) {
			t.Errorf("error %v", err)
		}
	})
	must(t, c.MakeRequest(r, MethodConnect, "far.example:443"))
	dispatch(t, base, func() bool { return tunnel != nil })
	tunnel.SetCallbacks(func(*bufferevent.Bufferevent) {}, nil, nil)
	tunnel.Enable(event.Read)
	tunnel.WriteString("through\n")
	const want = "banner\nTHROUGH\n"
	dispatch(t, base, func() bool { return tunnel.Input().Len() >= len(want) })
	if data, _ := io.ReadAll(tunnel.Input()); string(data) != want {
		t.Errorf("read %q, want %q", data, want)
	}
	tunnel.Free()
	// What nobody takes is closed.
	o := expectOutcome()
	closed := false
	c.SetCloseCallback(func(*Conn) { closed = true })
	must(t, c.MakeRequest(o.r, MethodConnect, "far.example:443"))
	o.await(t, base)
	if !closed || c.Bufferevent() != nil {
		t.Error("the stream was kept")
	}
	if _, err := o.r.Hijack(); !errors.Is(err, ErrDone) {
		t.Errorf("error %v", err)
	}
}

func TestHijackNeedsATunnel(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) { c.request(); c.send(helloAnswer); c.awaitEnd() })
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	o := expectOutcome()
	o.r.SetHeaderCallback(func(r *Request) bool {
		if _, err := r.Hijack(); !errors.Is(err, ErrOrder) {
			t.Errorf("error %v", err)
		}
		for _, err := range []error{r.SendReply(200, "", nil), r.SendError(500, ""), r.SendReplyStart(200, "")} {
			if err == nil {
				t.Error("a client has answered")
			}
		}
		return true
	})
	must(t, c.MakeRequest(o.r, MethodGet, "/"))
	o.await(t, base)
	o.want(t, "200 OK hello")
}

func TestAHeaderThatIsRefused(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) { c.request(); c.send(helloAnswer); c.awaitEnd() })
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	o := expectOutcome()
	o.r.SetHeaderCallback(func(r *Request) bool { return false })
	must(t, c.MakeRequest(o.r, MethodGet, "/"))
	o.await(t, base)
	o.want(t, "cancelled")
}

func TestSettersOfClientsAreNotForServers(t *testing.T) {
	c := &Conn{side: new(served)}
	for _, err := range []error{
		c.SetRetries(1), c.SetFlags(0), c.SetTimeout(1), c.FreeOnCompletion(), c.SetLocalPort(1),
		c.MakeRequest(NewRequest(nil), MethodGet, "/"),
	} {
		if !errors.Is(err, ErrNotClient) {
			t.Errorf("error %v", err)
		}
	}
}

func TestErrorsOfRequestsHaveNames(t *testing.T) {
	seen := make(map[string]bool)
	for e := ReqTimeout; e <= ReqDataTooLong+1; e++ {
		if seen[e.String()] || e.String() == "" {
			t.Errorf("%d is %q", int(e), e)
		}
		seen[e.String()] = true
	}
	err := error(&Error{ReqInvalidHeader, wire.ErrStatusLine})
	if !errors.Is(err, wire.ErrStatusLine) || err.Error() != "invalid answer: malformed status line" {
		t.Errorf("error %v", err)
	}
}

// A server may answer at the head of a request; the body goes all the same.
func TestAnAnswerThatIsFasterThanTheLoop(t *testing.T) {
	base := newTestBase(t)
	ours, theirs, err := bufferevent.NewPair(base, 0)
	must(t, err)
	defer theirs.Free()
	theirs.Enable(event.Read)
	c, err := NewConnReuse(ours, "host")
	must(t, err)
	defer c.Free()
	o := expectOutcome()
	ready := 0
	must(t, c.StartRequest(o.r, MethodPost, "/", func(r *Request) { ready++ }))
	side := c.side.(*outgoing)
	side.expect(time.Hour) // it is late
	theirs.WriteString(helloAnswer[:len(helloAnswer)-1])
	dispatch(t, base, func() bool { return side.state == inResponseBody })
	if ready != 1 || o.over {
		t.Fatalf("told %d times to send the body, over %v", ready, o.over)
	}
	must(t, o.r.SendReplyChunk(bufferOf("body")))
	must(t, o.r.SendReplyEnd())
	dispatch(t, base, func() bool { return strings.HasSuffix(peek(t, theirs), "4\r\nbody\r\n0\r\n\r\n") })
	theirs.WriteString("o")
	o.await(t, base)
	o.want(t, "200 OK hello")
}

// peek returns what has come.
func peek(t testing.TB, b *bufferevent.Bufferevent) string {
	t.Helper()
	data := make([]byte, b.Input().Len())
	_, err := b.Input().CopyOut(data)
	must(t, err)
	return string(data)
}

// What a POST has sent of itself is never sent twice.
func TestAHeadThatHasLeftIsNotSentAgain(t *testing.T) {
	s := newRaw(t, func(n int, c *rawConn) {
		c.request()
		c.send(helloAnswer)
		c.request() // and end
	})
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	askOn(t, c, "/").want(t, "200 OK hello")
	o := expectOutcome()
	must(t, c.StartRequest(o.r, MethodPost, "/", nil))
	side := c.side.(*outgoing)
	side.expect(time.Hour) // the loop is late
	o.await(t, base)
	o.want(t, "connection ended")
	if s.count() != 1 {
		t.Errorf("%d connections, want 1", s.count())
	}
}
