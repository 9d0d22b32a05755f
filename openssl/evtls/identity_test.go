package evtls_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"
)

// An identity is a certificate with its key, made by an issuer or by itself.
type identity struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	tls  tls.Certificate
}

// root returns the issuer that the tests trust.
var root = sync.OnceValue(func() *identity { return newIdentity(nil, "root", time.Hour) })

// known returns an identity that root has made, for a name; the same one each
// time.
func known(name string) *identity {
	if id, ok := identities.Load(name); ok {
		return id.(*identity)
	}
	id, _ := identities.LoadOrStore(name, newIdentity(root(), name, time.Hour))
	return id.(*identity)
}

var identities sync.Map

// newIdentity makes an identity that ends after some time, which may be negative.
func newIdentity(issuer *identity, name string, life time.Duration) *identity {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	id := &identity{key: key}
	draft := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(life),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := draft, key
	if issuer == nil {
		draft.IsCA, draft.BasicConstraintsValid, draft.KeyUsage = true, true, x509.KeyUsageCertSign
		draft.ExtKeyUsage = nil
	} else {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, draft, parent, &key.PublicKey, signer)
	if err != nil {
		panic(err)
	}
	if id.cert, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	id.tls = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: id.cert}
	return id
}

// trusting returns a pool with root in it.
func trusting() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(root().cert)
	return pool
}

const serverName = "server.test"

// serverTLS and clientTLS return configurations that understand one another, for
// one version of TLS, or for all of them if that is zero.
func serverTLS(version uint16) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{known(serverName).tls},
		ClientCAs:    trusting(), MinVersion: version, MaxVersion: version,
		CurvePreferences: []tls.CurveID{tls.X25519},
	}
}

func clientTLS(version uint16) *tls.Config {
	return &tls.Config{
		RootCAs: trusting(), ServerName: serverName,
		MinVersion: version, MaxVersion: version,
		CurvePreferences: []tls.CurveID{tls.X25519},
	}
}

// eachVersion runs a test for TLS 1.2 and 1.3.
func eachVersion(t *testing.T, test func(t *testing.T, version uint16)) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) { test(t, v) })
	}
}
