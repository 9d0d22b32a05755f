//go:build unix

package interop

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
)

// A browser is net/http's client, at a server.
type browser struct {
	t      testing.TB
	url    string
	client *http.Client
}

// newBrowser returns one with net/http's own transport.
func newBrowser(t testing.TB, url string) *browser {
	t.Helper()
	transport := &http.Transport{DisableCompression: true, ExpectContinueTimeout: interopPatience, MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return browserBy(t, url, transport)
}

func browserBy(t testing.TB, url string, transport http.RoundTripper) *browser {
	return &browser{t, url, &http.Client{
		Transport: transport, Timeout: interopPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newOurBrowser returns one with our client for its transport, whose loop has a
// goroutine.
func newOurBrowser(t testing.TB, url string) *browser {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	client, err := evhttp.NewClient(base, &evhttp.ClientConfig{
		SetUp: func(c *evhttp.ClientConn) error { return c.SetContinueTimeout(interopPatience) },
	})
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		left <- err
	}()
	t.Cleanup(func() {
		base.Post(func() {
			client.Free()
			base.LoopBreak()
		})
		if err := <-left; err != nil {
			t.Error(err)
		}
		base.Free()
	})
	return browserBy(t, url, evnethttp.RoundTripper(client))
}

// eachBrowser runs a test with both.
func eachBrowser(t *testing.T, test func(t *testing.T, newBrowser func(testing.TB, string) *browser)) {
	t.Run("net/http", func(t *testing.T) { test(t, newBrowser) })
	t.Run("ours", func(t *testing.T) { test(t, newOurBrowser) })
}

// do sends a request and returns the response and its body.
func (b *browser) do(method, path string, body io.Reader, header ...string) (*http.Response, string, error) {
	req, err := http.NewRequest(method, b.url+path, body)
	if err != nil {
		return nil, "", err
	}
	for _, field := range header {
		name, value, _ := strings.Cut(field, ": ")
		req.Header.Add(name, value)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp, string(got), err
}

// want sends a request and checks the answer.
func (b *browser) want(code int, want, method, path string, body io.Reader, header ...string) (string, http.Header) {
	b.t.Helper()
	resp, got, err := b.do(method, path, body, header...)
	if err != nil {
		b.t.Errorf("%s %s: %v after %d bytes", method, path, err, len(got))
		return "", http.Header{}
	}
	if resp.StatusCode != code || got != want {
		b.t.Errorf("%s %s: got %d and %d bytes, %.100q; want %d and %d bytes", method, path, resp.StatusCode, len(got), got, code, len(want))
	}
	return got, resp.Header
}

// TestNetHTTPClient has net/http's client at our server.
func TestNetHTTPClient(t *testing.T) { eachBrowser(t, testNetHTTPClient) }

func testNetHTTPClient(t *testing.T, newBrowser func(testing.TB, string) *browser) {
	s := serve(t)
	b, data := newBrowser(t, "http://"+s.addr.String()), string(noise(long))
	b.want(200, "Hello, world\n", "GET", "/hello", nil)
	b.want(200, "", "HEAD", "/hello", nil)
	b.want(200, data, "POST", "/echo", strings.NewReader(data))
	b.want(200, data, "POST", "/echo", io.MultiReader(strings.NewReader(data)))
	b.want(200, data, "PUT", "/stream", io.MultiReader(strings.NewReader(data)))
	b.want(200, data, "PUT", "/echo", strings.NewReader(data), "Expect: 100-continue")
	b.want(200, data, "GET", "/files/long.bin", nil)
	b.want(204, "", "DELETE", "/status/204", nil)
	if n := s.connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	resp, body, err := b.do("GET", "/chunks/3", nil)
	if err != nil || body != "line 0\nline 1\nline 2\n" || resp.Trailer.Get("X-Lines") != "3" || resp.ContentLength != -1 {
		t.Errorf("chunks: got %q, trailer %v, %v", body, resp.Trailer, err)
	}
	resp, _, err = b.do("PUT", "/refuse", strings.NewReader(data), "Expect: 100-continue")
	if err != nil || resp.StatusCode != 403 {
		t.Errorf("a body that is not wanted: %v, %v", resp, err)
	}
}

// TestNetHTTPClientsAtOnce has many of them.
func TestNetHTTPClientsAtOnce(t *testing.T) { eachBrowser(t, testNetHTTPClientsAtOnce) }

func testNetHTTPClientsAtOnce(t *testing.T, newBrowser func(testing.TB, string) *browser) {
	s := serve(t)
	b, data := newBrowser(t, "http://"+s.addr.String()), string(noise(300_000))
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 20 {
				want := data[:1+(i*20+j)*len(data)/1000]
				resp, got, err := b.do("POST", []string{"/echo", "/stream"}[j%2], strings.NewReader(want))
				if err != nil || resp.StatusCode != 200 || got != want {
					t.Errorf("client %d, request %d: %d of %d bytes, %v", i, j, len(got), len(want), err)
				}
			}
		})
	}
	all.Wait()
}

// origin is net/http's server, with what ours has, too.
func origin(t testing.TB) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Hello, world\n") })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Write(body)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Trailer", "X-Length")
		n, err := io.Copy(w, r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Length", strconv.FormatInt(n, 10))
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "after hints")
	})
	mux.HandleFunc("/close", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "closed")
	})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(code)
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "long.bin", time.Time{}, strings.NewReader(string(noise(long))))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestNetHTTPServer has net/http's server behind our client.
func TestNetHTTPServer(t *testing.T) {
	s := origin(t)
	c, data := newClient(t, s.Listener.Addr().String()), string(noise(long))
	c.want(200, "Hello, world\n", "GET", "/hello")
	c.want(200, "", "HEAD", "/hello")
	c.want(200, data, "GET", "/long")
	c.want(206, data[7:1000], "GET", "/long", "Range: bytes=7-999")
	c.want(204, "", "GET", "/status/204")
	c.want(304, "", "GET", "/status/304")
	c.want(200, "after hints", "GET", "/hints")
	for range 3 {
		c.want(200, "closed", "GET", "/close")
	}
	for _, header := range [][]string{nil, {"Expect: 100-continue"}} {
		if got := c.do("POST", "/echo", data, header...); got.body != data || got.err != nil {
			t.Errorf("echo with %q: got %d bytes, %v", header, len(got.body), got.err)
		}
		got := c.upload("/stream", inParts(data, 50_000), header...)
		if got.body != data || got.err != nil || got.trailer["X-Length"] != strconv.Itoa(long) {
			t.Errorf("stream with %q: got %d bytes, trailer %v, %v", header, len(got.body), got.trailer, got.err)
		}
	}
	if got := c.do("PUT", "/refuse", data, "Expect: 100-continue"); got.code != 403 || got.err != nil {
		t.Errorf("a body that is not wanted: got %d, %v", got.code, got.err)
	}
	if got := c.do("GET", "/cut", ""); got.err == nil {
		t.Errorf("an answer that was cut off: got %d, %q and no error", got.code, got.body)
	}
	c.want(200, "Hello, world\n", "GET", "/hello")
}
