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

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
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
		s.SetGenericStream(evhttp.HTTPHandler(h))
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
	return c.RoundTripper()
}

// A stack is a proxy between a client and an origin.
type stack struct {
	url string // of the proxy
}

// inEveryStack runs a test with each combination of servers and transports.
func inEveryStack(t *testing.T, origin func() http.Handler, test func(t *testing.T, s *stack)) {
	t.Helper()
	for _, front := range servers {
		for _, between := range transports {
			for _, back := range servers {
				t.Run("front "+front.name+", transport "+between.name+", origin "+back.name, func(t *testing.T) {
					target, err := url.Parse(back.run(t, origin()))
					if err != nil {
						t.Fatal(err)
					}
					p := &httputil.ReverseProxy{
						Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
						Transport: between.make(t),
						ErrorLog:  log.New(io.Discard, "", 0),
					}
					test(t, &stack{front.run(t, p)})
				})
			}
		}
	}
}
