package reverseproxy

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
)

// runLoop runs a base in a goroutine until the test has ended. do runs a function
// on it.
func runLoop(t testing.TB) (base *event.Base, do func(fn func())) {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		ended <- err
	}()
	t.Cleanup(func() {
		base.Post(func() { base.LoopBreak() }) // which counts only in a loop that runs
		if err := <-ended; err != nil {
			t.Error(err)
		}
		base.Free()
	})
	return base, func(fn func()) {
		done := make(chan struct{})
		if err := base.Post(func() { defer close(done); fn() }); err != nil {
			t.Fatal(err)
		}
		<-done
	}
}

// A server runs a handler, and returns its URL.
type server struct {
	name string
	run  func(t testing.TB, h http.Handler) string
}

var servers = []server{{"net/http", runTheirs}, {"ours", runOurs}}

func runTheirs(t testing.TB, h http.Handler) string {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

func runOurs(t testing.TB, h http.Handler) (address string) {
	base, do := runLoop(t)
	var s *evhttp.Server
	do(func() {
		s = evhttp.NewServer(base)
		s.SetGenericStream(evnethttp.Handler(h))
		b, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Error(err)
			return
		}
		address = b.AddrPort().String()
	})
	t.Cleanup(func() { do(s.Free) })
	return "http://" + address
}

// A transport makes round trippers.
type transport struct {
	name string
	make func(t testing.TB) http.RoundTripper
}

var transports = []transport{{"net/http", makeTheirs}, {"ours", makeOurs}}

func makeTheirs(t testing.TB) http.RoundTripper {
	rt := new(http.Transport)
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

func makeOurs(t testing.TB) http.RoundTripper {
	base, do := runLoop(t)
	c, err := evhttp.NewClient(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { do(c.Free) })
	return evnethttp.RoundTripper(c)
}

// A stack is a proxy before an origin, and a client of both.
type stack struct {
	t      *testing.T
	url    string // of the proxy
	client *http.Client
}

// duplex has a handler read the body while it answers, as proxies do, but for a path
// whose body nobody may read to its end: then net/http may watch a connection for the
// end of the request in full duplex while it reads the next one, and panic.
func duplex(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/unread" {
			if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
				panic(err)
			}
		}
		h.ServeHTTP(w, r)
	})
}

// inEveryStack runs a test with each combination of servers and transports.
func inEveryStack(t *testing.T, origin http.Handler, test func(s *stack)) {
	t.Helper()
	for _, front := range servers {
		for _, between := range transports {
			for _, back := range servers {
				t.Run("front "+front.name+", transport "+between.name+", origin "+back.name, func(t *testing.T) {
					target, err := url.Parse(back.run(t, origin))
					if err != nil {
						t.Fatal(err)
					}
					p := &httputil.ReverseProxy{
						Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
						Transport: between.make(t),
						ErrorLog:  log.New(io.Discard, "", 0),
					}
					address := front.run(t, duplex(p))
					rt := new(http.Transport)
					t.Cleanup(rt.CloseIdleConnections)
					test(&stack{t, address, &http.Client{Transport: rt, Timeout: patience}})
				})
			}
		}
	}
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// do makes a request, and returns the answer with its body read.
func (s *stack) do(method, path string, body io.Reader, edit ...func(r *http.Request)) (resp *http.Response, text string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, edit := range edit {
		edit(r)
	}
	resp, err = s.client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	data, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		s.t.Fatalf("%s %s: after %d bytes of the answer: %v", method, path, len(data), err)
	}
	return resp, string(data)
}

// await waits for what must come.
func await[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}
