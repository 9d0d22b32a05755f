package evnethttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// newTripper returns a client and what net/http uses it by.
func newTripper(t testing.TB, cfg *evhttp.ClientConfig) (*servertest.Loop, *evhttp.Client, http.RoundTripper) {
	t.Helper()
	l := servertest.NewLoop(t)
	c, err := evhttp.NewClient(l.Base, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Do(c.Free) })
	return l, c, evnethttp.RoundTripper(c)
}

// besideTransport runs a test with our round tripper and that of net/http.
func besideTransport(t *testing.T, test func(t *testing.T, rt http.RoundTripper)) {
	t.Run("ours", func(t *testing.T) {
		_, _, rt := newTripper(t, nil)
		test(t, rt)
	})
	t.Run("net/http", func(t *testing.T) {
		rt := &http.Transport{DisableCompression: true}
		defer rt.CloseIdleConnections()
		test(t, rt)
	})
}

// origin is a server of net/http that answers in many ways.
func origin(t testing.TB) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Got-Length", fmt.Sprint(r.ContentLength))
		w.Header().Set("Got-Host", r.Host)
		w.Header().Set("Got-Method", r.Method)
		data, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		w.Header().Set("Got-Trailer", fmt.Sprint(r.Trailer))
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Sum")
		w.WriteHeader(201)
		for i := range 5 {
			fmt.Fprintf(w, "part %d\n", i)
			w.(http.Flusher).Flush()
		}
		w.Header().Set("Sum", "5")
	})
	mux.HandleFunc("/duplex", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			w.Write(bytes.ToUpper(buf[:n]))
			w.(http.Flusher).Flush()
			if err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/status/204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("/status/304", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"x"`); w.WriteHeader(304) })
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) {})
	mux.HandleFunc("/close", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	mux.HandleFunc("/untilclose", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(conn, "HTTP/1.0 200 OK\r\nX-Y: z\r\n\r\nuntil the end")
		conn.Close()
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		conn.Close()
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style>")
		w.WriteHeader(103)
		w.Header().Del("Link")
		io.WriteString(w, "after hints")
	})
	mux.HandleFunc("/upgrade", func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, _ := w.(http.Hijacker).Hijack()
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nhello\n")
		line, _ := rw.ReadString('\n')
		io.WriteString(conn, strings.ToUpper(line))
	})
	mux.HandleFunc("/never", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		data := make([]byte, 10_000)
		for r.Context().Err() == nil {
			if _, err := w.Write(data); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 403) })
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv
}

// describe is what a test compares of an answer.
func describe(resp *http.Response, err error) string {
	if err != nil {
		return "error"
	}
	defer resp.Body.Close()
	declared := fmt.Sprint(resp.Trailer)
	data, err := io.ReadAll(resp.Body)
	resp.Header.Del("Date")
	got := fmt.Sprint(resp.Status, " ", resp.StatusCode, " ", resp.Proto, " ", resp.ProtoMajor, " ", resp.ProtoMinor,
		" length ", resp.ContentLength, " coding ", resp.TransferEncoding, " close ", resp.Close,
		" header ", resp.Header, " trailer ", declared, resp.Trailer, " uncompressed ", resp.Uncompressed,
		" body ", len(data), " ", string(data[:min(len(data), 50)]))
	if err != nil {
		got += " error " + err.Error()
	}
	return got
}

func TestAnswersAreThoseOfTransport(t *testing.T) {
	srv := origin(t)
	_, _, ours := newTripper(t, nil)
	theirs := &http.Transport{DisableCompression: true}
	defer theirs.CloseIdleConnections()
	long := strings.Repeat("long ", 100_000)
	for _, tt := range []struct {
		name string
		req  func() *http.Request
	}{
		{"get", func() *http.Request { return httptest.NewRequest("GET", srv.URL+"/echo?q=a%20b", nil) }},
		{"no method", func() *http.Request { r := httptest.NewRequest("GET", srv.URL+"/echo", nil); r.Method = ""; return r }},
		{"custom method", func() *http.Request { return httptest.NewRequest("BREW", srv.URL+"/echo", nil) }},
		{"post", func() *http.Request {
			r, _ := http.NewRequest("POST", srv.URL+"/echo", strings.NewReader("small"))
			return r
		}},
		{"post nothing", func() *http.Request { r, _ := http.NewRequest("POST", srv.URL+"/echo", http.NoBody); return r }},
		{"long post", func() *http.Request {
			r, _ := http.NewRequest("POST", srv.URL+"/echo", strings.NewReader(long))
			return r
		}},
		{"post of unknown length", func() *http.Request {
			r, _ := http.NewRequest("PUT", srv.URL+"/echo", io.MultiReader(strings.NewReader(long)))
			return r
		}},
		{"post with a length", func() *http.Request {
			r, _ := http.NewRequest("PUT", srv.URL+"/echo", io.MultiReader(strings.NewReader(long)))
			r.ContentLength = int64(len(long))
			return r
		}},
		{"trailer", func() *http.Request {
			r, _ := http.NewRequest("PUT", srv.URL+"/echo", io.MultiReader(strings.NewReader(long)))
			r.Trailer = http.Header{"Sum": {"17"}}
			return r
		}},
		{"expect", func() *http.Request {
			r, _ := http.NewRequest("PUT", srv.URL+"/echo", strings.NewReader("small"))
			r.Header.Set("Expect", "100-continue")
			return r
		}},
		{"expect in vain", func() *http.Request {
			r, _ := http.NewRequest("PUT", srv.URL+"/refuse", strings.NewReader("small"))
			r.Header.Set("Expect", "100-continue")
			return r
		}},
		{"host", func() *http.Request {
			r, _ := http.NewRequest("GET", srv.URL+"/echo", nil)
			r.Host = "elsewhere.example"
			return r
		}},
		{"stream", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/stream", nil); return r }},
		{"204", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/status/204", nil); return r }},
		{"304", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/status/304", nil); return r }},
		{"empty", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/empty", nil); return r }},
		{"head", func() *http.Request { r, _ := http.NewRequest("HEAD", srv.URL+"/close", nil); return r }},
		{"head of a stream", func() *http.Request { r, _ := http.NewRequest("HEAD", srv.URL+"/stream", nil); return r }},
		{"close", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/close", nil); return r }},
		{"until close", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/untilclose", nil); return r }},
		{"cut off", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/cut", nil); return r }},
		{"hints", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/hints", nil); return r }},
		{"no host", func() *http.Request { r, _ := http.NewRequest("GET", "http:///x", nil); return r }},
		{"no scheme", func() *http.Request { r, _ := http.NewRequest("GET", "//host/x", nil); return r }},
		{"bad header", func() *http.Request {
			r, _ := http.NewRequest("GET", srv.URL+"/echo", nil)
			r.Header["X"] = []string{"a\r\nb: c"}
			return r
		}},
		{"bad method", func() *http.Request { r, _ := http.NewRequest("GET", srv.URL+"/echo", nil); r.Method = "A B"; return r }},
		{"body too short", func() *http.Request {
			r, _ := http.NewRequest("PUT", srv.URL+"/echo", strings.NewReader("small"))
			r.ContentLength = 10
			return r
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second one on a connection that was kept
				req := tt.req()
				req.RequestURI = ""
				got := describe(ours.RoundTrip(req))
				req = tt.req()
				req.RequestURI = ""
				if want := describe(theirs.RoundTrip(req)); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestBodiesGoBothWaysAtOnce(t *testing.T) {
	srv := origin(t)
	besideTransport(t, func(t *testing.T, rt http.RoundTripper) {
		in, out := io.Pipe()
		req, _ := http.NewRequest("POST", srv.URL+"/duplex", in)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		buf := make([]byte, 5)
		for range 100 {
			io.WriteString(out, "hello")
			if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != "HELLO" {
				t.Fatalf("got %q, %v", buf, err)
			}
		}
		out.Close()
		if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
			t.Errorf("rest %q, %v", rest, err)
		}
	})
}

func TestInformationalResponsesAreTraced(t *testing.T) {
	srv := origin(t)
	besideTransport(t, func(t *testing.T, rt http.RoundTripper) {
		var link string
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				link = fmt.Sprint(code, h.Get("Link"))
				return nil
			},
		})
		req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+"/hints", nil)
		got := describe(rt.RoundTrip(req))
		if link != "103</style>" || !strings.Contains(got, "after hints") {
			t.Errorf("hints %q, then %s", link, got)
		}
		stop := errors.New("enough")
		ctx = httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(int, textproto.MIMEHeader) error { return stop },
		})
		req, _ = http.NewRequestWithContext(ctx, "GET", srv.URL+"/hints", nil)
		if _, err := rt.RoundTrip(req); !errors.Is(err, stop) {
			t.Errorf("error %v, want %v", err, stop)
		}
	})
}

func TestAnotherProtocolIsABodyToWriteTo(t *testing.T) {
	srv := origin(t)
	besideTransport(t, func(t *testing.T, rt http.RoundTripper) {
		req, _ := http.NewRequest("GET", srv.URL+"/upgrade", nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "shout")
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		rw, ok := resp.Body.(io.ReadWriteCloser)
		if !ok || resp.StatusCode != 101 {
			t.Fatalf("%s with a %T", resp.Status, resp.Body)
		}
		defer rw.Close()
		io.WriteString(rw, "again\n")
		if data, err := io.ReadAll(rw); string(data) != "hello\nAGAIN\n" {
			t.Errorf("read %q, %v", data, err)
		}
	})
}

func TestCancelling(t *testing.T) {
	srv := origin(t)
	reason := errors.New("changed my mind")
	besideTransport(t, func(t *testing.T, rt http.RoundTripper) {
		t.Run("before", func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(reason)
			req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+"/never", nil)
			if _, err := rt.RoundTrip(req); !errors.Is(err, reason) {
				t.Errorf("error %v", err)
			}
		})
		t.Run("while waiting", func(t *testing.T) {
			if _, theirs := rt.(*http.Transport); theirs {
				t.Skip("Transport may wait for the body all the same")
			}
			ctx, cancel := context.WithCancelCause(context.Background())
			in, out := io.Pipe()
			req, _ := http.NewRequestWithContext(ctx, "POST", srv.URL+"/never", in)
			go func() {
				io.WriteString(out, "some of the body, which says that the request is under way")
				cancel(reason)
			}()
			if _, err := rt.RoundTrip(req); !errors.Is(err, reason) {
				t.Errorf("error %v", err)
			}
			for err := error(nil); err == nil; { // the body is closed, if only after RoundTrip has returned
				_, err = io.WriteString(out, "more")
			}
		})
		t.Run("while reading", func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+"/endless", nil)
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadFull(resp.Body, make([]byte, 1_000_000)); err != nil {
				t.Fatal(err)
			}
			cancel(reason)
			if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, reason) {
				t.Errorf("error %v", err)
			}
		})
		t.Run("by closing", func(t *testing.T) {
			req, _ := http.NewRequest("GET", srv.URL+"/endless", nil)
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if _, err := resp.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("error %v", err)
			}
		})
	})
}

// failingBody is a body that breaks.
type failingBody struct {
	err    error
	closed chan struct{}
}

func (b *failingBody) Read(p []byte) (int, error) { return 0, b.err }
func (b *failingBody) Close() error               { close(b.closed); return nil }

func TestABodyThatCannotBeRead(t *testing.T) {
	srv := origin(t)
	broken := errors.New("disk on fire")
	besideTransport(t, func(t *testing.T, rt http.RoundTripper) {
		body := &failingBody{broken, make(chan struct{})}
		req, _ := http.NewRequest("POST", srv.URL+"/echo", body)
		if _, err := rt.RoundTrip(req); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
		<-body.closed
	})
}

func TestABodyThatIsTooLongIsNotSent(t *testing.T) {
	srv := origin(t)
	_, _, rt := newTripper(t, nil)
	req, _ := http.NewRequest("PUT", srv.URL+"/echo", io.MultiReader(strings.NewReader("too long")))
	req.ContentLength = 3
	if _, err := rt.RoundTrip(req); !errors.Is(err, evhttp.ErrLength) {
		t.Errorf("error %v, want %v", err, evhttp.ErrLength)
	}
}

// A reader who does not read stops the server, and one goes on when he does.
func TestAnswersNobodyReadsWaitAtTheServer(t *testing.T) {
	const total = 64 << 20
	written := make(chan int, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, n := make([]byte, 64<<10), 0
		for n < total {
			k, err := w.Write(data)
			n += k
			if err != nil {
				break
			}
		}
		written <- n
	}))
	defer srv.Close()
	_, _, rt := newTripper(t, nil)
	req, _ := http.NewRequest("GET", srv.URL, nil)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if n != total || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if got := <-written; got != total {
		t.Errorf("written %d", got)
	}
	resp.Body.Close()
}

func TestManyGoroutines(t *testing.T) {
	srv := origin(t)
	l, c, rt := newTripper(t, &evhttp.ClientConfig{MaxPerHost: 7})
	client := &http.Client{Transport: rt}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for j := range 20 {
				text := strings.Repeat(fmt.Sprint(i, j, " "), 1000*(j%4)+1)
				resp, err := client.Post(srv.URL+"/echo", "text/plain", strings.NewReader(text))
				if err != nil {
					t.Error(err)
					return
				}
				data, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(data) != text || err != nil {
					t.Errorf("%d bytes came back of %d, %v", len(data), len(text), err)
				}
			}
		})
	}
	wg.Wait()
	l.Do(func() {
		if c.IdleConnections() == 0 || c.IdleConnections() > 7 {
			t.Errorf("%d idle connections, want up to 7", c.IdleConnections())
		}
	})
	client.CloseIdleConnections()
	l.Do(func() {
		if c.IdleConnections() != 0 {
			t.Errorf("%d idle connections are left", c.IdleConnections())
		}
	})
}

// A body that was sent as it was read is read anew.
func TestAStaleConnectionOfARoundTripper(t *testing.T) {
	long := strings.Repeat("x", 300_000)
	for _, tt := range []struct {
		method string
		want   string
	}{{"PUT", "hello"}, {"POST", "error"}} {
		t.Run(tt.method, func(t *testing.T) {
			const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
			var connections atomic.Int32
			url := "http://" + servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
				if connections.Add(1) == 1 {
					io.WriteString(c, hello)
					servertest.ReadHead(in)
					return // without an answer
				}
				got := make([]byte, len(long))
				if n, err := io.ReadFull(in, got); string(got) != long {
					t.Errorf("%d bytes of body, want %d: %v", n, len(long), err)
				}
				io.WriteString(c, hello)
				io.Copy(io.Discard, in)
			})
			_, _, rt := newTripper(t, nil)
			client := &http.Client{Transport: rt}
			resp, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			req, err := http.NewRequest(tt.method, url, strings.NewReader(long))
			if err != nil {
				t.Fatal(err)
			}
			got := "error"
			if resp, err := client.Do(req); err == nil {
				data, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				got = string(data)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
