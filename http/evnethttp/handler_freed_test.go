package evnethttp_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// freeable runs a base whose loop the test ends, and frees, before it is over.
func freeable(t *testing.T) (base *event.Base, do func(fn func()), free func()) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := base.Loop(event.LoopNoExitOnEmpty); err != nil {
			t.Error(err)
		}
	}()
	do = func(fn func()) {
		done := make(chan struct{})
		if err := base.Post(func() { defer close(done); fn() }); err != nil {
			t.Fatal(err)
		}
		servertest.Await(t, done, "the loop")
	}
	return base, do, func() {
		do(func() { base.LoopBreak() })
		<-ended
		base.Free()
	}
}

// TestHandlersEndWithTheBase frees the base, and nothing else, while handlers wait
// for what its loop would do.
func TestHandlersEndWithTheBase(t *testing.T) {
	hijack := func(w http.ResponseWriter) net.Conn {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
		}
		return c
	}
	for name, wait := range map[string]func(w http.ResponseWriter, r *http.Request, waits func()) error{
		"reading the body": func(w http.ResponseWriter, r *http.Request, waits func()) error {
			waits()
			_, err := io.ReadAll(r.Body)
			return err
		},
		"writing": func(w http.ResponseWriter, r *http.Request, waits func()) error {
			waits()
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
		},
		"waiting for the context": func(w http.ResponseWriter, r *http.Request, waits func()) error {
			waits()
			<-r.Context().Done()
			return r.Context().Err()
		},
		"reading what was hijacked": func(w http.ResponseWriter, r *http.Request, waits func()) error {
			c := hijack(w)
			defer c.Close()
			waits()
			_, err := c.Read(make([]byte, 1))
			return err
		},
		"writing to what was hijacked": func(w http.ResponseWriter, r *http.Request, waits func()) error {
			c := hijack(w)
			defer c.Close()
			waits()
			for {
				if _, err := c.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			base, do, free := freeable(t)
			began, ended := make(chan struct{}), make(chan error, 1)
			var s *evhttp.Server
			var addr string
			do(func() {
				s = evhttp.NewServer(base)
				s.SetGenericStream(evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					ended <- wait(w, r, func() { close(began) })
				})))
				b, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
				if err != nil {
					t.Error(err)
					return
				}
				addr = b.AddrPort().String()
			})
			c := servertest.Connect(t, addr)
			request := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
			if strings.Contains(name, "hijacked") {
				request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
			}
			io.WriteString(c, request)
			servertest.Await(t, began, "the handler")
			free()
			if err := servertest.Await(t, ended, "the handler's end"); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("error %v", err)
			}
			s.Free()
		})
	}
}

// TestRoundTripsEndWithTheBase does so with those who wait for answers.
func TestRoundTripsEndWithTheBase(t *testing.T) {
	const upgraded = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
	for name, answer := range map[string]string{
		"waiting for the answer":      "",
		"reading the answer":          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome",
		"reading another protocol":    upgraded,
		"sending the body":            "",
		"waiting for a connection":    "",
		"reading an endless answer":   "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1<<20),
		"having finished with a body": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsome",
	} {
		t.Run(name, func(t *testing.T) {
			base, do, free := freeable(t)
			began, end := make(chan struct{}, 2), make(chan struct{})
			addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
				began <- struct{}{}
				io.WriteString(c, answer)
				if name == "sending the body" {
					<-end
				}
				io.Copy(io.Discard, in)
			})
			t.Cleanup(func() { close(end) })
			c, err := evhttp.NewClient(base, &evhttp.ClientConfig{MaxPerHost: 1})
			if err != nil {
				t.Fatal(err)
			}
			rt := evnethttp.RoundTripper(c)
			get := func(body io.Reader) error {
				r, _ := http.NewRequest("POST", "http://"+addr+"/", body)
				r.Header.Set("Connection", "Upgrade")
				r.Header.Set("Upgrade", "x")
				resp, err := rt.RoundTrip(r)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				_, err = io.Copy(io.Discard, resp.Body)
				return err
			}
			ended, waiting := make(chan error, 2), 1
			body := io.Reader(nil)
			if name == "sending the body" {
				body = endless{}
			}
			go func() { ended <- get(body) }()
			servertest.Await(t, began, "the request")
			if name == "waiting for a connection" {
				go func() { ended <- get(nil) }()
				do(func() {})
				waiting++
			}
			if name == "having finished with a body" {
				if err := servertest.Await(t, ended, "the answer"); err != nil {
					t.Error(err)
				}
				free()
				ended <- get(nil) // which has no loop any more
			} else {
				free()
			}
			for range waiting {
				if err := servertest.Await(t, ended, "the end of the round trip"); err == nil {
					t.Error("no error")
				}
			}
			c.Free()
		})
	}
}
