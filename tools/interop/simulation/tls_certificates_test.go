package simulation_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Certificates of the TLS scenarios. Everything about them is fixed, keys and signatures
// included, since lengths are a part of traces: Ed25519 signs the same way always, and
// ECDSA without random numbers does (RFC 6979).

// epoch is when the clock of a world begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// tlsName is the name of the server in its certificates, and what there is beside it.
const tlsName = "server.test"

var tlsNames = []string{tlsName, "*.wild.test"}

// A tlsAuthority issues certificates.
type tlsAuthority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pool *x509.CertPool
}

// steadySigner signs with ECDSA without random numbers.
type steadySigner struct{ *ecdsa.PrivateKey }

func (s steadySigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.PrivateKey.Sign(nil, digest, opts)
}

// must returns what a call that cannot fail has returned.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func edKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func ecKey(n byte) steadySigner {
	return steadySigner{must(ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{n}, 32)))}
}

// sign makes a certificate of a template.
func (a *tlsAuthority) sign(template *x509.Certificate, key crypto.Signer) []byte {
	issuer, issuerKey := template, key
	if a != nil {
		issuer, issuerKey = a.cert, a.key
	}
	return must(x509.CreateCertificate(nil, template, issuer, key.Public(), issuerKey))
}

func newTLSAuthority(name string, serial int64, key crypto.Signer) *tlsAuthority {
	der := (*tlsAuthority)(nil).sign(&x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: epoch.AddDate(-1, 0, 0), NotAfter: epoch.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}, key)
	a := &tlsAuthority{cert: must(x509.ParseCertificate(der)), key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(a.cert)
	return a
}

// issue makes the certificate of a server or client, which is valid from one time after
// the epoch to another.
func (a *tlsAuthority) issue(serial int64, from, to time.Duration, key crypto.Signer, names ...string) *tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "leaf"}, DNSNames: names,
		NotBefore: epoch.Add(from), NotAfter: epoch.Add(to), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(names) > 1 {
		for n := range byte(6) {
			template.IPAddresses = append(template.IPAddresses, net.IPv4(10, 0, 0, n+1))
		}
	}
	der := a.sign(template, key)
	return &tls.Certificate{
		Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: must(x509.ParseCertificate(der)),
	}
}

const (
	year = 365 * 24 * time.Hour
	// How long after the epoch what is valid for a short time ends, and what is not
	// valid yet begins to be.
	shortLife, longWait = 40 * time.Minute, 30 * time.Minute
)

// tlsPKI is all that there is to show. Keys of servers and clients are of Ed25519, whose
// signatures have one length: those of ECDSA have several, and what is signed in a handshake
// depends on which ciphers the processor is good at.
type tlsPKI struct {
	trusted, other, stapled          *tlsAuthority
	good, ed, short, future, strange *tls.Certificate // of servers
	misnamed, expired                *tls.Certificate
	versions                         []*tls.Certificate // of a store, one after the other
	client, otherClient, lateClient  *tls.Certificate
}

var pki = sync.OnceValue(func() *tlsPKI {
	p := &tlsPKI{
		trusted: newTLSAuthority("trusted", 1, edKey(1)),
		other:   newTLSAuthority("other", 2, edKey(2)),
		stapled: newTLSAuthority("stapled", 3, ecKey(3)),
	}
	p.trusted.pool.AddCert(p.stapled.cert)
	p.good = p.trusted.issue(10, -year, year, edKey(10), tlsNames...)
	p.ed = p.trusted.issue(11, -year, year, edKey(11), tlsNames...)
	p.short = p.trusted.issue(12, -year, shortLife, edKey(12), tlsNames...)
	p.future = p.trusted.issue(13, longWait, year, edKey(13), tlsNames...)
	p.expired = p.trusted.issue(14, -year, -time.Hour, edKey(14), tlsNames...)
	p.strange = p.other.issue(15, -year, year, edKey(15), tlsNames...)
	p.misnamed = p.trusted.issue(16, -year, year, edKey(16), "elsewhere.test")
	for i := range int64(6) {
		p.versions = append(p.versions, p.stapled.issue(20+i, -year, year, edKey(byte(20+i)), tlsNames...))
	}
	p.client = p.trusted.issue(30, -year, year, edKey(30))
	p.otherClient = p.other.issue(31, -year, year, edKey(31))
	p.lateClient = p.trusted.issue(32, -year, -time.Hour, edKey(32))
	return p
})

// pemOf returns the files of a certificate.
func pemOf(cert *tls.Certificate) (chain, key []byte) {
	for _, der := range cert.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der := must(x509.MarshalPKCS8PrivateKey(cert.PrivateKey))
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// ocspAnswer is what the responder of the authority says about a certificate.
func (a *tlsAuthority) ocspAnswer(cert *x509.Certificate, status int, now time.Time, life time.Duration) ([]byte, error) {
	return ocsp.CreateResponse(a.cert, a.cert, ocsp.Response{
		Status: status, SerialNumber: cert.SerialNumber,
		ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(life), RevokedAt: epoch,
	}, a.key)
}
