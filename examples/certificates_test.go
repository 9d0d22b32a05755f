package examples

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

// An authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority makes one that nobody knows but who is told.
func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := validFor(time.Hour)
	template.Subject.CommonName = "authority of a test"
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	a.cert, a.key = a.sign(template, nil, nil)
	return a
}

// validFor returns what is the same in all certificates.
func validFor(d time.Duration) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(d)}
}

// sign makes a certificate; without a parent it is signed by itself.
func (a *authority) sign(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// issue makes a certificate of this machine, for servers and clients.
func (a *authority) issue(d time.Duration) tls.Certificate {
	a.t.Helper()
	template := validFor(d)
	template.Subject = pkix.Name{CommonName: "localhost"}
	template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	cert, key := a.sign(template, a.cert, a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// file returns a file that has the authority's certificate.
func (a *authority) file() string {
	a.t.Helper()
	return pemFile(a.t, "CERTIFICATE", a.cert.Raw)
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func pemFile(t *testing.T, kind string, der []byte) string {
	t.Helper()
	return tempFile(t, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// shown returns the flags to have a program show a certificate.
func shown(t *testing.T, cert tls.Certificate) []string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"-cert", pemFile(t, "CERTIFICATE", cert.Certificate[0]),
		"-key", pemFile(t, "PRIVATE KEY", key),
	}
}

// trusting returns the configuration of a client that knows an authority.
func (a *authority) trusting() *tls.Config {
	return &tls.Config{RootCAs: a.pool(), ServerName: "localhost"}
}

// A watched connection notes that it has ended. crypto/tls takes that for the
// end of its stream, too, if it comes between two records; so it takes more than
// a tls.Conn to see whether a stream was cut off.
type watched struct {
	*net.TCPConn
	ended atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.TCPConn.Read(p)
	if err != nil {
		w.ended.Store(true)
	}
	return n, err
}

// below returns what a connection with TLS is over.
func below(conn *tls.Conn) *watched { return conn.NetConn().(*watched) }

// dialTLS connects to addr and does the handshake.
func dialTLS(t *testing.T, addr string, cfg *tls.Config) *tls.Conn {
	t.Helper()
	conn := tls.Client(&watched{TCPConn: dial(t, addr)}, cfg)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn
}

// overTLS is the server's side of a connection. The handshake comes with the
// first use.
func overTLS(conn *net.TCPConn, cfg *tls.Config) *tls.Conn {
	return tls.Server(&watched{TCPConn: conn}, cfg)
}

// isCut checks that a stream does not seem to have ended in the regular way.
func isCut(conn stream) error {
	rest, err := io.ReadAll(conn)
	if c, ok := conn.(*tls.Conn); ok && below(c).ended.Load() {
		return nil
	}
	if err == nil {
		return fmt.Errorf("the stream has ended in order, after %q", rest)
	}
	return nil
}

// peer returns the path of somebody else's program that ours are to get on with.
func peer(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatal(err)
	}
	t.Skip("needs ", name, ": ", err)
	return ""
}
