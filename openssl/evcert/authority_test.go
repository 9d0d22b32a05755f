package evcert_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// authority issues certificates.
type authority struct {
	cert   *x509.Certificate
	key    crypto.Signer
	serial atomic.Int64
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ok(t, err)
	cert, err := x509.ParseCertificate(der)
	ok(t, err)
	a := &authority{cert: cert, key: key}
	a.serial.Store(1)
	return a
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// sign returns a certificate for a public key. change, if not nil, changes it
// before.
func (a *authority) sign(pub crypto.PublicKey, names []string, change func(*x509.Certificate)) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial.Add(1)),
		DNSNames:     names,
		NotBefore:    time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(names) > 0 {
		template.Subject.CommonName = names[0]
	}
	if change != nil {
		change(template)
	}
	return x509.CreateCertificate(rand.Reader, template, a.cert, pub, a.key)
}

// issue returns a certificate with a new ECDSA key and the authority's own
// certificate behind it.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate), names ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	return a.issueFor(t, key, change, names...)
}

// issueRSA is issue with an RSA key.
func (a *authority) issueRSA(t testing.TB, names ...string) *tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	return a.issueFor(t, key, nil, names...)
}

func (a *authority) issueFor(t testing.TB, key crypto.Signer, change func(*x509.Certificate), names ...string) *tls.Certificate {
	t.Helper()
	der, err := a.sign(key.Public(), names, change)
	ok(t, err)
	leaf, err := x509.ParseCertificate(der)
	ok(t, err)
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
}

// writePEM puts a certificate, its chain and key into a file, which changes at
// once, and returns the file's name.
func writePEM(t testing.TB, name string, cert *tls.Certificate) string {
	t.Helper()
	var data []byte
	for _, der := range cert.Certificate {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	ok(t, err)
	data = append(data, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	writeFile(t, name, data)
	return name
}

func writeFile(t testing.TB, name string, data []byte) {
	t.Helper()
	temporary := filepath.Join(filepath.Dir(name), ".new")
	ok(t, os.WriteFile(temporary, data, 0o600))
	err := os.Rename(temporary, name)
	for start := time.Now(); err != nil && time.Since(start) < patience; { // Windows refuses while somebody reads
		err = os.Rename(temporary, name)
	}
	ok(t, err)
}

// shakeHands does a handshake between crypto/tls's own server and client, and
// returns what the client knows then.
func shakeHands(t testing.TB, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(a, server)
		if s.Handshake() == nil {
			s.Write([]byte("x")) // the client reads the tickets of sessions before that
		}
		a.Close()
	}()
	c := tls.Client(b, client)
	err := c.Handshake()
	if err == nil {
		c.Read(make([]byte, 1))
	}
	b.Close()
	<-done
	return c.ConnectionState(), err
}

// runWith runs the loop, and work in another goroutine, until that is done.
func runWith(t testing.TB, base *event.Base, work func()) {
	t.Helper()
	late := base.NewTimer(func(*event.Event, event.What) {
		t.Error("it did not happen")
		base.LoopBreak()
	})
	ok(t, late.AddTimeout(patience))
	defer late.Free()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer base.LoopExit(0)
		work()
	}()
	ok(t, base.Dispatch())
	if base.GotBreak() {
		t.FailNow()
	}
	<-done
}

// serveEcho accepts TLS connections on the loop, and sends back what comes.
func serveEcho(t testing.TB, base *event.Base, cfg *evtls.Config) string {
	t.Helper()
	open := map[*bufferevent.Bufferevent]bool{}
	l, err := listener.NewBind(base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, -1,
		func(_ *listener.Listener, fd int, _ netip.AddrPort) {
			b, err := evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
			if err != nil {
				t.Error(err)
				return
			}
			open[b] = true
			b.SetCallbacks(
				func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }, nil,
				func(b *bufferevent.Bufferevent, what bufferevent.Events) {
					if what&bufferevent.EventConnected == 0 {
						delete(open, b)
						b.Free()
					}
				})
			if err := b.Enable(event.Read); err != nil {
				t.Error(err)
			}
		})
	ok(t, err)
	t.Cleanup(func() {
		l.Free()
		for b := range open {
			b.Free()
		}
	})
	return l.Addr().String()
}

// dialTLS connects to a server; the connection is closed at the end of the test.
// It is for other goroutines than that of the test.
func dialTLS(t testing.TB, addr string, cfg *tls.Config) (*tls.Conn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	tc := tls.Client(c, cfg)
	return tc, tc.Handshake()
}

// echoes reports whether what is sent over a connection comes back.
func echoes(c net.Conn) error {
	const text = "hello"
	if _, err := c.Write([]byte(text)); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, len(text)))
	return err
}
