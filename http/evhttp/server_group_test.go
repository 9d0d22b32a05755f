package evhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// listenOn has connections to an address accepted on a loop.
func listenOn(l *servertest.Loop, accept func(base *event.Base, fd int, peer netip.AddrPort)) (addr string) {
	l.Do(func() {
		at, err := listener.NewBind(l.Base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, listener.DefaultBacklog,
			func(_ *listener.Listener, fd int, peer netip.AddrPort) { accept(l.Base, fd, peer) })
		if err != nil {
			l.T.Error(err)
			return
		}
		l.T.Cleanup(func() { l.Do(at.Free) })
		addr = at.AddrPort().String()
	})
	return addr
}

// startServers sets servers up on loops, and returns the address of each.
func startServers(t *testing.T, servers *evhttp.Servers, loops ...*servertest.Loop) (addrs []string) {
	t.Helper()
	for i, l := range loops {
		l.Do(func() {
			if err := servers.Setup(i, l.Base); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(func() { l.Do(func() { servers.Teardown(i, l.Base) }) })
		addrs = append(addrs, listenOn(l, servers.Accept))
	}
	return addrs
}

func TestServersAnswerOnTheLoopOfTheConnection(t *testing.T) {
	loops := []*servertest.Loop{servertest.NewLoop(t), servertest.NewLoop(t)}
	servers := evhttp.NewServers(func(s *evhttp.Server) error {
		return s.Handle("/", func(r *evhttp.Request) {
			r.SendReplyBytes(200, "", fmt.Append(nil, r.Base() == loops[0].Base, r.Base() == loops[1].Base))
		})
	})
	for i, addr := range startServers(t, servers, loops...) {
		if _, body, err := ask(t, addr, "GET"); err != nil || body != fmt.Sprint(i == 0, i == 1) {
			t.Errorf("loop %d: %q, %v", i, body, err)
		}
		if s := servers.On(loops[i].Base); s == nil {
			t.Errorf("loop %d has no server", i)
		}
	}
}

func TestServersSetupFails(t *testing.T) {
	l, broken := servertest.NewLoop(t), errors.New("broken")
	servers := evhttp.NewServers(func(s *evhttp.Server) error { return broken })
	l.Do(func() {
		if err := servers.Setup(0, l.Base); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
		if servers.On(l.Base) != nil {
			t.Error("there is a server")
		}
		servers.Teardown(0, l.Base)
	})
	event.SetLogCallback(func(event.LogSeverity, string) {})
	defer event.SetLogCallback(nil)
	c := servertest.Connect(t, listenOn(l, servers.Accept))
	if n, err := io.Copy(io.Discard, c); n != 0 || err != nil {
		t.Errorf("on a loop without a server: %d bytes, %v", n, err)
	}
}

func TestServersShutDownWhenAllHaveAnswered(t *testing.T) {
	loops := []*servertest.Loop{servertest.NewLoop(t), servertest.NewLoop(t)}
	asked := make(chan *evhttp.Request, 2)
	servers := evhttp.NewServers(func(s *evhttp.Server) error {
		return s.Handle("/", func(r *evhttp.Request) {
			if r.Command() == evhttp.MethodHead { // that asks whether there is a server
				r.SendReplyBytes(200, "", nil)
				return
			}
			asked <- r
		})
	})
	answers := make(chan string, 2)
	addrs := startServers(t, servers, loops...)
	var requests []*evhttp.Request
	for i, addr := range addrs {
		c := servertest.Connect(t, addr)
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		go func() {
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				answers <- err.Error()
				return
			}
			answers <- resp.Status
		}()
		requests = append(requests, servertest.Await(t, asked, fmt.Sprint("request ", i)))
	}
	ended := make(chan error, 1)
	go func() { ended <- servers.Shutdown(context.Background()) }()
	for i, l := range loops {
		for open := true; open; { // until the loop has heard of it
			if _, _, err := ask(t, addrs[i], "HEAD"); err != nil {
				open = false
			}
		}
		select {
		case err := <-ended:
			t.Fatalf("shut down with request %d not answered: %v", i, err)
		default:
		}
		l.Do(func() { requests[i].SendReplyBytes(200, "", nil) })
		if got := servertest.Await(t, answers, "the answer"); got != "200 OK" {
			t.Errorf("request %d: %s", i, got)
		}
	}
	if err := servertest.Await(t, ended, "the end"); err != nil {
		t.Error(err)
	}
	if err := servers.Shutdown(context.Background()); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestServersShutdownIsCutShort(t *testing.T) {
	for _, end := range []string{"deadline", "cancel", "teardown"} {
		t.Run(end, func(t *testing.T) {
			l := servertest.NewLoop(t)
			asked := make(chan *evhttp.Request, 1)
			servers := evhttp.NewServers(func(s *evhttp.Server) error {
				return s.Handle("/", func(r *evhttp.Request) { asked <- r })
			})
			c := servertest.Connect(t, startServers(t, servers, l)[0])
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			servertest.Await(t, asked, "the request")
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			cause, want := errors.New("cause"), error(nil)
			switch end {
			case "deadline":
				var stop context.CancelFunc
				ctx, stop = context.WithDeadline(ctx, time.Now())
				defer stop()
				want = context.DeadlineExceeded
			case "cancel":
				cancel(cause)
				want = cause
			default:
				l.Do(func() { servers.Teardown(0, l.Base) })
			}
			if err := servers.Shutdown(ctx); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("error %v, want %v", err, want)
			}
			if all, _ := io.ReadAll(c); len(all) > 0 { // it ends, or is reset
				t.Errorf("answered %q", all)
			}
		})
	}
}
