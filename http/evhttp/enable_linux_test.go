package evhttp_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// spoil puts a file in place of the socket of a stream, which epoll refuses: from now
// on reading it cannot be enabled.
func spoil(t *testing.T, b *bufferevent.Bufferevent) {
	f, err := os.Open(os.Args[0])
	if err == nil {
		defer f.Close()
		err = syscall.Dup3(int(f.Fd()), b.FD(), syscall.O_CLOEXEC)
	}
	if err != nil {
		t.Error(err)
	}
}

// needsEpoll skips tests on loops that take any descriptor.
func needsEpoll(t *testing.T, l *servertest.Loop) {
	if !strings.HasPrefix(l.Base.Method(), "epoll") {
		t.Skip("files are no error to ", l.Base.Method())
	}
}

// TestServersEndConnectionsThatCannotBeRead has reading of a body rest, and then fail
// to go on.
func TestServersEndConnectionsThatCannotBeRead(t *testing.T) {
	const size = 1 << 20
	l := servertest.NewLoop(t)
	needsEpoll(t, l)
	told := make(chan error, 1)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetGenericStream(func(r *evhttp.Request) {
			r.SetErrorCallback(func(_ *evhttp.Request, err error) { told <- err })
			begun := false
			r.SetChunkCallback(func(r *evhttp.Request) {
				if r.Input().Len() < 256<<10 || begun { // until no more is read
					return
				}
				begun = true
				l.Base.Post(func() {
					spoil(t, r.Conn().Bufferevent())
					l.Base.Post(func() { r.Input().Drain(r.Input().Len()) })
				})
			})
		})
	})
	c := servertest.Connect(t, addr)
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
	go c.Write(make([]byte, size))
	if err := servertest.Await(t, told, "the error callback"); err == nil || !strings.Contains(err.Error(), "not permitted") {
		t.Errorf("told of %v", err)
	}
}

// TestClientsEndRequestsThatCannotBeRead is the same for the body of an answer.
func TestClientsEndRequestsThatCannotBeRead(t *testing.T) {
	l := servertest.NewLoop(t)
	needsEpoll(t, l)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetGenericCallback(func(r *evhttp.Request) { r.SendReply(200, "", servertest.Text(strings.Repeat("x", huge))) })
	})
	ended := make(chan error, 1)
	var free func()
	l.Do(func() {
		var send func(r *evhttp.Request, ready func(r *evhttp.Request)) error
		send, free = newSender(t, l.Base, addr, false, nil)
		r := evhttp.NewRequest(func(r *evhttp.Request) { ended <- r.Err() })
		begun := false
		r.SetChunkCallback(func(r *evhttp.Request) {
			if r.Input().Len() < 256<<10 || begun {
				return
			}
			begun = true
			l.Base.Post(func() {
				spoil(t, r.Conn().Bufferevent())
				l.Base.Post(func() { r.Input().Drain(r.Input().Len()) })
			})
		})
		if err := send(r, nil); err != nil {
			t.Error(err)
		}
	})
	defer l.Do(func() { free() })
	if err := servertest.Await(t, ended, "the end of the request"); err == nil || !strings.Contains(err.Error(), "not permitted") {
		t.Errorf("ended with %v", err)
	}
}

// TestClientsEndRequestsThatCannotBeSent has writing fail in a way that the server
// does not learn of.
func TestClientsEndRequestsThatCannotBeSent(t *testing.T) {
	l := servertest.NewLoop(t)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetGenericCallback(func(r *evhttp.Request) { r.SendReply(200, "", nil) })
	})
	for _, flags := range []evhttp.ConnFlags{0, evhttp.ConReadOnWriteError} {
		t.Run(fmt.Sprintf("flags=%d", flags), func(t *testing.T) {
			full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
			if err != nil {
				t.Skip(err)
			}
			defer full.Close()
			addr := netip.MustParseAddrPort(addr)
			ended := make(chan error, 1)
			var c *evhttp.ClientConn
			l.Do(func() {
				c, err = evhttp.NewClientConn(l.Base, addr.Addr().String(), int(addr.Port()), nil)
				if err == nil {
					err = c.SetFlags(flags)
				}
				if err != nil {
					t.Error(err)
					return
				}
				r := evhttp.NewRequest(func(r *evhttp.Request) { ended <- r.Err() })
				if err := c.StartRequest(r, evhttp.MethodPost, "/", func(r *evhttp.Request) {
					if err := syscall.Dup3(int(full.Fd()), c.Bufferevent().FD(), syscall.O_CLOEXEC); err != nil {
						t.Error(err)
					}
					r.SendReplyChunk(servertest.Text("x"))
				}); err != nil {
					t.Error(err)
				}
			})
			defer l.Do(func() { c.Free() })
			if err := servertest.Await(t, ended, "the end of the request"); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}
