package evhttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// TestCallbacksMayEndEverything frees and cancels from within all callbacks, at
// which nothing may crash or be left.
func TestCallbacksMayEndEverything(t *testing.T) {
	const request = "POST /it HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	stages := map[string]func(s *Server, do Handler){
		"new request": func(s *Server, do Handler) {
			s.SetNewRequestCallback(func(r *Request) bool { do(r); return true })
		},
		"header": func(s *Server, do Handler) {
			s.SetNewRequestCallback(func(r *Request) bool {
				r.SetHeaderCallback(func(r *Request) bool { do(r); return true })
				return true
			})
		},
		"handler": func(s *Server, do Handler) { s.Handle("/it", do) },
		"stream":  func(s *Server, do Handler) { s.HandleStream("/it", do) },
		"chunk":   func(s *Server, do Handler) { s.HandleStream("/it", func(r *Request) { r.SetChunkCallback(do) }) },
		"later": func(s *Server, do Handler) {
			s.Handle("/it", func(r *Request) { s.base.Post(func() { do(r) }) })
		},
		"complete": func(s *Server, do Handler) {
			s.Handle("/it", func(r *Request) {
				r.SetCompleteCallback(do)
				r.SendReply(200, "", nil)
			})
		},
		"sent": func(s *Server, do Handler) {
			s.Handle("/it", func(r *Request) {
				r.SendReplyStart(200, "")
				r.SendReplyChunkFunc(bufferOf("x"), func() { do(r) })
			})
		},
		"error page": func(s *Server, do Handler) {
			s.SetErrorCallback(func(r *Request, _ int, _ string) bool { do(r); return true })
		},
		"log": func(s *Server, do Handler) {
			s.SetLogCallback(do)
			s.Handle("/it", func(r *Request) { r.SendReply(200, "", nil) })
		},
		"error": func(s *Server, do Handler) {
			s.Handle("/it", func(r *Request) {
				r.SetErrorCallback(func(r *Request, _ error) { do(r) })
				r.Conn().Free()
			})
		},
		"close": func(s *Server, do Handler) {
			s.Handle("/it", func(r *Request) {
				r.Conn().SetCloseCallback(func(*Conn) { do(r) })
				r.Cancel()
			})
		},
	}
	actions := map[string]Handler{
		"free the connection": func(r *Request) {
			if c := r.Conn(); c != nil {
				c.Free()
			}
		},
		"free the server": func(r *Request) {
			if c := r.Conn(); c != nil {
				c.accepted().Server().Free()
			}
		},
		"cancel":      func(r *Request) { r.Cancel(); r.Cancel() },
		"reply":       func(r *Request) { r.SendReply(200, "", nil) },
		"reply twice": func(r *Request) { r.SendReply(200, "", nil); r.SendReply(200, "", nil); r.SendError(500, "") },
		"reply, then cancel": func(r *Request) {
			r.SendReply(200, "", nil)
			r.Cancel()
		},
		"begin, then cancel": func(r *Request) { r.SendReplyStart(200, ""); r.Cancel() },
		"reply, then free": func(r *Request) {
			c := r.Conn()
			r.SendReply(200, "", nil)
			if c != nil {
				c.Free()
			}
		},
		"hijack": func(r *Request) {
			if b, err := r.Hijack(); err == nil {
				b.Free()
			}
		},
		"shut down": func(r *Request) {
			if c := r.Conn(); c != nil {
				c.accepted().Server().Shutdown(time.Millisecond, nil)
			}
		},
		"own and free": func(r *Request) { r.Own(); r.Free(); r.SendReply(200, "", nil) },
	}
	for stage, at := range stages {
		for action, do := range actions {
			t.Run(stage+"/"+action, func(t *testing.T) {
				s, addr, on := serve(t)
				did := make(chan struct{}, 9)
				on(func() {
					at(s, func(r *Request) {
						do(r)
						select {
						case did <- struct{}{}:
						default:
						}
					})
				})
				c := dial(t, addr)
				io.WriteString(c, request+request)
				select {
				case <-did:
				case <-time.After(patience):
					t.Fatal("the callback was not called")
				}
				c.Close()
			})
		}
	}
}

func TestMisuseIsAnError(t *testing.T) {
	s, addr, on := serve(t)
	errs := make(chan error, 20)
	on(func() {
		s.Handle("/it", func(r *Request) {
			errs <- r.SendReplyChunk(bufferOf("x"))
			errs <- r.SendReplyEnd()
			errs <- r.SendReply(99, "", nil)
			errs <- r.SendReply(200, "a\r\nb", bufferOf("lost"))
			errs <- r.OutputHeaders().Add("a", "b\r\nc")
			errs <- r.SendReplyStart(200, "")
			errs <- r.SendReply(200, "", nil)
			errs <- r.SendError(404, "")
			errs <- r.SendInformational(103)
			errs <- r.SendReplyEnd()
			errs <- r.SendReplyEnd()
			_, err := r.Hijack()
			errs <- err
		})
	})
	talk(t, addr, get("/it"))
	for i, want := range []error{ErrOrder, ErrOrder, ErrInvalid, ErrInvalid, ErrInvalid, nil, ErrOrder, ErrOrder, ErrOrder, nil, ErrDone, ErrDone} {
		if err := <-errs; !errors.Is(err, want) {
			t.Errorf("call %d: %v, want %v", i, err, want)
		}
	}
}

// TestStaleRequests keeps a request after it was answered, while others come on
// the same connection.
func TestStaleRequests(t *testing.T) {
	s, addr, on := serve(t)
	var kept []*Request
	on(func() {
		s.Handle("/later", func(r *Request) {
			kept = append(kept, r)
			s.base.Post(func() { r.SendReply(200, "", bufferOf("later")) })
		})
		s.Handle("/own", func(r *Request) {
			r.Own()
			kept = append(kept, r)
			r.SendReply(200, "", nil)
		})
		s.Handle("/context", func(r *Request) {
			r.Context()
			kept = append(kept, r)
			r.SendReply(200, "", nil)
		})
		s.Handle("/try", func(r *Request) {
			for _, old := range kept {
				if old == r {
					t.Error("a request that was kept is used again")
				}
				wantErr(t, old.SendReply(200, "", bufferOf("stale")), ErrDone)
				wantErr(t, old.SendReplyChunk(bufferOf("stale")), ErrDone)
				wantErr(t, old.SendReplyEnd(), ErrDone)
				old.Cancel()
				if old.Conn() != nil || old.Context().Err() == nil {
					t.Error("a stale request is alive")
				}
			}
			r.SendReply(200, "", bufferOf("tried"))
		})
	})
	got := talk(t, addr, get("/later")+get("/own")+get("/context")+get("/hello")+get("/try"))
	if strings.Contains(got, "stale") || !strings.HasSuffix(got, "tried") {
		t.Errorf("got %q", got)
	}
	on(func() {
		for _, r := range kept {
			if r.Owned() && r.URI() != "/own" {
				t.Errorf("an owned request has become %s", r.URI())
			}
			r.Free()
		}
	})
}

// TestRequestsAreAsGoodAsNew compares one that was used in all ways with a new one.
func TestRequestsAreAsGoodAsNew(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		s.HandlePatternStream("POST /p/{x}", func(r *Request) {
			r.Data = s
			r.ParsedURI()
			r.Method()
			r.SetErrorCallback(func(*Request, error) {})
			r.SetHeaderCallback(func(*Request) bool { return true })
			r.OutputHeaders().Add("A", "b")
			r.OutputTrailers().Add("C", "d")
			r.SendReply(200, "", bufferOf("x"))
		})
	})
	talk(t, addr, "POST /p/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
	on(func() {
		if len(spare(s)) != 1 {
			t.Fatalf("%d requests to be used again", len(spare(s)))
		}
		asGoodAsNew := func(used, fresh reflect.Value, memory ...string) {
			for i := range used.NumField() {
				name := used.Type().Field(i).Name
				if !slices.Contains(memory, name) && !reflect.DeepEqual(show(used.Field(i)), show(fresh.Field(i))) {
					t.Errorf("%s is %s", name, show(used.Field(i)))
				}
			}
		}
		used, fresh := reflect.ValueOf(spare(s)[0]).Elem(), reflect.ValueOf(new(h1ServerExchange)).Elem()
		asGoodAsNew(used, fresh, "Request", "head", "body")
		asGoodAsNew(used.FieldByName("Request"), fresh.FieldByName("Request"), "header", "match")
	})
}

func show(v reflect.Value) string { return fmt.Sprintf("%+v", v) }

func TestContextsEndWithTheClient(t *testing.T) {
	s, addr, on := serve(t)
	contexts := make(chan context.Context, 1)
	on(func() { s.Handle("/it", func(r *Request) { contexts <- r.Context() }) })
	c := dial(t, addr)
	io.WriteString(c, get("/it"))
	ctx := <-contexts
	c.Close()
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		t.Fatal("the context lives on")
	}
}

func TestHalfClosedClientsAreAnswered(t *testing.T) {
	s, addr, on := serve(t)
	on(func() {
		s.Handle("/it", func(r *Request) {
			ctx := r.Context()
			go func() {
				<-ctx.Done() // the end of the client's stream was seen
				s.base.Post(func() { r.SendReply(200, "", bufferOf("x")) })
			}()
		})
	})
	if got := talk(t, addr, get("/it")); !strings.HasSuffix(got, "\r\nx") {
		t.Errorf("got %q", got)
	}
}

func TestStreamsOfBodiesWaitForTheirReader(t *testing.T) {
	s, addr, on := serve(t)
	const size = 4 << 20
	most, total := 0, 0
	on(func() {
		s.HandleStream("/it", func(r *Request) {
			r.SetChunkCallback(func(r *Request) {
				most = max(most, r.Input().Len())
				if r.Complete() {
					total += r.Input().Len()
					r.SendReply(200, "", bufferOf("done"))
					return
				}
				if r.Input().Len() < maxUntaken {
					return
				}
				s.base.Post(func() { // later, somewhere else
					total += r.Input().Len()
					r.Input().Drain(r.Input().Len())
				})
			})
		})
	})
	c := dial(t, addr)
	go func() {
		fmt.Fprintf(c, "POST /it HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
		c.Write(make([]byte, size))
		closeWrite(c)
	}()
	if got := readAll(t, c); !strings.HasSuffix(got, "done") {
		t.Errorf("got %q", got)
	}
	on(func() {
		if total != size || most > maxUntaken {
			t.Errorf("%d bytes of %d came, up to %d at once", total, size, most)
		}
	})
}

func TestUnwantedBodies(t *testing.T) {
	for _, test := range []struct {
		name, fields, body string
		kept               bool
	}{
		{"short", "Content-Length: 1000\r\n", strings.Repeat("x", 1000), true},
		{"long", "Content-Length: 10000000\r\n", "x", false},
		{"chunked", "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n", false},
		{"that was not asked for", "Expect: 100-continue\r\nContent-Length: 1\r\n", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, addr, on := serve(t)
			on(func() { s.HandleStream("/it", func(r *Request) { r.SendReply(200, "", bufferOf("x")) }) })
			c := dial(t, addr)
			io.WriteString(c, "POST /it HTTP/1.1\r\nHost: a\r\n"+test.fields+"\r\n"+test.body)
			if test.kept {
				io.WriteString(c, get("/hello"))
			}
			closeWrite(c)
			got := readAll(t, c)
			if kept := strings.HasSuffix(got, "Hello, world"); kept != test.kept || kept == strings.Contains(got, "Connection: close") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestUntakenBodiesAreDropped answers while reading of the body rests.
func TestUntakenBodiesAreDropped(t *testing.T) {
	s, addr, on := serve(t)
	const size = maxUntaken + 1000
	on(func() {
		s.HandleStream("/it", func(r *Request) {
			r.SetChunkCallback(func(r *Request) {
				if r.Input().Len() >= maxUntaken {
					s.base.Post(func() { r.SendReply(200, "", bufferOf("x")) })
				}
			})
		})
	})
	got := talk(t, addr, fmt.Sprintf("POST /it HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))+get("/hello"))
	if !strings.HasSuffix(got, "Hello, world") {
		t.Errorf("got %q", got)
	}
}

func TestBrokenBodiesAreToldTo(t *testing.T) {
	s, addr, on := serve(t)
	told := make(chan error, 1)
	on(func() {
		s.HandleStream("/it", func(r *Request) {
			r.SetChunkCallback(func(*Request) {})
			r.SetErrorCallback(func(_ *Request, err error) { told <- err })
		})
	})
	got := talk(t, addr, "POST /it HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX")
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") || <-told == nil {
		t.Errorf("got %q", got)
	}
}

func TestHijackedStreams(t *testing.T) {
	for _, test := range []struct{ name, raw, want string }{
		{"upgrade", "GET /it HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nearly ",
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nearly late"},
		{"tunnel", "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\nearly ", "HTTP/1.1 200 OK\r\n\r\nearly late"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, addr, on := serve(t)
			on(func() {
				s.SetAllowedMethods(DefaultMethods | MethodConnect)
				s.SetGenericCallback(func(r *Request) {
					code := 200
					if r.Command() != MethodConnect {
						code = 101
						r.OutputHeaders().Add("Upgrade", "x")
						r.OutputHeaders().Add("Connection", "upgrade")
					}
					if err := r.SendReplyStart(code, ""); err != nil {
						t.Error(err)
					}
					b, err := r.Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					echo := func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }
					b.SetCallbacks(echo, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
						if b.Output().Len() == 0 {
							b.Free()
							return
						}
						b.SetCallbacks(nil, func(b *bufferevent.Bufferevent) { b.Free() }, nil)
					})
					echo(b)
				})
			})
			if got := talk(t, addr, test.raw+"late"); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestShutdown(t *testing.T) {
	for _, test := range []struct {
		name  string
		after time.Duration
		want  error
	}{{"answered", 0, nil}, {"cut off", time.Millisecond, ErrDeadline}} {
		t.Run(test.name, func(t *testing.T) {
			s, addr, on := serve(t)
			asked := make(chan *Request, 1)
			ended := make(chan error, 1)
			on(func() {
				s.Handle("/it", func(r *Request) {
					r.SetErrorCallback(func(*Request, error) {})
					asked <- r
				})
			})
			idle, busy := dial(t, addr), dial(t, addr)
			isServed(t, idle)
			io.WriteString(busy, get("/it"))
			r := <-asked
			on(func() { s.Shutdown(test.after, func(err error) { ended <- err }) })
			if got := readAll(t, idle); got != "" {
				t.Errorf("idle connection got %q", got)
			}
			if test.want == nil {
				on(func() { r.SendReply(200, "", bufferOf("x")) })
				if got := readAll(t, busy); !strings.Contains(got, "Connection: close\r\n") {
					t.Errorf("busy connection got %q", got)
				}
			}
			if err := <-ended; !errors.Is(err, test.want) {
				t.Errorf("shutdown: %v", err)
			}
			on(func() {
				if n := s.ConnectionCount(); n != 0 || len(s.bounds) != 0 {
					t.Errorf("%d connections, %d listeners", n, len(s.bounds))
				}
			})
		})
	}
}

func TestShutdownOfAnIdleServer(t *testing.T) {
	s, _, on := serve(t)
	ended := make(chan error, 1)
	on(func() { s.Shutdown(0, func(err error) { ended <- err }) })
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestUnixSockets(t *testing.T) {
	path := unixPath(t)
	s, _, on := serve(t)
	on(func() {
		if _, err := s.BindUnix(path); err != nil {
			t.Error(err)
		}
	})
	if got := talk(t, path, get("/hello")); got != hello("") {
		t.Errorf("got %q", got)
	}
}

func TestBounds(t *testing.T) {
	s, addr, on := serve(t)
	var second *Bound
	on(func() {
		var err error
		if second, err = s.Bind(netip.MustParseAddrPort("127.0.0.1:0")); err != nil {
			t.Fatal(err)
		}
		second.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
			b, err := plain(base, fd)
			b.WriteString("first ")
			return b, err
		})
		if n := len(slices.Collect(s.Bounds())); n != 2 || second.FD() < 0 || second.Listener() == nil {
			t.Errorf("%d bounds", n)
		}
	})
	wantSame(t, "first", talk(t, addr, get("/hello")), hello(""))
	wantSame(t, "second", talk(t, second.AddrPort().String(), get("/hello")), "first "+hello(""))
	on(func() {
		s.RemoveBound(second)
		s.RemoveBound(second)
		if n := len(slices.Collect(s.Bounds())); n != 1 {
			t.Errorf("%d bounds", n)
		}
	})
}
