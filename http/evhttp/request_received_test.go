package evhttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// What the head of a request says.
func TestFactsOfRequests(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		length    int64
		kept      bool
		expects   bool
		authority string
	}{
		{"no body", "GET / HTTP/1.1\r\nHost: name:8080\r\n\r\n", 0, true, false, "name:8080"},
		{"an authority in the target", "GET http://other/ HTTP/1.1\r\nHost: other\r\n\r\n", 0, true, false, "other"},
		{"nothing is kept", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 0, false, false, "a"},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 0, false, false, ""},
		{"a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 3, true, false, "a"},
		{"chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -1, true, false, "a"},
		{"a client that waits", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", 3, true, true, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := make(chan string, 1)
			_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
				s.SetGenericStream(func(r *evhttp.Request) {
					got <- fmt.Sprint(r.BodyLength(), r.KeepAlive(), r.ExpectsContinue(), r.Authority(), r.SwitchesProtocol(), r.Reused(), r.Stale())
					r.SendReply(204, "", nil)
				})
			})
			io.WriteString(servertest.Connect(t, addr), tt.raw)
			want := fmt.Sprint(tt.length, tt.kept, tt.expects, tt.authority, false, false, false)
			if got := servertest.Await(t, got, "the request"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// What the head of an answer says, and a request that has none yet.
func TestFactsOfAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		length       int64
		kept         bool
		switches     bool
	}{
		{"no body", "HTTP/1.1 204 No Content\r\n\r\n", 0, true, false},
		{"a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 5, true, false},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -1, true, false},
		{"until the end", "HTTP/1.1 200 OK\r\n\r\nhello", -1, false, false},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", -1, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := servertest.StartScript(t, func(c net.Conn, _ *bufio.Reader, _ string) { io.WriteString(c, tt.answer) })
			l := servertest.NewLoop(t)
			c := newClient(t, l)
			got := make(chan string, 1)
			facts := func(r *evhttp.Request) string {
				return fmt.Sprint(r.BodyLength(), r.KeepAlive(), r.SwitchesProtocol(), r.ExpectsContinue(), r.Authority())
			}
			l.Do(func() {
				r := evhttp.NewRequest(nil)
				if got, want := facts(r), fmt.Sprint(0, false, false, false, ""); got != want {
					t.Errorf("before: got %s, want %s", got, want)
				}
				r.OutputHeaders().Add("Upgrade", "x")
				r.OutputHeaders().Add("Connection", "upgrade")
				r.SetHeaderCallback(func(r *evhttp.Request) bool { got <- facts(r); return true })
				if err := c.MakeRequest(r, evhttp.MethodGet, "http://"+addr+"/"); err != nil {
					t.Error(err)
				}
			})
			want := fmt.Sprint(tt.length, tt.kept, tt.switches, false, "")
			if got := servertest.Await(t, got, "the answer"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// newClient makes a client of a loop.
func newClient(t *testing.T, l *servertest.Loop) (c *evhttp.Client) {
	t.Helper()
	l.Do(func() {
		var err error
		if c, err = evhttp.NewClient(l.Base, nil); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { l.Do(c.Free) })
	return c
}

// A request on a connection that was kept knows that, and that it has failed for it.
func TestStaleRequests(t *testing.T) {
	addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
		io.ReadFull(in, make([]byte, len("0\r\n\r\n"))) // the empty body
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		servertest.ReadHead(in) // the next one is not answered
	})
	l := servertest.NewLoop(t)
	c := newClient(t, l)
	type fact struct{ reused, stale bool }
	facts := make(chan fact, 1)
	ask := func() fact {
		l.Do(func() {
			reused := false
			r := evhttp.NewRequest(func(r *evhttp.Request) { facts <- fact{reused, r.Stale()} })
			r.SetSendCallback(func(r *evhttp.Request, stage evhttp.SendStage) { reused = r.Reused() })
			err := c.StartRequest(r, evhttp.MethodPost, "http://"+addr+"/", func(r *evhttp.Request) {
				if err := r.SendReplyEnd(); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
		return servertest.Await(t, facts, "the answer")
	}
	if got, want := ask(), (fact{false, false}); got != want {
		t.Errorf("the first: %+v, want %+v", got, want)
	}
	if got, want := ask(), (fact{true, true}); got != want {
		t.Errorf("the second: %+v, want %+v", got, want)
	}
}

// A server's connection knows its own address, and asks once.
func TestLocalAddrOfConnections(t *testing.T) {
	addrs := make(chan string, 2)
	_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
		s.SetGenericCallback(func(r *evhttp.Request) {
			c := r.Conn()
			addrs <- c.LocalAddr().String()
			r.SetCompleteCallback(func(*evhttp.Request) { addrs <- c.LocalAddr().String() })
			r.SendReply(204, "", nil)
		})
	})
	io.WriteString(servertest.Connect(t, addr), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for range 2 {
		if got := servertest.Await(t, addrs, "the address"); got != addr {
			t.Errorf("got %s, want %s", got, addr)
		}
	}
}

// The context of a request goes on when its stream was taken from HTTP.
func TestHijackLeavesTheContext(t *testing.T) {
	contexts := make(chan context.Context, 1)
	_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
		s.SetGenericCallback(func(r *evhttp.Request) {
			ctx := r.Context()
			b, err := r.Hijack()
			if err != nil {
				t.Error(err)
			} else {
				b.Free()
			}
			contexts <- ctx
		})
	})
	c := servertest.Connect(t, addr)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := servertest.Await(t, contexts, "the context").Err(); err != nil {
		t.Errorf("the context is done: %v", err)
	}
}
