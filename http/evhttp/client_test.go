package evhttp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

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
	if len(c.queue) != 0 {
		t.Error("something is in the queue")
	}
}

func TestConnectionsThatCannotBe(t *testing.T) {
	base := newTestBase(t)
	for _, host := range []string{"", "a\r\nb"} {
		if _, err := NewClientConn(base, host, 80, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("host %q: error %v", host, err)
		}
	}
	for _, port := range []int{-1, 0, 65536} {
		if _, err := NewClientConn(base, "host", port, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("port %d: error %v", port, err)
		}
	}
	if _, err := NewClientConnUnix(base, "", nil); !errors.Is(err, ErrInvalid) {
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
	must(t, c.SetMaxQueue(0))
	for range 10 {
		must(t, c.MakeRequest(NewRequest(nil), MethodGet, "/"))
	}
	must(t, c.SetMaxQueue(5)) // those beyond it stay
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
