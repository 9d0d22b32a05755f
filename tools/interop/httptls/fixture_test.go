package httptls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// patience is how long something may take before the test counts as failed. It
// is never waited for by a test that passes.
const patience = 20 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const serverName = "localhost"

// identity returns a certificate of its own issuer, and who trusts it.
var identity = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: serverName},
		DNSNames:              []string{serverName},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
})

func serverTLS(version uint16) *tls.Config {
	cert, _ := identity()
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version}
}

func clientTLS(version uint16) *tls.Config {
	_, pool := identity()
	return &tls.Config{RootCAs: pool, ServerName: serverName, MinVersion: version, MaxVersion: version}
}

// versions are those of TLS, in which alerts and the end of a handshake differ.
var versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

// runLoop runs a base in a goroutine until the test has ended. do runs a function
// on it.
func runLoop(t testing.TB) (base *event.Base, do func(fn func())) {
	t.Helper()
	base, err := event.NewBase()
	ok(t, err)
	ended := make(chan error, 1)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		ended <- err
	}()
	t.Cleanup(func() {
		base.LoopBreak()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		base.Free()
	})
	return base, func(fn func()) {
		done := make(chan struct{})
		if err := base.Post(func() { defer close(done); fn() }); err != nil {
			t.Error(err)
			return
		}
		<-done
	}
}

// secure is the SecureFunc of clients.
func secure(cfg *tls.Config) func(*event.Base, *bufferevent.Bufferevent, string) (*bufferevent.Bufferevent, error) {
	return func(base *event.Base, under *bufferevent.Bufferevent, _ string) (*bufferevent.Bufferevent, error) {
		c := &evtls.Config{TLS: cfg}
		if under != nil {
			return evtls.NewFilter(under, evtls.Connecting, c, bufferevent.CloseOnFree)
		}
		return evtls.NewSocket(base, -1, evtls.Connecting, c, bufferevent.CloseOnFree)
	}
}

// listen runs a server in Go that serves each connection in a goroutine, all of
// which end before the test does.
func listen(t testing.TB, serve func(c net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		conns   []net.Conn
	)
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			running.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}

// receive returns what comes from a channel in time.
func receive[T any](t testing.TB, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

// A strict connection notes how the stream below TLS has ended, about which
// crypto/tls is lenient: where a record ends, it takes any end for one in order.
type strict struct {
	net.Conn
	cut bool // the stream below has ended before TLS has
}

func (c *strict) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.cut = c.cut || err != nil
	return n, err
}

// dial connects to a server over TLS.
func dial(t testing.TB, addr string, cfg *tls.Config) (*tls.Conn, *strict) {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	ok(t, err)
	below := &strict{Conn: raw}
	c := tls.Client(below, cfg)
	t.Cleanup(func() { raw.Close() })
	ok(t, c.SetDeadline(time.Now().Add(patience)))
	ok(t, c.Handshake())
	return c, below
}

// readAll returns what comes to the end, and fails the test unless that is one in
// order, or one that is cut off, as it should be.
func readAll(t testing.TB, c *tls.Conn, below *strict, from io.Reader, cut bool) string {
	t.Helper()
	data, err := io.ReadAll(from)
	if below.cut != cut || !cut && err != nil {
		t.Errorf("cut off is %v, want %v; the end, after %d bytes: %v", below.cut, cut, len(data), err)
	}
	if !cut {
		c.Close()
	}
	return string(data)
}
