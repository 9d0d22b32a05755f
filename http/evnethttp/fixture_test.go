package evnethttp_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// patience is how long a test waits for what should come at once.
const patience = evtest.Patience

// startOurs runs our server with a handler of net/http, and returns its address.
// prepare may be nil.
func startOurs(t testing.TB, h http.Handler, prepare func(s *evhttp.Server)) string {
	t.Helper()
	_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
		s.SetGenericStream(evnethttp.Handler(h))
		if prepare != nil {
			prepare(s)
		}
	})
	return addr
}

// startTheirs runs net/http's server.
func startTheirs(t testing.TB, h http.Handler, prepare func(s *http.Server)) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if prepare != nil {
		prepare(s.Config)
	}
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.Listener.Addr().String()
}

// onEachServer runs a test with our server and with net/http's.
func onEachServer(t *testing.T, test func(t *testing.T, start func(h http.Handler) (addr string))) {
	t.Run("net/http", func(t *testing.T) {
		test(t, func(h http.Handler) string { return startTheirs(t, h, nil) })
	})
	t.Run("ours", func(t *testing.T) {
		test(t, func(h http.Handler) string { return startOurs(t, h, nil) })
	})
}

// newTransport returns our round tripper. cfg may be nil.
func newTransport(t testing.TB, cfg *evhttp.ClientConfig) (*servertest.Loop, http.RoundTripper) {
	t.Helper()
	l := servertest.NewLoop(t)
	c, err := evhttp.NewClient(l.Base, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Do(c.Free) })
	return l, evnethttp.RoundTripper(c)
}

// withEachTransport runs a test with our round tripper and with net/http's.
func withEachTransport(t *testing.T, test func(t *testing.T, rt http.RoundTripper)) {
	t.Run("net/http", func(t *testing.T) {
		rt := &http.Transport{DisableCompression: true}
		defer rt.CloseIdleConnections()
		test(t, rt)
	})
	t.Run("ours", func(t *testing.T) {
		_, rt := newTransport(t, nil)
		test(t, rt)
	})
}
