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
	"github.com/go-libevent/libevent/http/internal/servertest"
)

const hello = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// newHello returns a server that listens nowhere, and answers /hello.
func newHello(l *servertest.Loop) (s *evhttp.Server) {
	l.Do(func() {
		s = evhttp.NewServer(l.Base)
		s.Handle("/hello", func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte("Hello")) })
	})
	l.T.Cleanup(func() { l.Do(s.Free) })
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
	l := servertest.NewLoop(t)
	s := newHello(l)
	var got chan string
	l.Do(func() {
		ours, theirs, answer := newPair(t, l.Base)
		got = answer
		if err := s.Serve(ours); err != nil {
			t.Error(err)
		}
		theirs.WriteString(hello)
	})
	wantHello(t, servertest.Await(t, got, "the answer"))
}

func TestServeReadsWhatHasCome(t *testing.T) {
	for name, sent := range map[string]string{"a whole request": hello, "a part of one": hello[:10]} {
		t.Run(name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			s := newHello(l)
			var got chan string
			l.Do(func() {
				ours, theirs, answer := newPair(t, l.Base)
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
			wantHello(t, servertest.Await(t, got, "the answer"))
		})
	}
}

func TestServeRefuses(t *testing.T) {
	l := servertest.NewLoop(t)
	s, other := newHello(l), servertest.NewLoop(t)
	l.Do(func() {
		if err := s.Serve(nil); !errors.Is(err, event.ErrNil) {
			t.Errorf("nil: %v", err)
		}
	})
	var stranger *bufferevent.Bufferevent
	other.Do(func() { stranger, _, _ = newPair(t, other.Base) })
	l.Do(func() {
		if err := s.Serve(stranger); !errors.Is(err, evhttp.ErrInvalid) {
			t.Errorf("a stream of another base: %v", err)
		}
	})
	other.Do(func() {
		if err := stranger.Enable(event.Read); err != nil {
			t.Errorf("a stream of another base was touched: %v", err)
		}
		stranger.Free()
	})
	for name, end := range map[string]func(){"Shutdown": func() { s.Shutdown(0, nil) }, "Free": s.Free} {
		freed := make(chan struct{})
		l.Do(func() {
			end()
			ours, theirs, _ := newPair(t, l.Base)
			defer theirs.Free()
			ours.Output().AddReference([]byte("x"), func([]byte) { close(freed) })
			if err := s.Serve(ours); !errors.Is(err, evhttp.ErrServerClosed) {
				t.Errorf("after %s: %v", name, err)
			}
		})
		servertest.Await(t, freed, "the stream to be freed")
	}
}

func TestServeCountsConnections(t *testing.T) {
	l := servertest.NewLoop(t)
	s := newHello(l)
	var got chan string
	l.Do(func() {
		s.SetMaxConnections(1)
		first, _, _ := newPair(t, l.Base)
		second, _, answer := newPair(t, l.Base)
		got = answer
		for _, b := range []*bufferevent.Bufferevent{first, second} {
			if err := s.Serve(b); err != nil {
				t.Error(err)
			}
		}
	})
	if answer := servertest.Await(t, got, "the answer"); !strings.HasPrefix(answer, "HTTP/1.1 503 ") {
		t.Errorf("beyond the limit: %q", answer)
	}
}

func TestServeFD(t *testing.T) {
	l := servertest.NewLoop(t)
	s := newHello(l)
	var at *listener.Listener
	l.Do(func() {
		var err error
		at, err = listener.NewBind(l.Base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, listener.DefaultBacklog,
			func(_ *listener.Listener, fd int, _ netip.AddrPort) {
				if err := s.ServeFD(fd); err != nil && !errors.Is(err, evhttp.ErrServerClosed) {
					t.Error(err)
				}
			})
		if err != nil {
			t.Fatal(err)
		}
	})
	defer l.Do(at.Free)
	ask := func() (string, error) {
		c := servertest.Connect(t, at.AddrPort().String())
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
	l.Do(func() { s.Shutdown(0, nil) })
	if answer, _ := ask(); answer != "" { // it is reset, or ends
		t.Errorf("after Shutdown: %q", answer)
	}
}

func TestListenAtAddressesAsWritten(t *testing.T) {
	path := filepath.Join(servertest.TempFolder(t), "socket")
	for _, address := range []string{":0", "localhost:0", "127.0.0.1:0", "tcp4:127.0.0.1:0", "unix:" + path} {
		t.Run(strings.TrimSuffix(address, path), func(t *testing.T) {
			l := servertest.NewLoop(t)
			s := newHello(l)
			network, at := "unix", path
			var err error
			l.Do(func() {
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
	l := servertest.NewLoop(t)
	s := newHello(l)
	l.Do(func() {
		for _, address := range []string{"", "localhost", "localhost:nonsense", "[::1", "unix:"} {
			if b, err := s.Listen(address); err == nil || b != nil {
				t.Errorf("%q: %v, %v", address, b, err)
			}
		}
	})
}
