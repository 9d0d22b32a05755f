package evhttp

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// soon is the timeout that a test waits for, and never one that could pass on a
// busy machine before something else has happened that is expected first.
const (
	soon  = 50 * time.Millisecond
	never = 10 * time.Minute
)

// send writes pieces, the last one for ever, until the connection breaks.
func send(c net.Conn, first, again string, pause time.Duration) {
	io.WriteString(c, first)
	for {
		if _, err := io.WriteString(c, again); err != nil {
			return
		}
		if pause > 0 {
			time.Sleep(pause) // the pace of the attack; nothing waits for it
		}
	}
}

// TestAttacks has clients that behave badly. Each connection ends, others are
// served meanwhile, and memory does not grow with what comes.
func TestAttacks(t *testing.T) {
	const (
		post    = "POST /echo HTTP/1.1\r\nHost: a\r\n"
		chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
		sized   = post + "Content-Length: 1000000000000\r\n\r\n"
		tick    = time.Millisecond
	)
	slow := Timeouts{Idle: never, Header: never, Body: never, MinBodyRate: 1 << 30, Write: never}
	for _, test := range []struct {
		name     string
		timeouts func(*Timeouts)
		limit    int64
		attack   func(c net.Conn)
		want     string // what the answer begins with
	}{
		{"sends nothing", func(t *Timeouts) { t.Header = soon }, 0, func(net.Conn) {}, ""},
		{"sends nothing more", func(t *Timeouts) { t.Idle = soon }, 0, func(c net.Conn) { io.WriteString(c, get("/hello")) }, "HTTP/1.1 200 "},
		{"slow request line", func(t *Timeouts) { t.Header = soon }, 0, func(c net.Conn) { send(c, "GET /", "x", tick) }, "HTTP/1.1 408 "},
		{"slow header", func(t *Timeouts) { t.Header = soon }, 0, func(c net.Conn) { send(c, "GET / HTTP/1.1\r\n", "X: y\r\n", tick) }, "HTTP/1.1 408 "},
		{"slow second header", func(t *Timeouts) { t.Header = soon }, 0, func(c net.Conn) {
			send(c, get("/204")+"GET / HTTP/1.1\r\n", "X: y\r\n", tick)
		}, "HTTP/1.1 404 Not Found"},
		{"slow body", func(t *Timeouts) { t.Body = soon }, 0, func(c net.Conn) { send(c, post+"Content-Length: 100000\r\n\r\n", "x", tick) }, "HTTP/1.1 408 "},
		{"body that stops", func(t *Timeouts) { t.Body, t.MinBodyRate = soon, 0 }, 0, func(c net.Conn) { io.WriteString(c, post+"Content-Length: 9\r\n\r\nx") }, "HTTP/1.1 408 "},
		{"no body at all", func(t *Timeouts) { t.Body = soon }, 1e13, func(c net.Conn) { io.WriteString(c, sized) }, "HTTP/1.1 408 "},
		{"body that is too long", nil, 0, func(c net.Conn) { io.WriteString(c, sized) }, "HTTP/1.1 413 "},
		{"chunks that are too much", nil, 1000, func(c net.Conn) { send(c, chunked, "64\r\n"+strings.Repeat("x", 100)+"\r\n", 0) }, "HTTP/1.1 413 "},
		{"a chunk that is too long", nil, 0, func(c net.Conn) { io.WriteString(c, chunked+"7fffffffffffffff\r\n") }, "HTTP/1.1 413 "},
		{"endless request line", nil, 0, func(c net.Conn) { send(c, "GET /", strings.Repeat("x", 1000), 0) }, "HTTP/1.1 414 "},
		{"endless header", nil, 0, func(c net.Conn) {
			send(c, "GET / HTTP/1.1\r\n", strings.Repeat("x", 100)+": "+strings.Repeat("y", 900)+"\r\n", 0)
		}, "HTTP/1.1 431 "},
		{"endless field", nil, 0, func(c net.Conn) { send(c, "GET / HTTP/1.1\r\nX: ", strings.Repeat("y", 900), 0) }, "HTTP/1.1 431 "},
		{"endless chunk extension", nil, 0, func(c net.Conn) { send(c, chunked+"1;x=", strings.Repeat("y", 900), 0) }, "HTTP/1.1 413 "},
		{"slow chunk extension", func(t *Timeouts) { t.Body = soon }, 0, func(c net.Conn) { send(c, chunked+"1;x=", "y", tick) }, "HTTP/1.1 408 "},
		{"endless trailer", nil, 0, func(c net.Conn) { send(c, chunked+"0\r\n", "X: y\r\n", 0) }, "HTTP/1.1 431 "},
		{"empty lines", nil, 0, func(c net.Conn) { send(c, "", "\r\n", 0) }, "HTTP/1.1 400 "},
		{"TLS", nil, 0, func(c net.Conn) { io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00\x01") }, "HTTP/1.1 400 "},
		{"HTTP/2", nil, 0, func(c net.Conn) { io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") }, "HTTP/1.1 505 "},
		{"many tiny chunks", nil, 0, func(c net.Conn) {
			io.WriteString(c, chunked+strings.Repeat("1\r\nx\r\n", 100_000)+"0\r\n\r\n")
			closeWrite(c)
		}, "HTTP/1.1 200 OK\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, addr, on := serve(t)
			on(func() {
				limits := slow
				if test.timeouts != nil {
					test.timeouts(&limits)
				}
				s.SetTimeouts(limits)
				s.SetMaxBodySize(test.limit)
			})
			other := dial(t, addr)
			if limits := slow; test.timeouts != nil {
				test.timeouts(&limits)
				if limits.Header == soon || limits.Idle == soon {
					other = nil // it would have to hurry, too
				}
			}
			c := dial(t, addr)
			sent := make(chan struct{})
			go func() { defer close(sent); test.attack(c) }()
			if other != nil {
				isServed(t, other)
			}
			got := readAll(t, c)
			c.Close()
			<-sent
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got %.200q", got)
			}
			isServed(t, dial(t, addr))
		})
	}
}

// TestSilentConnections opens very many.
func TestSilentConnections(t *testing.T) {
	n := min(10_000, freeDescriptors()/2-100)
	if testing.Short() {
		n = min(n, 500)
	}
	s, addr, on := serve(t)
	on(func() { s.SetTimeouts(Timeouts{Header: never, Idle: never}) })
	conns := make([]net.Conn, 0, n)
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	isServed(t, dial(t, addr))
	on(func() {
		if got := s.ConnectionCount(); got != n+1 || len(spare(s)) > 1 {
			t.Errorf("%d connections of %d, %d requests", got, n, len(spare(s)))
		}
		for _, c := range h1Conns(s) {
			if c.x != nil {
				t.Error("a connection that waits has a request")
			}
			c.expect(time.Nanosecond) // its time is up
		}
	})
	for _, c := range conns {
		c.SetDeadline(time.Now().Add(patience))
		if got := readAll(t, c); got != "" {
			t.Fatalf("got %q", got)
		}
		c.Close()
	}
}

// freeDescriptors returns how many more there can be.
func freeDescriptors() int {
	limits, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		return 400
	}
	for line := range strings.SplitSeq(string(limits), "\n") {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 400
}

// A gigabyte is a long body that is not in memory.
type gigabyte struct {
	left  int
	piece [256 << 10]byte
}

func (g *gigabyte) Next(piece *evbuffer.Buffer) error {
	if g.left -= len(g.piece); g.left < 0 {
		return io.EOF
	}
	return piece.Add(g.piece[:])
}

func (g *gigabyte) Close(error) {}

// TestReaderThatDoesNotRead asks for a gigabyte, again and again, and reads
// nothing of it.
func TestReaderThatDoesNotRead(t *testing.T) {
	s, addr, on := serve(t)
	answers := 0
	on(func() {
		limits := s.Timeouts()
		limits.Write = soon
		s.SetTimeouts(limits)
		s.Handle("/file", func(r *Request) {
			answers++
			if err := r.SendReplySource(200, "", &gigabyte{left: 1 << 30}); err != nil {
				t.Error(err)
			}
		})
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := dial(t, addr)
	go func() {
		for range 100_000 { // until nobody takes them any more
			if _, err := io.WriteString(c, get("/file")); err != nil {
				return
			}
		}
	}()
	isServed(t, dial(t, addr))
	for left := true; left; {
		on(func() { left = s.ConnectionCount() > 1 || answers == 0 })
		time.Sleep(time.Millisecond)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 64<<20 {
		t.Errorf("it took %d MB", grown>>20)
	}
	on(func() {
		if answers != 1 {
			t.Errorf("%d answers were made, of which none was read", answers)
		}
	})
}

// TestPipelinesAreBounded sends requests whose answers nobody reads.
func TestPipelinesAreBounded(t *testing.T) {
	s, addr, on := serve(t)
	body := make([]byte, 10_000)
	answers := 0
	on(func() {
		limits := s.Timeouts()
		limits.Write = soon
		s.SetTimeouts(limits)
		s.Handle("/it", func(r *Request) {
			answers++
			r.SendReplyBytes(200, "", body)
			if n := r.conn.bev; n != nil && n.Output().Len() > maxUnsent+2*len(body) {
				t.Errorf("%d bytes wait to be sent", n.Output().Len())
			}
		})
	})
	c := dial(t, addr)
	requests := strings.Repeat(get("/it"), 1000)
	for {
		if _, err := io.WriteString(c, requests); err != nil {
			break // the server has given up
		}
		on(func() {
			for _, c := range h1Conns(s) {
				if n := c.bev.Input().Len(); n > 1<<20 {
					t.Errorf("%d bytes came ahead", n)
				}
			}
		})
	}
	isServed(t, dial(t, addr))
}

func TestMaxConnections(t *testing.T) {
	s, addr, on := serve(t)
	on(func() { s.SetMaxConnections(2) })
	first, second := dial(t, addr), dial(t, addr)
	isServed(t, first)
	isServed(t, second)
	if got := talk(t, addr, get("/hello")); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("got %q", got)
	}
	isServed(t, second)
	first.Close()
	for served := false; !served; {
		on(func() { served = s.ConnectionCount() < 2 })
	}
	isServed(t, dial(t, addr))
}

func TestMaxRequests(t *testing.T) {
	s, addr, on := serve(t)
	on(func() { s.SetMaxRequests(2) })
	want := hello("") + hello("Connection: close\r\n")
	wantSame(t, "three requests", talk(t, addr, strings.Repeat(get("/hello"), 3)), want)
}

func TestLimits(t *testing.T) {
	fields := func(n int) (s string) {
		for i := range n {
			s += fmt.Sprintf("X%d: y\r\n", i)
		}
		return "GET /hello HTTP/1.1\r\nHost: a\r\n" + s + "\r\n"
	}
	post := func(n int, body string) string {
		return fmt.Sprintf("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", n, body)
	}
	for _, test := range []struct {
		name string
		set  func(s *Server)
		raw  string
		want int
	}{
		{"fields", func(s *Server) { s.SetLimits(Limits{Fields: 10}) }, fields(9), 200},
		{"more fields", func(s *Server) { s.SetLimits(Limits{Fields: 10}) }, fields(10), 431},
		{"header", func(s *Server) { s.SetMaxHeadersSize(100) }, fields(2), 200},
		{"larger header", func(s *Server) { s.SetMaxHeadersSize(100) }, fields(20), 431},
		{"line", func(s *Server) { s.SetLimits(Limits{Line: 60}) }, get("/hello?" + strings.Repeat("x", 20)), 200},
		{"longer line", func(s *Server) { s.SetLimits(Limits{Line: 60}) }, get("/hello?" + strings.Repeat("x", 60)), 414},
		{"body", func(s *Server) { s.SetMaxBodySize(3) }, post(3, "abc"), 200},
		{"longer body", func(s *Server) { s.SetMaxBodySize(3) }, post(4, "abcd"), 413},
		{"longest body by default", func(*Server) {}, post(DefaultMaxBodySize+1, ""), 413},
		{"body of one connection", func(s *Server) {
			s.SetNewRequestCallback(func(r *Request) bool { r.Conn().SetMaxBodySize(3); return true })
		}, post(4, "abcd"), 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, addr, on := serve(t)
			on(func() { test.set(s) })
			if got := talk(t, addr, test.raw); !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", test.want)) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestSlowReadersAreNotIdle has the idle timeout pass while an answer is read.
func TestSlowReadersAreNotIdle(t *testing.T) {
	s, addr, on := serve(t)
	body := make([]byte, 32<<20)
	on(func() { s.Handle("/it", func(r *Request) { r.SendReplyBytes(200, "", body) }) })
	c := dial(t, addr)
	io.WriteString(c, get("/it"))
	readFull(c, make([]byte, 1000)) // the answer has begun
	on(func() {
		for _, c := range h1Conns(s) {
			if c.state != awaitingRequest || c.bev.Output().Len() == 0 {
				t.Errorf("state %d, %d bytes to be sent", c.state, c.bev.Output().Len())
			}
			c.onTimer()
		}
	})
	if n := len(body) - 10_000; !readFull(c, make([]byte, n)) {
		t.Error("the answer was cut off")
	}
}

func TestLingeringClose(t *testing.T) {
	for name, flags := range map[string]ServerFlags{"default": 0, "lingering": ServerLingeringClose} {
		s, addr, on := serve(t)
		on(func() { s.SetFlags(flags) })
		c := dial(t, addr)
		io.WriteString(c, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if got := dateField.ReplaceAllString(readAll(t, c), ""); got != hello("Connection: close\r\n") {
			t.Errorf("%s: got %q", name, got)
		}
		on(func() {
			if n := s.ConnectionCount(); n != int(flags) {
				t.Errorf("%s: %d connections", name, n)
			}
		})
		c.Close()
	}
}

// TestLingeringLastsAsLongAsTheClientSends checks the deadline of a connection
// that lingers, which moves with what comes, and does not do so for ever.
func TestLingeringLastsAsLongAsTheClientSends(t *testing.T) {
	s, addr, on := serve(t)
	on(func() { s.SetFlags(ServerLingeringClose) })
	c := dial(t, addr)
	io.WriteString(c, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	readAll(t, c)
	moved := make(chan struct{})
	on(func() {
		lingering := h1Conns(s)[0]
		due := lingering.due
		lingering.bev.SetCallbacks(func(b *bufferevent.Bufferevent) {
			onConnRead(b)
			if lingering.due > due {
				close(moved)
			}
		}, nil, onConnEvent)
	})
	io.WriteString(c, "more")
	<-moved
	on(func() { h1Conns(s)[0].began -= instant(maxLinger) })
	io.WriteString(c, "and more")
	for n := 1; n > 0; {
		on(func() { n = s.ConnectionCount() })
	}
}
