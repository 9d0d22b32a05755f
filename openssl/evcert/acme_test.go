package evcert_test

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// obtained is what OnCertificate was told.
type obtained struct {
	name string
	err  error
}

func managerOf(ca *fakeCA, names ...string) *autocert.Manager {
	return &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist(names...),
		Client:     &acme.Client{DirectoryURL: ca.directory()},
	}
}

// newACME makes an ACME for x.test and y.test.
func newACME(t testing.TB, base *event.Base, ca *fakeCA, cfg evcert.ACMEConfig) (*evcert.ACME, chan obtained) {
	t.Helper()
	told := make(chan obtained, 10)
	if cfg.Manager == nil {
		cfg.Manager = managerOf(ca, "x.test", "y.test")
	}
	cfg.OnCertificate = func(name string, err error) { told <- obtained{name, err} }
	a, err := evcert.NewACME(base, &cfg)
	ok(t, err)
	t.Cleanup(a.Free)
	return a, told
}

func TestACMEOnTheLoop(t *testing.T) {
	tests := []struct {
		name, challenge string
		workers         *evtls.Workers
	}{
		{"TLS-ALPN-01", "tls-alpn-01", nil},
		{"TLS-ALPN-01 with workers", "tls-alpn-01", evtls.NewWorkers(1)},
		{"HTTP-01", "http-01", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, ca := newBase(t), newFakeCA(t, tt.challenge)
			a, told := newACME(t, base, ca, evcert.ACMEConfig{})
			ca.httpAddr = serveHTTP(t, a.HTTPHandler(nil))
			ca.tlsAddr = serveEcho(t, base, &evtls.Config{TLS: a.TLSConfig("echo"), Workers: tt.workers})
			runWith(t, base, func() {
				a.Prepare("X.test.")
				if got := <-told; got.name != "x.test" || got.err != nil {
					t.Errorf("told %v; validation: %v", got, ca.faults())
				}
				c, err := dialTLS(t, ca.tlsAddr, &tls.Config{RootCAs: ca.pool(), ServerName: "x.test", NextProtos: []string{"echo"}})
				if err != nil {
					t.Error(err)
					return
				}
				if got := c.ConnectionState().NegotiatedProtocol; got != "echo" {
					t.Errorf("protocol %q", got)
				}
				if err := echoes(c); err != nil {
					t.Error(err)
				}
				a.Prepare("x.test") // is there
			})
			if n := ca.issued(); n != 1 {
				t.Errorf("%d certificates were issued", n)
			}
		})
	}
}

func TestChallengesThatAreNotPendingAreNotAnswered(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "http-01")
	a, _ := newACME(t, base, ca, evcert.ACMEConfig{})
	handler := a.HTTPHandler(nil)
	addr := serveEcho(t, base, &evtls.Config{TLS: a.TLSConfig()})
	runWith(t, base, func() {
		for host, status := range map[string]int{"x.test": http.StatusNotFound, "z.test": http.StatusForbidden} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("GET", "http://"+host+"/.well-known/acme-challenge/guess", nil))
			if w.Code != status {
				t.Errorf("%s: status %d, want %d", host, w.Code, status)
			}
			_, err := dialTLS(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: host, NextProtos: []string{acme.ALPNProto}})
			if err == nil {
				t.Errorf("%s: got a certificate", host)
			}
		}
	})
}

// serveHTTP serves a handler with net/http, and returns its address.
func serveHTTP(t testing.TB, handler http.Handler) string {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// serveStd accepts connections with crypto/tls's own server, and says how each
// handshake ends.
func serveStd(t testing.TB, cfg *tls.Config) (addr string, result chan error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	result = make(chan error, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				result <- tls.Server(c, cfg).Handshake()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String(), result
}

func TestHandshakesWaitForTheCertificate(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "tls-alpn-01")
	a, told := newACME(t, base, ca, evcert.ACMEConfig{})
	ca.tlsAddr, _ = serveStd(t, a.TLSConfig())
	runWith(t, base, func() {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := dialTLS(t, ca.tlsAddr, &tls.Config{RootCAs: ca.pool(), ServerName: "x.test"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := <-told; got != (obtained{"x.test", nil}) {
			t.Errorf("told %v", got)
		}
	})
	if n := ca.issued(); n != 1 || len(told) > 0 {
		t.Errorf("%d certificates were issued, told %d times more", n, len(told))
	}
}

func TestClientsWithoutECDSAGetRSA(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "tls-alpn-01")
	a, told := newACME(t, base, ca, evcert.ACMEConfig{})
	ca.tlsAddr, _ = serveStd(t, a.TLSConfig())
	suites := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	runWith(t, base, func() {
		for _, suites := range [][]uint16{suites, nil, suites} {
			client := &tls.Config{RootCAs: ca.pool(), ServerName: "x.test"}
			if suites != nil {
				client.CipherSuites, client.MaxVersion = suites, tls.VersionTLS12
			}
			c, err := dialTLS(t, ca.tlsAddr, client)
			if err != nil {
				t.Error(err)
				return
			}
			if _, isRSA := c.ConnectionState().PeerCertificates[0].PublicKey.(*rsa.PublicKey); isRSA != (suites != nil) {
				t.Errorf("suites %v: RSA %v", suites, isRSA)
			}
		}
		<-told
		<-told
	})
	if n := ca.issued(); n != 2 {
		t.Errorf("%d certificates were issued", n)
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "tls-alpn-01")
	a, told := newACME(t, base, ca, evcert.ACMEConfig{})
	addr, result := serveStd(t, a.TLSConfig())
	tests := []struct {
		name string
		err  error
	}{
		{"", evcert.ErrNoCertificate},
		{"*.x.test", evcert.ErrNoCertificate},
		{"x.test/", evcert.ErrNoCertificate},
		{"z.test", nil}, // what the HostPolicy says has no name
	}
	runWith(t, base, func() {
		for _, tt := range tests {
			dialTLS(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: tt.name})
			if err := <-result; err == nil || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("%q: handshake: %v", tt.name, err)
			}
		}
		if got := <-told; got.name != "z.test" || got.err == nil {
			t.Errorf("told %v", got)
		}
		a.Prepare("")
		if got := <-told; !errors.Is(got.err, evcert.ErrNoCertificate) {
			t.Errorf("told %v", got)
		}
	})
	if n := len(ca.orders); n > 0 {
		t.Errorf("%d orders", n)
	}
}

func TestNotTooMuchIsIssuedAtOnce(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "tls-alpn-01")
	ca.asked, ca.hold = make(chan string), make(chan struct{})
	a, told := newACME(t, base, ca, evcert.ACMEConfig{MaxIssuing: 1})
	addr, result := serveStd(t, a.TLSConfig())
	ca.tlsAddr = addr
	runWith(t, base, func() {
		a.Prepare("x.test")
		<-ca.asked
		dialTLS(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: "y.test"})
		if err := <-result; !errors.Is(err, evcert.ErrIssuing) {
			t.Errorf("another name: %v", err)
		}
		a.Prepare("y.test")
		if got := <-told; got.name != "y.test" || !errors.Is(got.err, evcert.ErrIssuing) {
			t.Errorf("told %v", got)
		}
		close(ca.hold)
		if got := <-told; got != (obtained{"x.test", nil}) {
			t.Errorf("told %v", got)
		}
	})
}

func TestFailureToObtainIsReported(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "dns-01") // which we cannot do
	a, told := newACME(t, base, ca, evcert.ACMEConfig{})
	addr, result := serveStd(t, a.TLSConfig())
	runWith(t, base, func() {
		dialTLS(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: "x.test"})
		if err := <-result; err == nil || !strings.Contains(err.Error(), "x.test") {
			t.Errorf("handshake: %v", err)
		}
		if got := <-told; got.name != "x.test" || got.err == nil {
			t.Errorf("told %v", got)
		}
	})
}

func TestRenewedCertificateIsTakenOver(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "tls-alpn-01")
	var later atomic.Int64
	ca.change = func(c *x509.Certificate) {
		if c.SerialNumber.Cmp(big.NewInt(2)) > 0 { // the first one is renewed at once
			c.NotAfter = time.Now().Add(1000 * time.Hour)
		}
	}
	m := managerOf(ca, "x.test")
	m.RenewBefore = 10 * time.Hour
	a, told := newACME(t, base, ca, evcert.ACMEConfig{Manager: m, Time: func() time.Time {
		return time.Now().Add(time.Duration(later.Load()))
	}})
	addr, _ := serveStd(t, a.TLSConfig())
	ca.tlsAddr = addr
	runWith(t, base, func() {
		a.Prepare("x.test")
		if got := <-told; got != (obtained{"x.test", nil}) {
			t.Errorf("told %v", got)
		}
		for serial := int64(0); serial != 3; {
			c, err := dialTLS(t, addr, &tls.Config{RootCAs: ca.pool(), ServerName: "x.test"})
			if err != nil {
				t.Error(err)
				return
			}
			serial = c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
			if serial != 2 && serial != 3 {
				t.Errorf("certificate %d", serial)
				return
			}
			c.Close()
			later.Add(int64(time.Second)) // a minute comes once in 60 times
		}
		if got := <-told; got != (obtained{"x.test", nil}) {
			t.Errorf("told %v", got)
		}
	})
	if n := ca.issued(); n != 2 {
		t.Errorf("%d certificates were issued", n)
	}
}

func TestNewACMERefuses(t *testing.T) {
	base := newBase(t)
	m := &autocert.Manager{HostPolicy: func(context.Context, string) error { return nil }}
	tests := []struct {
		name string
		base *event.Base
		cfg  *evcert.ACMEConfig
	}{
		{"no base", nil, &evcert.ACMEConfig{Manager: m}},
		{"no configuration", base, nil},
		{"no manager", base, &evcert.ACMEConfig{}},
		{"no policy", base, &evcert.ACMEConfig{Manager: &autocert.Manager{}}},
	}
	for _, tt := range tests {
		if a, err := evcert.NewACME(tt.base, tt.cfg); a != nil || !errors.Is(err, event.ErrNil) {
			t.Errorf("%s: got %v, error %v", tt.name, a, err)
		}
	}
}
