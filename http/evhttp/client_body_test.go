package evhttp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

func TestLimitsOfAnswers(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) {
		for c.request() != "" {
			c.send("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 500) + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n")
		}
	})
	base := newTestBase(t)
	for _, tt := range []struct {
		name  string
		set   func(c *ClientConn)
		want  string
		after string
	}{
		{"none", func(c *ClientConn) {}, "200 OK hellohello", ""},
		{"body", func(c *ClientConn) { c.SetMaxBodySize(9) }, "answer too long", ""},
		{"body that is just right", func(c *ClientConn) { c.SetMaxBodySize(10) }, "200 OK hellohello", ""},
		{"body, read to the end", func(c *ClientConn) { c.SetMaxBodySize(9); c.SetFlags(ConLingeringClose) }, "answer too long", ""},
		{"header", func(c *ClientConn) { c.SetMaxHeadersSize(400) }, "invalid answer", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := connTo(t, base, s.addr())
			tt.set(c)
			askOn(t, c, "/").want(t, tt.want)
		})
	}
}

func TestTimeouts(t *testing.T) {
	var release chan struct{}
	for _, tt := range []struct {
		name   string
		set    func(c *ClientConn)
		script func(c *rawConn)
		body   int
	}{
		{"no answer", func(c *ClientConn) { c.SetTimeout(10 * time.Millisecond) }, func(c *rawConn) { c.awaitEnd() }, 0},
		{"half a head", func(c *ClientConn) { c.SetReadTimeout(10 * time.Millisecond) }, func(c *rawConn) { c.request(); c.send(helloAnswer[:10]); c.awaitEnd() }, 0},
		{"half a body", func(c *ClientConn) { c.SetReadTimeout(10 * time.Millisecond) }, func(c *rawConn) { c.request(); c.send(helloAnswer[:len(helloAnswer)-1]); c.awaitEnd() }, 0},
		{"nothing taken", func(c *ClientConn) { c.SetWriteTimeout(10 * time.Millisecond) }, func(c *rawConn) { <-release }, 64 << 20},
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

// TestBodyThatIsNeverAskedFor has a server say nothing to a client that is to wait for it as
// long as for the answer.
func TestBodyThatIsNeverAskedFor(t *testing.T) {
	s := newRaw(t, func(_ int, c *rawConn) { c.request(); c.awaitEnd() })
	base := newTestBase(t)
	c := connTo(t, base, s.addr())
	must(t, c.SetContinueTimeout(0))
	must(t, c.SetReadTimeout(10*time.Millisecond))
	o := expectOutcome()
	o.r.OutputHeaders().Add("Expect", "100-continue")
	must(t, c.StartRequest(o.r, MethodPost, "/", func(*Request) { t.Error("told to send the body") }))
	o.await(t, base)
	o.want(t, "timeout")
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
			c, err := NewClientConnReuse(ours, "host", nil)
			must(t, err)
			defer c.Free()
			must(t, c.SetFlags(flags))
			o := expectOutcome()
			o.r.Output().AddString("body")
			must(t, c.MakeRequest(o.r, MethodPost, "/"))
			ours.TriggerEvent(bufferevent.EventError|bufferevent.EventWriting, nil, 0)
			side := c
			dispatch(t, base, func() bool { return o.over || side.h1.written != nil })
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
				if n := c.Bufferevent().Output().Len(); n > 0 && left < parts { // the head leaves with the first one
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
		c, err := NewClientConnReuse(ours, "host", nil)
		must(t, err)
		o := expectOutcome()
		rested := false
		o.r.SetChunkCallback(func(r *Request) {})
		must(t, c.MakeRequest(o.r, MethodGet, "/"))
		theirs.WriteString(head)
		theirs.Write(make([]byte, total))
		dispatch(t, base, func() bool { rested = o.r.paused; return rested })
		c.h1.finished(io.EOF) // as a stream tells that has nothing more
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

// A server may answer at the head of a request; the body goes all the same.
func TestAnAnswerThatIsFasterThanTheLoop(t *testing.T) {
	base := newTestBase(t)
	ours, theirs, err := bufferevent.NewPair(base, 0)
	must(t, err)
	defer theirs.Free()
	theirs.Enable(event.Read)
	c, err := NewClientConnReuse(ours, "host", nil)
	must(t, err)
	defer c.Free()
	o := expectOutcome()
	ready := 0
	must(t, c.StartRequest(o.r, MethodPost, "/", func(r *Request) { ready++ }))
	side := c
	side.expect(time.Hour) // it is late
	theirs.WriteString(helloAnswer[:len(helloAnswer)-1])
	dispatch(t, base, func() bool { return side.h1.state == receivingBody })
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
	side := c
	side.expect(time.Hour) // the loop is late
	o.await(t, base)
	o.want(t, "connection ended")
	if s.count() != 1 {
		t.Errorf("%d connections, want 1", s.count())
	}
}

// Over a layer that takes everything at once, nothing waits in the output of the stream,
// though all has left.
func TestARequestThatALayerHasTakenIsNotSentAgain(t *testing.T) {
	s := newRaw(t, func(n int, c *rawConn) {
		c.request()
		c.send(helloAnswer)
		c.request() // and end
	})
	base := newTestBase(t)
	cfg := &ConnConfig{Stream: func(base *event.Base) (*bufferevent.Bufferevent, error) {
		under, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
		if err != nil {
			return nil, err
		}
		return bufferevent.NewFilter(under, nil, nil, bufferevent.CloseOnFree|bufferevent.DeferCallbacks, nil)
	}}
	for _, body := range []string{"", "body"} {
		c, err := NewClientConn(base, s.addr().Addr().String(), int(s.addr().Port()), cfg)
		must(t, err)
		defer c.Free()
		before := s.count()
		askOn(t, c, "/").want(t, "200 OK hello")
		o := expectOutcome()
		o.r.Output().AddString(body)
		must(t, c.MakeRequest(o.r, MethodPost, "/"))
		o.await(t, base)
		o.want(t, "connection ended")
		if n := s.count() - before; n != 1 {
			t.Errorf("body %q: %d connections, want 1", body, n)
		}
	}
}
