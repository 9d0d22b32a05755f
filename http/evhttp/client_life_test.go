package evhttp

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
)

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
	dispatch(t, base, func() bool { return c.retries > 1 })
	l, err = net.Listen("tcp", addr.String())
	must(t, err)
	serveRaw(t, l, func(_ int, c *rawConn) { c.request(); c.send(helloAnswer) })
	o.await(t, base)
	o.want(t, "200 OK hello")
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
			side := c
			switch state {
			case "waiting to retry":
				dispatch(t, base, func() bool { return side.state == retrying })
				o.r.Cancel()
				if side.state != disconnected || side.timer.Pending(event.Timeout) != 0 {
					t.Error("it still waits")
				}
			case "sent":
				dispatch(t, base, func() bool { return side.h1.state == awaitingHead && side.bev.Output().Len() == 0 })
				o.r.Cancel()
			case "in the body":
				dispatch(t, base, func() bool { return side.h1.state == receivingBody })
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
	side := c
	dispatch(t, base, func() bool { return side.h1.state == awaitingHead })
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
	c, err := NewClientConn(base, "localhost", int(s.addr().Port()), nil)
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
		c, err := NewClientConn(base, "localhost", int(s.addr().Port()), nil)
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
	path := unixPath(t)
	l, err := net.Listen("unix", path)
	must(t, err)
	heads := make(chan string, 2)
	serveRaw(t, l, func(_ int, c *rawConn) {
		for head := c.request(); head != ""; head = c.request() {
			heads <- head
			c.send(helloAnswer)
		}
	})
	c, err := NewClientConnUnix(newTestBase(t), path, nil)
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
