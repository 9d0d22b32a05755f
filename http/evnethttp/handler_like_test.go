package evnethttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// exchange sends requests on a connection, and returns what comes until the end of
// it: heads with their lines in order of the alphabet, and bodies.
func exchange(t testing.TB, addr string, raw ...string) string {
	t.Helper()
	c := servertest.Connect(t, addr)
	go io.WriteString(c, strings.Join(raw, ""))
	in := bufio.NewReader(c)
	var all strings.Builder
	for i := 0; ; {
		head, ok := servertest.ReadHead(in)
		if !ok {
			fmt.Fprintf(&all, "%send\n", head)
			return all.String()
		}
		request := raw[min(i, len(raw)-1)]
		method, _, _ := strings.Cut(request, " ")
		// Ours answers by HTTP/1.1 whatever it is asked by (RFC 9110, section 2.5),
		// and says what becomes of the connection where that is not so anyway.
		old := strings.Contains(request, "HTTP/1.0\r\n")
		lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
		lines[0] = lines[0][len("HTTP/1.1 "):len("HTTP/1.1 200")] // phrases say nothing
		lines = slices.DeleteFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, "Date: ") || line == "Connection: close" && old || line == "Connection: keep-alive" && !old
		})
		slices.Sort(lines[1:])
		fmt.Fprintln(&all, strings.Join(lines, "\n"))
		in = bufio.NewReader(io.MultiReader(strings.NewReader(head), in))
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			fmt.Fprintf(&all, "no answer\n")
			return all.String()
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		i++
		body, err := io.ReadAll(resp.Body)
		if len(body) > 100 {
			body = fmt.Appendf(nil, "%d bytes", len(body))
		}
		fmt.Fprintf(&all, "body %q %v %v\n", body, err != nil, resp.Trailer)
	}
}

// last is a request that ends a connection.
const last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// TestAnswersAreThoseOfNetHTTP runs handlers on both servers, which must send the
// same, and keep the connection or not for the same requests.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	quiet(t)
	say := io.WriteString
	handlers := map[string]http.HandlerFunc{
		"nothing":     func(w http.ResponseWriter, r *http.Request) {},
		"WriteHeader": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) },
		"404":         func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"301":         func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", 301) },
		"204":         func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) },
		"204 with fields of a body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.Header().Set("Content-Type", "x/y")
			w.Header().Set("Transfer-Encoding", "chunked")
			w.WriteHeader(204)
			_, err := say(w, "abc")
			if err != http.ErrBodyNotAllowed {
				panic(err)
			}
		},
		"304": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Etag", `"x"`); w.WriteHeader(304) },
		"304 with fields of a body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.Header().Set("Content-Type", "x/y")
			w.WriteHeader(304)
		},
		"204 and flush": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204); w.(http.Flusher).Flush() },
		"text":          func(w http.ResponseWriter, r *http.Request) { say(w, "text") },
		"long":          func(w http.ResponseWriter, r *http.Request) { say(w, strings.Repeat("x", 100_000)) },
		"flush":         func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() },
		"text and flush": func(w http.ResponseWriter, r *http.Request) {
			say(w, "text")
			w.(http.Flusher).Flush()
			say(w, "more")
		},
		"announced":   func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "4"); say(w, "text") },
		"announced 0": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "0") },
		"chunked by itself": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			say(w, "text")
		},
		"trailers": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-A, X-B")
			say(w, "text")
			w.Header().Set("X-A", "a")
		},
		"a trailer by its prefix": func(w http.ResponseWriter, r *http.Request) {
			say(w, "text")
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"X-A", "a")
		},
		"trailers of nothing": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-A")
			w.WriteHeader(200)
			w.Header().Set("X-A", "a")
		},
		"close": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close"); say(w, "text") },
		"keep-alive": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "keep-alive")
			say(w, "text")
		},
		"hints": func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoAtLeast(1, 1) {
				w.Header().Set("Link", "</a>")
				w.WriteHeader(103)
				w.Header().Set("Link", "</b>")
				w.WriteHeader(199)
			}
			say(w, "text")
		},
		"100": func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoAtLeast(1, 1) {
				w.WriteHeader(100)
			}
			say(w, "text")
		},
		"superfluous": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.WriteHeader(103)
			w.WriteHeader(500)
		},
		"299":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(299) },
		"999":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(999); say(w, "text") },
		"abort": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"abort later": func(w http.ResponseWriter, r *http.Request) {
			say(w, "text")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"too short": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "9"); say(w, "text") },
		"from a reader": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, strings.NewReader(strings.Repeat("x", 10_000)))
		},
		"the request": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Method, r.URL, r.RequestURI, r.Proto, r.Host, r.Header, r.ContentLength, r.TransferEncoding, r.Close)
		},
	}
	requests := map[string]string{
		"GET":                    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"HEAD":                   "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST":                   "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
		"PURGE":                  "PURGE / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET by HTTP/1.0":        "GET / HTTP/1.0\r\n\r\n",
		"HEAD by HTTP/1.0":       "HEAD / HTTP/1.0\r\n\r\n",
		"kept GET by HTTP/1.0":   "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"kept HEAD by HTTP/1.0":  "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"the last GET":           "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET with two tokens":    "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n",
		"OPTIONS for everything": "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	}
	// What ours makes of it where that is something else, on purpose.
	ours := map[string]func(request, answer string) string{
		// It asks only a client that waits for that to go on.
		"100": func(_, answer string) string { return strings.ReplaceAll(answer, "100\n", "") },
		// What the end of the connection would make look whole does not arrive.
		"abort later": func(request, answer string) string {
			if strings.HasPrefix(request, "GET") && strings.Contains(request, "HTTP/1.0") {
				return "end\n"
			}
			return answer
		},
	}
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			ourAddr, theirAddr := startOurs(t, h, nil), startTheirs(t, h, nil)
			for request, raw := range requests {
				got, want := exchange(t, ourAddr, raw, last), exchange(t, theirAddr, raw, last)
				if other := ours[name]; other != nil {
					want = other(raw, want)
				}
				if got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", request, got, want)
				}
			}
		})
	}
}

// TestEveryMethodReachesHandlers of net/http, wherever they are registered.
func TestEveryMethodReachesHandlers(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Method", r.Method) })
	places := map[string]func(base *event.Base, s *evhttp.Server) error{
		"everything": func(base *event.Base, s *evhttp.Server) error { s.SetGenericStream(evnethttp.Handler(h)); return nil },
		"everything, whole": func(base *event.Base, s *evhttp.Server) error {
			s.SetGenericCallback(evnethttp.Handler(h))
			return nil
		},
		"everything, on loop": func(base *event.Base, s *evhttp.Server) error {
			s.SetGenericCallback(evnethttp.InlineHandler(h))
			return nil
		},
		"a path":              func(base *event.Base, s *evhttp.Server) error { return s.HandleStream("/x", evnethttp.Handler(h)) },
		"a path, on the loop": func(base *event.Base, s *evhttp.Server) error { return s.Handle("/x", evnethttp.InlineHandler(h)) },
		"a pattern": func(base *event.Base, s *evhttp.Server) error {
			return s.HandlePatternStream("/{any}", evnethttp.Handler(h))
		},
		"a pattern, whole": func(base *event.Base, s *evhttp.Server) error {
			return s.HandlePattern("/{any...}", evnethttp.Handler(h))
		},
		"a virtual host": func(base *event.Base, s *evhttp.Server) error {
			v := evhttp.NewServer(base)
			v.SetGenericStream(evnethttp.Handler(h))
			return s.AddVirtualHost("a", v)
		},
	}
	for place, register := range places {
		t.Run(place, func(t *testing.T) {
			l := servertest.NewLoop(t)
			_, addr := l.Serve(func(s *evhttp.Server) {
				if err := register(l.Base, s); err != nil {
					t.Error(err)
				}
			})
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "PURGE", "QUERY", "get", "X-Y"} {
				got := exchange(t, addr, method+" /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				if !strings.HasPrefix(got, "200\n") || !strings.Contains(got, "\nMethod: "+method+"\n") {
					t.Errorf("%s: %s", method, got)
				}
			}
		})
	}
}

// TestMethodsOfNativeHandlers are those that the server allows, and those that a
// pattern names; Allow lists what the resource has.
func TestMethodsOfNativeHandlers(t *testing.T) {
	native := func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte(r.Method())) }
	server := func(allowed evhttp.Method) string {
		_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
			for _, err := range []error{
				s.Handle("/native", native),
				s.HandleStream("/net", evnethttp.Handler(http.NotFoundHandler())),
				s.HandlePattern("GET /named", native), s.HandlePattern("PATCH /named", native), s.HandlePattern("PURGE /named", native),
				s.HandlePattern("POST /posted", native),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			if allowed != 0 {
				s.SetAllowedMethods(allowed)
			}
		})
		return addr
	}
	const some = "GET, POST, HEAD, PUT, DELETE"
	for name, test := range map[string]struct {
		addr string
		want map[string]string
	}{
		"by default": {server(0), map[string]string{
			"GET /native": "200", "DELETE /native": "200", "PATCH /native": "405 " + some, "OPTIONS /native": "405 " + some, "PURGE /native": "501",
			"PATCH /net": "404", "PURGE /net": "404",
			"GET /named": "200", "HEAD /named": "200", "PATCH /named": "200", "PURGE /named": "200",
			"PUT /named": "405 GET, HEAD, PATCH, PURGE", "OPTIONS /named": "405 GET, HEAD, PATCH, PURGE", "QUERY /named": "501",
			"GET /posted": "405 POST", "PATCH /posted": "405 POST",
			"GET /none": "404", "PATCH /none": "405 " + some, "PURGE /none": "501",
		}},
		"with any method": {server(evhttp.AnyMethod), map[string]string{
			"GET /native": "200", "PATCH /native": "200", "PURGE /native": "200", "QUERY /native": "200",
			"QUERY /named": "405 GET, HEAD, PATCH, PURGE", "PURGE /none": "404",
		}},
		"with one method": {server(evhttp.MethodOptions), map[string]string{
			"GET /native": "405 OPTIONS", "OPTIONS /native": "200", "GET /net": "404", "GET /named": "200",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for request, want := range test.want {
				in := bufio.NewReader(strings.NewReader(""))
				c := servertest.Connect(t, test.addr)
				fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", request)
				in.Reset(c)
				resp, err := http.ReadResponse(in, &http.Request{Method: strings.Fields(request)[0]})
				if err != nil {
					t.Fatal(err)
				}
				got := strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Allow")))
				if got != want {
					t.Errorf("%s: %s, want %s", request, got, want)
				}
			}
		})
	}
}

// TestOptionsForTheServer asks about the server as a whole, with and without the
// switch for that.
func TestOptionsForTheServer(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "handled "+r.RequestURI) })
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "handled "+r.RequestURI) })
	for name, h := range map[string]http.Handler{"a mux": mux, "a handler": plain} {
		for _, disable := range []bool{false, true} {
			ours := startOurs(t, h, func(s *evhttp.Server) { s.DisableGeneralOptionsHandler(disable) })
			theirs := startTheirs(t, h, func(s *http.Server) { s.DisableGeneralOptionsHandler = disable })
			for _, raw := range []string{
				"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
				"OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
				"OPTIONS * HTTP/1.0\r\n\r\n",
				"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n",
			} {
				if got, want := exchange(t, ours, raw, last), exchange(t, theirs, raw, last); got != want {
					t.Errorf("%s, disable=%t, %q: got\n%s\nwant\n%s", name, disable, raw, got, want)
				}
			}
		}
	}
}

// TestContextsOfHandlers have what net/http puts there.
func TestContextsOfHandlers(t *testing.T) {
	onEachServer(t, func(t *testing.T, start func(http.Handler) string) {
		said := make(chan string, 1)
		addr := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := context.WithValue(r.Context(), "x", "y")
			local, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr)
			_, server := ctx.Value(http.ServerContextKey).(*http.Server)
			said <- fmt.Sprintln(local, ok, server, ctx.Value("x"), ctx.Value("z"), r.RemoteAddr)
		}))
		c := servertest.Connect(t, addr)
		for range 2 {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			want := fmt.Sprintln(c.RemoteAddr(), true, true, "y", nil, c.LocalAddr())
			if got := servertest.Await(t, said, "the handler"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

// TestCloseNotify tells a handler that its client has gone, and nothing when it
// answers.
func TestCloseNotify(t *testing.T) {
	onEachServer(t, func(t *testing.T, start func(http.Handler) string) {
		channels := make(chan (<-chan bool), 2)
		addr := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			gone := w.(http.CloseNotifier).CloseNotify()
			if again := w.(http.CloseNotifier).CloseNotify(); again != gone {
				t.Error("another channel")
			}
			channels <- gone
			if r.URL.Path == "/wait" {
				servertest.Await(t, gone, "the client's going")
				servertest.Await(t, r.Context().Done(), "the context")
				channels <- gone
			}
		}))
		c := servertest.Connect(t, addr)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		gone := servertest.Await(t, channels, "the handler")
		in := bufio.NewReader(c)
		if _, ok := servertest.ReadHead(in); !ok {
			t.Fatal("no answer")
		}
		io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
		servertest.Await(t, channels, "the handler")
		c.Close()
		servertest.Await(t, channels, "the handler")
		select {
		case <-gone:
			t.Error("a client has gone that had its answer")
		default:
		}
	})
}

// TestNoBodyWith205 has handlers write one all the same.
func TestNoBodyWith205(t *testing.T) {
	for name, h := range map[string]evhttp.Handler{
		"net/http's": evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "4")
			w.WriteHeader(205)
			if _, err := io.WriteString(w, "body"); err != http.ErrBodyNotAllowed {
				t.Error(err)
			}
			w.(http.Flusher).Flush()
		})),
		"whole":    func(r *evhttp.Request) { r.SendReply(205, "", servertest.Text("body")) },
		"in bytes": func(r *evhttp.Request) { r.SendReplyBytes(205, "", []byte("body")) },
		"in parts": func(r *evhttp.Request) {
			r.SendReplyStart(205, "")
			r.SendReplyChunk(servertest.Text("body"))
			r.SendReplyEnd()
		},
		"announced": func(r *evhttp.Request) {
			r.OutputHeaders().Set("Content-Length", "4")
			r.SendReplyStart(205, "")
			r.SendReplyChunk(servertest.Text("body"))
			r.SendReplyEnd()
		},
		"an error": func(r *evhttp.Request) { r.SendError(205, "") },
	} {
		_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) { s.SetGenericStream(h) })
		for _, method := range []string{"GET", "HEAD"} {
			got := exchange(t, addr, method+" / HTTP/1.1\r\nHost: a\r\n\r\n", method+" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			if strings.Count(got, "205\n") != 2 || strings.Count(got, `body ""`) != 2 || strings.Count(got, "Content-Length: 0\n") != 2 {
				t.Errorf("%s, %s:\n%s", name, method, got)
			}
		}
	}
}
