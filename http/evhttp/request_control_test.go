package evhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// converse sends a request and returns all that comes until the end of the stream.
func converse(t *testing.T, addr, raw string) string {
	t.Helper()
	c := servertest.Connect(t, addr)
	io.WriteString(c, raw)
	all, _ := io.ReadAll(c) // up to the end, which may be a reset
	return string(all)
}

// A client that waits is told to go on when the body is wanted, and not before.
func TestWantBody(t *testing.T) {
	l := servertest.NewLoop(t)
	requests := make(chan *evhttp.Request, 1)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetGenericStream(func(r *evhttp.Request) {
			r.WantBody(false)
			r.SetChunkCallback(func(r *evhttp.Request) {
				if r.Complete() {
					r.SendReply(200, "", r.Input())
				}
			})
			requests <- r
		})
	})
	c := servertest.Connect(t, addr)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
	r := servertest.Await(t, requests, "the request")
	l.Do(func() {
		if n := r.Conn().Bufferevent().Output().Len(); n > 0 {
			t.Errorf("%d bytes were sent before the body was wanted", n)
		}
		r.WantBody(true)
		r.WantBody(true)
	})
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatal(line, err)
	}
	io.WriteString(c, "xy")
	if all, err := io.ReadAll(in); !strings.HasPrefix(string(all), "\r\nHTTP/1.1 200") || !strings.HasSuffix(string(all), "xy") {
		t.Errorf("got %q %v", all, err)
	}
}

// An answer to a client that has ended its stream is given up if there is an error
// callback, unless that is allowed.
func TestAllowHalfClose(t *testing.T) {
	for _, allow := range []bool{false, true} {
		t.Run(fmt.Sprint(allow), func(t *testing.T) {
			l := servertest.NewLoop(t)
			requests, errs := make(chan *evhttp.Request, 1), make(chan error, 1)
			contexts := make(chan context.Context, 1)
			_, addr := l.Serve(func(s *evhttp.Server) {
				s.SetGenericCallback(func(r *evhttp.Request) {
					r.Own()
					r.SetErrorCallback(func(_ *evhttp.Request, err error) { errs <- err })
					if allow {
						r.AllowHalfClose()
					}
					contexts <- r.Context()
					requests <- r
				})
			})
			c := servertest.Connect(t, addr)
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			r := servertest.Await(t, requests, "the request")
			c.CloseWrite()
			servertest.Await(t, (<-contexts).Done(), "the context")
			l.Do(func() {
				if err := r.SendReplyBytes(200, "", []byte("text")); (err == nil) != allow {
					t.Errorf("error %v", err)
				}
			})
			all, _ := io.ReadAll(c) // up to the end, which may be a reset
			if got := strings.HasSuffix(string(all), "text"); got != allow {
				t.Errorf("answered: %v with %q", got, all)
			}
			if !allow {
				servertest.Await(t, errs, "the error")
			}
			l.Do(r.Free)
		})
	}
}

// Requests that were sent ahead are answered in their turn, though the client has ended its
// stream behind them: while the first answer was to come, or before anything was read.
func TestRequestsAheadOfAHalfCloseAreAnswered(t *testing.T) {
	l := servertest.NewLoop(t)
	requests := make(chan *evhttp.Request, 1)
	contexts := make(chan context.Context, 1)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.Handle("/later", func(r *evhttp.Request) {
			contexts <- r.Context()
			requests <- r
		})
		s.SetGenericCallback(func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte(r.Path())) })
	})
	c := servertest.Connect(t, addr)
	io.WriteString(c, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n"+
		"POST /third HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy")
	r := servertest.Await(t, requests, "the request")
	c.CloseWrite()
	servertest.Await(t, (<-contexts).Done(), "the context")
	l.Do(func() {
		if err := r.SendReplyBytes(200, "", []byte("/first")); err != nil {
			t.Error(err)
		}
	})
	all, _ := io.ReadAll(c) // up to the end, which may be a reset
	rest := string(all)
	for _, path := range []string{"/first", "/second", "/third"} {
		_, after, ok := strings.Cut(rest, "\r\n\r\n"+path)
		if !ok {
			t.Errorf("%s is not answered: %q", path, all)
		}
		rest = after
	}
	if n := strings.Count(string(all), "Connection: close"); n != 1 {
		t.Errorf("%d answers say that they are the last one: %q", n, all)
	}
	if rest != "" {
		t.Errorf("%q follows", rest)
	}
}

// An answer that begins before the body has come ends the connection unless the body is
// taken.
func TestSetFullDuplex(t *testing.T) {
	for _, tt := range []struct {
		name   string
		set    func(r *evhttp.Request)
		code   int
		closes bool
	}{
		{"2xx by itself", func(*evhttp.Request) {}, 200, false},
		{"404 by itself", func(*evhttp.Request) {}, 404, true},
		{"2xx that does not", func(r *evhttp.Request) { r.SetFullDuplex(false) }, 200, true},
		{"404 that does", func(r *evhttp.Request) { r.SetFullDuplex(true) }, 404, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
				s.SetGenericStream(func(r *evhttp.Request) {
					tt.set(r)
					r.SetChunkCallback(func(r *evhttp.Request) { r.Input().Drain(r.Input().Len()) })
					if err := r.SendReplyStart(tt.code, ""); err != nil {
						t.Error(err)
					}
				})
			})
			c := servertest.Connect(t, addr)
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
			head, ok := servertest.ReadHead(bufio.NewReader(c))
			if closes := strings.Contains(head, "Connection: close"); !ok || closes != tt.closes {
				t.Errorf("closes: %v in %q", closes, head)
			}
		})
	}
}

func TestOmitDefaults(t *testing.T) {
	for _, omit := range []bool{false, true} {
		_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
			s.SetGenericCallback(func(r *evhttp.Request) {
				if omit {
					r.OmitDefaults()
				}
				r.SendReplyStart(200, "")
				r.SendReplyEnd()
			})
		})
		got := converse(t, addr, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		for _, field := range []string{"Content-Type", "Transfer-Encoding"} {
			if strings.Contains(got, field) == omit {
				t.Errorf("omit %v: %q", omit, got)
			}
		}
	}
}

// What was sent before leaves, and is not taken for the whole.
func TestAbort(t *testing.T) {
	cause := errors.New("cause")
	errs := make(chan error, 2)
	_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
		s.SetGenericCallback(func(r *evhttp.Request) {
			r.Own()
			r.SetErrorCallback(func(_ *evhttp.Request, err error) { errs <- err })
			r.SendReplyStart(200, "")
			r.SendReplyChunk(servertest.Text("beginning"))
			r.Abort(cause)
			r.Abort(cause)
			errs <- r.Err()
			r.Free()
		})
	})
	got := converse(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if !strings.HasSuffix(got, "9\r\nbeginning\r\n") {
		t.Errorf("got %q", got)
	}
	for range 2 {
		if err := servertest.Await(t, errs, "the error"); err != cause {
			t.Errorf("error %v, want %v", err, cause)
		}
	}
}

// A client that ends its body early still gets the answer that has begun.
func TestCloseSend(t *testing.T) {
	ended := make(chan error, 1)
	addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\n")
		_, err := io.Copy(io.Discard, in) // until the client ends its stream
		ended <- err
		io.WriteString(c, "text")
	})
	l := servertest.NewLoop(t)
	c := newClient(t, l)
	done := make(chan string, 1)
	l.Do(func() {
		r := evhttp.NewRequest(func(r *evhttp.Request) {
			body, _ := io.ReadAll(r.Input())
			done <- fmt.Sprint(r.ResponseCode(), " ", string(body), " ", r.Err())
		})
		if err := r.CloseSend(); !errors.Is(err, evhttp.ErrDone) {
			t.Errorf("before: error %v", err)
		}
		r.SetHeaderCallback(func(r *evhttp.Request) bool {
			if err := r.CloseSend(); err != nil {
				t.Error(err)
			}
			return true
		})
		err := c.StartRequest(r, evhttp.MethodPost, "http://"+addr+"/", func(r *evhttp.Request) {
			if err := r.CloseSend(); !errors.Is(err, evhttp.ErrOrder) {
				t.Errorf("before the answer: error %v", err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	if err := servertest.Await(t, ended, "the end of the body"); err != nil {
		t.Error(err)
	}
	if got, want := servertest.Await(t, done, "the answer"), "413 text <nil>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSendCallback(t *testing.T) {
	for _, tt := range []struct {
		name string
		send func(c *evhttp.Client, r *evhttp.Request, url string) error
	}{
		{"no body", func(c *evhttp.Client, r *evhttp.Request, url string) error {
			return c.MakeRequest(r, evhttp.MethodGet, url)
		}},
		{"a body", func(c *evhttp.Client, r *evhttp.Request, url string) error {
			r.Output().AddString("text")
			return c.MakeRequest(r, evhttp.MethodPost, url)
		}},
		{"a body that follows", func(c *evhttp.Client, r *evhttp.Request, url string) error {
			return c.StartRequest(r, evhttp.MethodPost, url, func(r *evhttp.Request) {
				r.SendReplyChunk(servertest.Text("text"))
				r.SendReplyEnd()
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, head string) {
				if strings.Contains(head, "POST") {
					in.Peek(len("text"))
				}
				io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			})
			l := servertest.NewLoop(t)
			c := newClient(t, l)
			var stages []evhttp.SendStage
			done := make(chan error, 1)
			l.Do(func() {
				r := evhttp.NewRequest(func(r *evhttp.Request) { done <- r.Err() })
				r.SetSendCallback(func(r *evhttp.Request, stage evhttp.SendStage) {
					if r.Conn() == nil {
						t.Error("no connection")
					}
					stages = append(stages, stage)
				})
				if err := tt.send(c, r, "http://"+addr+"/"); err != nil {
					t.Error(err)
				}
			})
			if err := servertest.Await(t, done, "the answer"); err != nil {
				t.Error(err)
			}
			if want := []evhttp.SendStage{evhttp.SentHead, evhttp.SentBody}; !slices.Equal(stages, want) {
				t.Errorf("stages %v, want %v", stages, want)
			}
		})
	}
}

// Handlers of all methods get those that the server does not know, and "OPTIONS *" is
// answered without them.
func TestAllMethods(t *testing.T) {
	_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
		answer := func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte(r.Method())) }
		s.Handle("/all", evhttp.AllMethods(answer))
		s.Handle("/some", answer)
	})
	ask := func(what string) string {
		return converse(t, addr, what+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	}
	if got := ask("BREW /all"); !strings.HasSuffix(got, "\r\n\r\nBREW") {
		t.Errorf("all: got %q", got)
	}
	if got := ask("BREW /some"); !strings.HasPrefix(got, "HTTP/1.1 501") {
		t.Errorf("some: got %q", got)
	}
	if got := ask("OPTIONS *"); !strings.HasPrefix(got, "HTTP/1.1 200") || strings.HasSuffix(got, "OPTIONS") {
		t.Errorf("OPTIONS *: got %q", got)
	}
}

func TestRequestURL(t *testing.T) {
	heads := make(chan string, 1)
	addr := servertest.StartScript(t, func(c net.Conn, _ *bufio.Reader, head string) {
		heads <- head
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	l := servertest.NewLoop(t)
	c := newClient(t, l)
	done := make(chan error, 1)
	l.Do(func() {
		r := evhttp.NewRequest(func(r *evhttp.Request) { done <- r.Err() })
		if err := c.RequestURL(r, "BREW", &url.URL{Scheme: "http", Host: addr, Path: "/pot"}, nil); err != nil {
			t.Error(err)
		}
		if err := c.RequestURL(evhttp.NewRequest(nil), "GET", &url.URL{Scheme: "ftp", Host: addr}, nil); !errors.Is(err, evhttp.ErrInvalid) {
			t.Errorf("error %v", err)
		}
	})
	if err := servertest.Await(t, done, "the answer"); err != nil {
		t.Error(err)
	}
	if head := servertest.Await(t, heads, "the request"); !strings.HasPrefix(head, "BREW /pot HTTP/1.1\r\n") {
		t.Errorf("got %q", head)
	}
}

func TestForwarded(t *testing.T) {
	l := servertest.NewLoop(t)
	proxy := &url.URL{Scheme: "http", Host: "proxy.example"}
	var c *evhttp.Client
	l.Do(func() {
		var err error
		c, err = evhttp.NewClient(l.Base, &evhttp.ClientConfig{Proxy: func(u *url.URL) (*url.URL, error) {
			if u.Host == "direct.example" {
				return nil, nil
			}
			return proxy, nil
		}})
		if err != nil {
			t.Error(err)
		}
	})
	defer l.Do(c.Free)
	for target, want := range map[string]bool{"http://a.example/": true, "http://direct.example/": false} {
		u, _ := url.Parse(target)
		if got, err := c.Forwarded(u); got != want || err != nil {
			t.Errorf("%s: %v, %v", target, got, err)
		}
	}
	if _, err := c.Forwarded(&url.URL{Scheme: "ftp", Host: "a"}); !errors.Is(err, evhttp.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}
