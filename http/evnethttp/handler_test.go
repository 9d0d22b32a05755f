package evnethttp_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/http/evnethttp"
)

// newHTTPServer runs net/http's own server and returns its URL.
func newHTTPServer(t testing.TB, h http.Handler) string {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// newOurServer runs ours with a handler of net/http.
func newOurServer(t testing.TB, h http.Handler) string {
	s, addr, on := serve(t)
	on(func() {
		s.Unhandle("/hello")
		s.Unhandle("/echo")
		s.SetAllowedMethods(1<<32 - 1)
		s.SetGenericStream(evnethttp.Handler(h))
	})
	return "http://" + addr
}

// quiet keeps what is logged from the output of the tests, and returns it.
func quiet(t *testing.T) *syncBuffer {
	old := slog.Default()
	b := new(syncBuffer)
	slog.SetDefault(slog.New(slog.NewTextHandler(b, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
	return b
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// handlers are those that both servers run.
func handlers() *http.ServeMux {
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, text string) { io.WriteString(w, text) }
	for path, fn := range map[string]http.HandlerFunc{
		"/text":    func(w http.ResponseWriter, r *http.Request) { write(w, "text") },
		"/nothing": func(w http.ResponseWriter, r *http.Request) {},
		"/html":    func(w http.ResponseWriter, r *http.Request) { write(w, "<html><body>") },
		"/no-type": func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			write(w, "x")
		},
		"/large": func(w http.ResponseWriter, r *http.Request) {
			for range 1000 {
				write(w, strings.Repeat("x", 1000))
			}
		},
		"/2047": func(w http.ResponseWriter, r *http.Request) { write(w, strings.Repeat("x", 2047)) },
		"/echo": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Length", fmt.Sprint(r.ContentLength, r.TransferEncoding))
			io.Copy(w, r.Body)
			fmt.Fprint(w, " trailer ", r.Trailer)
		},
		"/request": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, r.Method, r.URL, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor, r.ContentLength, r.TransferEncoding, r.Close, r.Header["X-A"], r.URL.Query(), r.Body == http.NoBody)
		},
		"/status": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(418); w.WriteHeader(200) },
		"/204":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204); write(w, "x") },
		"/304":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) },
		"/length": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "4"); write(w, "text") },
		"/longer": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "4")
			write(w, "text")
			_, err := io.WriteString(w, "more")
			w.Header().Set("X", fmt.Sprint(err))
		},
		"/newline": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X", "a\r\nb"); write(w, "x") },
		"/close":   func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close"); write(w, "x") },
		"/flush": func(w http.ResponseWriter, r *http.Request) {
			write(w, "a")
			w.(http.Flusher).Flush()
			if err := http.NewResponseController(w).Flush(); err != nil {
				write(w, err.Error())
			}
			write(w, "b")
		},
		"/flush-only": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() },
		"/trailers": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-A, X-B")
			write(w, "x")
			w.Header().Set("X-A", "a")
			w.Header().Set(http.TrailerPrefix+"X-C", "c")
		},
		"/hints": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			write(w, "x")
		},
		"/panic":       func(w http.ResponseWriter, r *http.Request) { panic("oops") },
		"/panic-later": func(w http.ResponseWriter, r *http.Request) { write(w, "x"); w.(http.Flusher).Flush(); panic("oops") },
		"/abort":       func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"/short":       func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "9"); write(w, "text") },
		"/hijack": func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				write(w, err.Error())
				return
			}
			defer c.Close()
			line, err := rw.ReadString('\n')
			_, again := w.Write(nil)
			fmt.Fprintf(rw, "HTTP/1.1 299 Own\r\nConnection: close\r\n\r\n%q %v %v", line, err, again)
			rw.Flush()
		},
	} {
		mux.HandleFunc(path, fn)
	}
	return mux
}

// answer makes a request, raw, and returns all of the answer that matters.
func answer(t *testing.T, server, raw string) string {
	t.Helper()
	c := dial(t, strings.TrimPrefix(server, "http://"))
	io.WriteString(c, raw)
	in := bufio.NewReader(c)
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		return "error"
	}
	interim := ""
	for resp.StatusCode < 200 {
		interim += fmt.Sprintln(resp.StatusCode, resp.Header)
		if resp, err = http.ReadResponse(in, &http.Request{Method: method}); err != nil {
			return "error"
		}
	}
	body, err := io.ReadAll(resp.Body)
	if len(body) < 1000 {
		body = boundary.ReplaceAll(body, []byte("-"))
	}
	if len(body) > 100 {
		body = fmt.Appendf(nil, "%d bytes, %x", len(body), crc32.ChecksumIEEE(body))
	}
	resp.Header.Del("Date")
	if method == "HEAD" {
		resp.TransferEncoding = nil
	}
	return fmt.Sprintf("%s%d %v %v %d %s %v close=%v trailer=%v", interim, resp.StatusCode, resp.Header, resp.TransferEncoding,
		resp.ContentLength, body, err != nil, resp.Close, resp.Trailer)
}

// TestHandlersLikeNetHTTP runs the same handlers on both servers, which must
// answer the same.
func TestHandlersLikeNetHTTP(t *testing.T) {
	logged := quiet(t)
	ours, theirs := newOurServer(t, handlers()), newHTTPServer(t, handlers())
	const host = " HTTP/1.1\r\nHost: h:1\r\nX-A: a\r\nX-A: b\r\n"
	requests := []string{
		"POST /echo" + host + "Content-Length: 4\r\n\r\nbody",
		"POST /echo" + host + "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n4\r\nbody\r\n0\r\nX-T: t\r\n\r\n",
		"POST /text" + host + "Content-Length: 4\r\n\r\nbody",
		"GET /text HTTP/1.0\r\n\r\n",
		"GET /large HTTP/1.0\r\n\r\n",
		"GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"GET /request?a=b&c=%20d" + host + "\r\n",
		"GET http://h:1/request?a" + host + "\r\n",
		"PUT /request" + host + "Content-Length: 1\r\nConnection: close\r\n\r\nx",
		"GET /hijack" + host + "\r\nhello\n",
		"GET /none" + host + "\r\n",
		"OPTIONS /text" + host + "\r\n",
	}
	for _, path := range []string{"text", "nothing", "html", "no-type", "large", "2047", "status", "204", "304", "length", "longer",
		"newline", "close", "flush", "flush-only", "trailers", "hints", "abort", "short", "panic-later"} {
		requests = append(requests, "GET /"+path+host+"\r\n", "HEAD /"+path+host+"\r\n")
	}
	for _, raw := range requests {
		if strings.HasPrefix(raw, "HEAD /flush") || strings.HasPrefix(raw, "HEAD /trailers") || strings.HasPrefix(raw, "HEAD /panic") || strings.HasPrefix(raw, "HEAD /short") {
			continue // the bodies that are not sent are not told of the same way
		}
		line, _, _ := strings.Cut(raw, "\r\n")
		got, want := answer(t, ours, raw), answer(t, theirs, raw)
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", line, got, want)
		}
	}
	if got := answer(t, ours, "GET /panic"+host+"\r\n"); !strings.HasPrefix(got, "500 ") {
		t.Errorf("panic: %s", got)
	}
	if text := logged.String(); !strings.Contains(text, "panic=oops") || strings.Contains(text, "abort") {
		t.Errorf("logged %s", text)
	}
}

func TestHandlersBodiesAreAskedFor(t *testing.T) {
	ours := newOurServer(t, handlers())
	for path, want := range map[string]string{"/echo": "HTTP/1.1 100 Continue\r\n", "/nothing": "HTTP/1.1 200 OK\r\n"} {
		c := dial(t, strings.TrimPrefix(ours, "http://"))
		io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
		line, err := bufio.NewReader(c).ReadString('\n')
		if line != want || err != nil {
			t.Errorf("%s: %q %v", path, line, err)
		}
	}
}

func TestHandlersContextsEndWithTheClient(t *testing.T) {
	for name, start := range map[string]func(testing.TB, http.Handler) string{"ours": newOurServer, "theirs": newHTTPServer} {
		began, ended := make(chan struct{}), make(chan error, 1)
		url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(began)
			select {
			case <-r.Context().Done():
				ended <- nil
			case <-time.After(patience):
				ended <- fmt.Errorf("the context lives on")
			}
		}))
		c := dial(t, strings.TrimPrefix(url, "http://"))
		io.WriteString(c, get("/"))
		<-began
		c.Close()
		if err := <-ended; err != nil {
			t.Error(name, err)
		}
	}
}

// TestHandlersMustNotOutrunTheirReader writes to a client that does not read.
func TestHandlersMustNotOutrunTheirReader(t *testing.T) {
	ended := make(chan int, 1)
	url := newOurServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, part := 0, make([]byte, 32<<10)
		for {
			m, err := w.Write(part)
			if n += m; err != nil {
				ended <- n
				return
			}
			if n > 1<<30 {
				ended <- n
				panic("no end")
			}
		}
	}))
	c := dial(t, strings.TrimPrefix(url, "http://"))
	io.WriteString(c, get("/"))
	io.ReadFull(c, make([]byte, 100_000))
	c.Close()
	if n := <-ended; n > 100<<20 {
		t.Errorf("wrote %d bytes", n)
	}
}

func TestBrokenBodiesEndHandlers(t *testing.T) {
	read := make(chan error, 1)
	url := newOurServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}))
	for _, raw := range []string{"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"} {
		talk(t, strings.TrimPrefix(url, "http://"), "POST / HTTP/1.1\r\nHost: a\r\n"+raw)
		if err := <-read; err == nil {
			t.Errorf("%q: a part was taken for the whole", raw)
		}
	}
}

func TestHandlersWithUploads(t *testing.T) {
	const size = 3 << 20
	url := newOurServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	}))
	for name, body := range map[string]io.Reader{
		"sized": bytes.NewReader(make([]byte, size)), "chunked": io.MultiReader(bytes.NewReader(make([]byte, size))),
	} {
		resp, err := http.Post(url, "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(got) != fmt.Sprint(size, nil) || err != nil {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestReverseProxy has net/http's proxy run on our server, before a server of its
// own, also for another protocol.
func TestReverseProxy(t *testing.T) {
	quiet(t)
	origin := handlers()
	origin.HandleFunc("/upgrade", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(101)
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		line, _ := rw.ReadString('\n')
		rw.WriteString(line)
		rw.Flush()
	})
	target, err := url.Parse(newHTTPServer(t, origin))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	ours, theirs := newOurServer(t, proxy), newHTTPServer(t, proxy)
	for _, path := range []string{"/text", "/large", "/flush", "/trailers", "/hints", "/204", "/304", "/abort", "/short", "/panic-later", "/none"} {
		raw := "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"
		if got, want := answer(t, ours, raw), answer(t, theirs, raw); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", path, got, want)
		}
	}
	c := dial(t, strings.TrimPrefix(ours, "http://"))
	io.WriteString(c, "GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v %v", resp, err)
	}
	io.WriteString(c, "hello\n")
	if line, err := in.ReadString('\n'); line != "hello\n" || err != nil {
		t.Errorf("got %q %v", line, err)
	}
	c.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestInlineHandlers(t *testing.T) {
	logged := quiet(t)
	s, addr, on := serve(t)
	mux := handlers()
	on(func() {
		s.Unhandle("/hello")
		s.Unhandle("/echo")
		s.SetGenericCallback(evnethttp.InlineHandler(mux))
	})
	theirs := newHTTPServer(t, mux)
	const host = " HTTP/1.1\r\nHost: h\r\n"
	for _, raw := range []string{
		"GET /text" + host + "\r\n", "HEAD /text" + host + "\r\n", "GET /nothing" + host + "\r\n", "GET /html" + host + "\r\n",
		"GET /no-type" + host + "\r\n", "GET /status" + host + "\r\n", "GET /204" + host + "\r\n", "GET /304" + host + "\r\n",
		"GET /length" + host + "\r\n", "GET /newline" + host + "\r\n", "GET /close" + host + "\r\n", "GET /abort" + host + "\r\n",
		"POST /echo" + host + "Content-Length: 4\r\n\r\nbody", "GET /request" + host + "\r\n",
		"POST /echo" + host + "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n4\r\nbody\r\n0\r\nX-T: t\r\n\r\n",
	} {
		if got, want := answer(t, "http://"+addr, raw), answer(t, theirs, raw); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", raw, got, want)
		}
	}
	if got := answer(t, "http://"+addr, "GET /panic"+host+"\r\n"); !strings.HasPrefix(got, "500 ") || !strings.Contains(logged.String(), "oops") {
		t.Errorf("panic: %s", got)
	}
}

func TestHandlersEndWithTheServer(t *testing.T) {
	ended := make(chan error, 1)
	s, addr, on := serve(t)
	began := make(chan context.Context, 1)
	on(func() {
		s.SetGenericStream(evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began <- r.Context()
			_, err := io.ReadAll(r.Body)
			ended <- err
		})))
	})
	c := dial(t, addr)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nx")
	ctx := <-began
	on(s.Free)
	<-ctx.Done()
	if err := <-ended; err == nil {
		t.Error("the body is complete")
	}
}

func TestHandlersAtUnixSockets(t *testing.T) {
	path := unixPath(t)
	s, _, on := serve(t)
	on(func() {
		if _, err := s.BindUnix(path); err != nil {
			t.Error(err)
		}
		s.SetGenericStream(evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) })))
	})
	if got := talk(t, path, get("/")); !strings.HasSuffix(got, "\r\n\r\n@") {
		t.Errorf("got %q", got)
	}
}
