//go:build unix

package evtls_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A peerCA issues certificates for a test, in memory and as files.
type peerCA struct {
	credential
	pool *x509.CertPool
}

// A credential is a certificate and its key.
type credential struct {
	tls.Certificate
	certFile, keyFile string
}

func newPeerCA(t testing.TB) *peerCA {
	t.Helper()
	template := template("authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	a := &peerCA{pool: x509.NewCertPool()}
	a.credential = sign(t, template, newKey(t, "ECDSA"), nil)
	a.pool.AddCert(a.Leaf)
	return a
}

// issue makes a certificate for localhost with an ECDSA key.
func (a *peerCA) issue(t testing.TB) credential {
	t.Helper()
	return sign(t, template("localhost"), newKey(t, "ECDSA"), &a.credential)
}

// template returns what is to be in a certificate for a name.
func template(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func newKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "ECDSA":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		t.Fatalf("no such kind of key: %s", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes a certificate, which signs itself if there is no issuer.
func sign(t testing.TB, template *x509.Certificate, key crypto.Signer, issuer *credential) credential {
	t.Helper()
	parent, parentKey := template, key
	if issuer != nil {
		parent, parentKey = issuer.Leaf, issuer.PrivateKey.(crypto.Signer)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return credential{
		Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		certFile:    writeBlock(t, "CERTIFICATE", der),
		keyFile:     writeBlock(t, "PRIVATE KEY", keyDER),
	}
}

func writeBlock(t testing.TB, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(tempDir(t), "file.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// serverConfig is a configuration that shows a credential.
func serverConfig(c credential) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.Certificate}}
}

// clientConfig is one that trusts an authority.
func clientConfig(a *peerCA) *tls.Config {
	return &tls.Config{RootCAs: a.pool, ServerName: "localhost"}
}

// versions are those that peers are tried with, and how their programs
// call them.
var versions = []struct {
	name     string
	number   uint16
	openssl  string
	priority string
	curl     string
}{
	{"TLS 1.2", tls.VersionTLS12, "-tls1_2", "NORMAL:-VERS-ALL:+VERS-TLS1.2", "1.2"},
	{"TLS 1.3", tls.VersionTLS13, "-tls1_3", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "1.3"},
}
