package evhttp_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// configured serves with a configuration, and returns the address.
func configured(t *testing.T, cfg *evhttp.ServerConfig, setup func(s *evhttp.Server)) (l *servertest.Loop, s *evhttp.Server, addr string) {
	t.Helper()
	l = servertest.NewLoop(t)
	l.Do(func() {
		var err error
		var b *evhttp.Bound
		if s, err = evhttp.NewServerWithConfig(l.Base, cfg); err == nil {
			b, err = s.Listen("127.0.0.1:0")
		}
		if err != nil {
			t.Error(err)
			return
		}
		addr = b.AddrPort().String()
		setup(s)
	})
	if addr == "" {
		t.FailNow()
	}
	t.Cleanup(func() { l.Do(s.Free) })
	return l, s, addr
}

// talk sends what a client says, and returns all that is answered.
func talk(t *testing.T, addr, said string) string {
	t.Helper()
	c := servertest.Connect(t, addr)
	if _, err := io.WriteString(c, said); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil {
		t.Logf("after %d bytes: %v", len(all), err)
	}
	return string(all)
}

func TestServerConfigIsHeeded(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: a\r\n"
	last := get + "Connection: close\r\n\r\n"
	panicked := make(chan any, 1)
	noted := make(chan string, 1)
	for _, test := range []struct {
		name string
		cfg  evhttp.ServerConfig
		said string
		want string // in the answer
		not  string // and that is not in there
	}{
		{"defaults", evhttp.ServerConfig{}, last, "Content-Type: " + evhttp.DefaultContentType, ""},
		{"idle timeout", evhttp.ServerConfig{Timeouts: evhttp.Timeouts{Idle: time.Millisecond}}, get + "\r\n", "200 OK", ""},
		{"header timeout", evhttp.ServerConfig{Timeouts: evhttp.Timeouts{Header: time.Millisecond}}, get, "408 ", ""},
		{"limits", evhttp.ServerConfig{Limits: evhttp.Limits{Fields: 1}}, last, "431 ", ""},
		{"body size", evhttp.ServerConfig{MaxBodySize: 3}, get + "Content-Length: 4\r\n\r\nbody", "413 ", ""},
		{"requests", evhttp.ServerConfig{MaxRequests: 1}, get + "\r\n", "Connection: close", ""},
		{"methods", evhttp.ServerConfig{AllowedMethods: evhttp.MethodPost}, last, "405 ", ""},
		{"content type", evhttp.ServerConfig{ContentType: "x/y"}, last, "Content-Type: x/y\r\n", ""},
		{"no content type", evhttp.ServerConfig{ContentType: evhttp.NoContentType}, last, "200 OK", "Content-Type"},
		{"callback for new requests", evhttp.ServerConfig{OnRequest: func(r *evhttp.Request) bool { return false }}, last, "", "HTTP"},
		{"page for errors", evhttp.ServerConfig{AllowedMethods: evhttp.MethodPost, OnError: func(r *evhttp.Request, code int, _ string) bool {
			fmt.Fprint(r.Output(), "page ", code)
			return true
		}}, last, "\r\n\r\npage 405", ""},
		{"log", evhttp.ServerConfig{OnAnswer: func(r *evhttp.Request) { noted <- r.URI() }}, last, "200 OK", ""},
		{"panics", evhttp.ServerConfig{OnPanic: func(_ *evhttp.Request, value any) { panicked <- value }}, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n", "500 ", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, addr := configured(t, &test.cfg, func(s *evhttp.Server) {
				s.Handle("/panic", func(*evhttp.Request) { panic("on purpose") })
				s.SetGenericCallback(func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte("x")) })
			})
			got := talk(t, addr, test.said)
			if !strings.Contains(got, test.want) || test.not != "" && strings.Contains(got, test.not) {
				t.Errorf("got %q, want %q, not %q", got, test.want, test.not)
			}
		})
	}
	if got := servertest.Await(t, noted, "the log"); got != "/" {
		t.Errorf("logged %q", got)
	}
	if got := servertest.Await(t, panicked, "the panic"); got != "on purpose" {
		t.Errorf("panic with %v", got)
	}
}

func TestServerConfigStream(t *testing.T) {
	made := make(chan struct{}, 1)
	_, _, addr := configured(t, &evhttp.ServerConfig{Stream: func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		made <- struct{}{}
		return bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	}}, func(s *evhttp.Server) {
		s.Handle("/hello", func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte("Hello")) })
	})
	wantHello(t, talk(t, addr, hello))
	servertest.Await(t, made, "the stream")
}

func TestServerConfigRefuses(t *testing.T) {
	l := servertest.NewLoop(t)
	for name, cfg := range map[string]*evhttp.ServerConfig{
		"flags":        {Flags: 1 << 20},
		"content type": {ContentType: "a\r\nb: c"},
	} {
		l.Do(func() {
			if s, err := evhttp.NewServerWithConfig(l.Base, cfg); !errors.Is(err, evhttp.ErrInvalid) || s != nil {
				t.Errorf("%s: %v, %v", name, s, err)
			}
		})
	}
}

// TestTimeoutsOfServer checks that what Timeouts returns can be set again.
func TestTimeoutsOfServer(t *testing.T) {
	defaults := evhttp.Timeouts{
		Idle: evhttp.DefaultIdleTimeout, Header: evhttp.DefaultHeaderTimeout, Body: evhttp.DefaultBodyTimeout,
		MinBodyRate: evhttp.DefaultMinBodyRate, Write: evhttp.DefaultWriteTimeout,
	}
	none := evhttp.Timeouts{Idle: -1, Header: -1, Body: -1, MinBodyRate: -1, Write: -1}
	l := servertest.NewLoop(t)
	l.Do(func() {
		s := evhttp.NewServer(l.Base)
		defer s.Free()
		for _, test := range []struct{ set, want evhttp.Timeouts }{
			{evhttp.Timeouts{}, defaults}, {defaults, defaults}, {none, none},
		} {
			s.SetTimeouts(test.set)
			if got := s.Timeouts(); got != test.want {
				t.Errorf("%+v: %+v, want %+v", test.set, got, test.want)
			}
		}
	})
}

func TestServerWithoutTimeouts(t *testing.T) {
	none := evhttp.Timeouts{Idle: -1, Header: -1, Body: -1, MinBodyRate: -1, Write: -1}
	_, _, addr := configured(t, &evhttp.ServerConfig{Timeouts: none}, func(s *evhttp.Server) {
		s.Handle("/hello", func(r *evhttp.Request) { r.SendReply(200, "", r.Input()) })
	})
	got := talk(t, addr, "POST /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nHello")
	wantHello(t, got)
}
