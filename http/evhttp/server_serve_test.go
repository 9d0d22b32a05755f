package evhttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/http/evhttp"
)

const hello = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// newHello returns a server that listens nowhere, and answers /hello.
func newHello(l *loop) (s *evhttp.Server) {
	l.do(func() {
		s = evhttp.NewServer(l.base)
		s.Handle("/hello", func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte("Hello")) })
	})
	l.t.Cleanup(func() { l.do(s.Free) })
	return s
}

// newPair returns two halves of a pair; the second one is the client's, whose
// output the test reads from got when the first has been freed or has ended.
func newPair(t *testing.T, base *event.Base) (ours, theirs *bufferevent.Bufferevent, got chan string) {
	t.Helper()
	ours, theirs, err := bufferevent.NewPair(base, 0)
	if err != nil {
		t.Fatal(err)
	}
	got = make(chan string, 1)
	theirs.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if what&(bufferevent.EventEOF|bufferevent.EventError) != 0 {
			all, _ := io.ReadAll(b.Input())
			b.Free()
			got <- string(all)
		}
	})
	if err := theirs.Enable(event.Read | event.Write); err != nil {
		t.Fatal(err)
	}
	return ours, theirs, got
}

func wantHello(t *testing.T, answer string) {
	t.Helper()
	if !strings.HasPrefix(answer, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(answer, "\r\n\r\nHello") {
		t.Errorf("got %q", answer)
	}
}

func TestServeStreamWithoutSocket(t *testing.T) {
	l := newLoop(t)
	s := newHello(l)
	var got chan string
	l.do(func() {
		ours, theirs, answer := newPair(t, l.base)
		got = answer
		if err := s.Serve(ours); err != nil {
			t.Error(err)
		}
		theirs.WriteString(hello)
	})
	wantHello(t, await(t, got, "the answer"))
}

func TestServeReadsWhatHasCome(t *testing.T) {
	for name, sent := range map[string]string{"a whole request": hello, "a part of one": hello[:10]} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			s := newHello(l)
			var got chan string
			l.do(func() {
				ours, theirs, answer := newPair(t, l.base)
				got = answer
				ours.SetWatermark(event.Read, len(sent), len(sent)) // and reading rests
				ours.SetCallbacks(func(b *bufferevent.Bufferevent) {
					if err := s.Serve(b); err != nil {
						t.Error(err)
					}
					theirs.WriteString(hello[len(sent):])
				}, nil, nil)
				if err := ours.Enable(event.Read); err != nil {
					t.Error(err)
				}
				theirs.WriteString(sent)
			})
			wantHello(t, await(t, got, "the answer"))
		})
	}
}

func TestServeRefuses(t *testing.T) {
	l := newLoop(t)
	s, other := newHello(l), newLoop(t)
	l.do(func() {
		if err := s.Serve(nil); !errors.Is(err, event.ErrNil) {
			t.Errorf("nil: %v", err)
		}
	})
	var stranger *bufferevent.Bufferevent
	other.do(func() { stranger, _, _ = newPair(t, other.base) })
	l.do(func() {
		if err := s.Serve(stranger); !errors.Is(err, evhttp.ErrInvalid) {
			t.Errorf("a stream of another base: %v", err)
		}
	})
	other.do(func() {
		if err := stranger.Enable(event.Read); err != nil {
			t.Errorf("a stream of another base was touched: %v", err)
		}
		stranger.Free()
	})
	for name, end := range map[string]func(){"Shutdown": func() { s.Shutdown(0, nil) }, "Free": s.Free} {
		freed := make(chan struct{})
		l.do(func() {
			end()
			ours, theirs, _ := newPair(t, l.base)
			defer theirs.Free()
			ours.Output().AddReference([]byte("x"), func([]byte) { close(freed) })
			if err := s.Serve(ours); !errors.Is(err, evhttp.ErrServerClosed) {
				t.Errorf("after %s: %v", name, err)
			}
		})
		await(t, freed, "the stream to be freed")
	}
}

func TestServeCountsConnections(t *testing.T) {
	l := newLoop(t)
	s := newHello(l)
	var got chan string
	l.do(func() {
		s.SetMaxConnections(1)
		first, _, _ := newPair(t, l.base)
		second, _, answer := newPair(t, l.base)
		got = answer
		for _, b := range []*bufferevent.Bufferevent{first, second} {
			if err := s.Serve(b); err != nil {
				t.Error(err)
			}
		}
	})
	if answer := await(t, got, "the answer"); !strings.HasPrefix(answer, "HTTP/1.1 503 ") {
		t.Errorf("beyond the limit: %q", answer)
	}
}

func TestServeFD(t *testing.T) {
	l := newLoop(t)
	s := newHello(l)
	var at *listener.Listener
	l.do(func() {
		var err error
		at, err = listener.NewBind(l.base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, listener.DefaultBacklog,
			func(_ *listener.Listener, fd int, _ netip.AddrPort) {
				if err := s.ServeFD(fd); err != nil && !errors.Is(err, evhttp.ErrServerClosed) {
					t.Error(err)
				}
			})
		if err != nil {
			t.Fatal(err)
		}
	})
	defer l.do(at.Free)
	ask := func() (string, error) {
		c := connect(t, at.AddrPort().String())
		if _, err := io.WriteString(c, hello); err != nil {
			return "", err
		}
		all, err := io.ReadAll(c)
		return string(all), err
	}
	answer, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	wantHello(t, answer)
	l.do(func() { s.Shutdown(0, nil) })
	if answer, _ := ask(); answer != "" { // it is reset, or ends
		t.Errorf("after Shutdown: %q", answer)
	}
}

func TestListenAtAddressesAsWritten(t *testing.T) {
	path := filepath.Join(tempFolder(t), "socket")
	for _, address := range []string{":0", "localhost:0", "127.0.0.1:0", "tcp4:127.0.0.1:0", "unix:" + path} {
		t.Run(strings.TrimSuffix(address, path), func(t *testing.T) {
			l := newLoop(t)
			s := newHello(l)
			network, at := "unix", path
			var err error
			l.do(func() {
				var b *evhttp.Bound
				if b, err = s.Listen(address); err == nil && b.AddrPort().IsValid() {
					network, at = "tcp", fmt.Sprint("localhost:", b.AddrPort().Port())
				}
			})
			if err != nil {
				t.Skip(err)
			}
			c, err := net.Dial(network, at)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, hello)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("%v, %v", resp, err)
			}
		})
	}
	l := newLoop(t)
	s := newHello(l)
	l.do(func() {
		for _, address := range []string{"", "localhost", "localhost:nonsense", "[::1", "unix:"} {
			if b, err := s.Listen(address); err == nil || b != nil {
				t.Errorf("%q: %v, %v", address, b, err)
			}
		}
	})
}
