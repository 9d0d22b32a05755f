package evcert_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// features adds the extension that says which features of TLS there must be.
func features(t testing.TB, list ...int) func(c *x509.Certificate) {
	t.Helper()
	value, err := asn1.Marshal(list)
	ok(t, err)
	return func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: value}}
	}
}

// A client gets the OCSP response that its policy and the certificate demand, or
// the handshake fails and says why.
func TestStaplePolicies(t *testing.T) {
	const ignored, asIssued, required = evcert.IgnoreStaple, evcert.HonorMustStaple, evcert.RequireStaple
	a, stranger := newAuthority(t, "authority"), newAuthority(t, "authority")
	ordinary := a.issue(t, nil, serverName)
	must := a.issue(t, features(t, 5), serverName)
	other := a.issue(t, features(t, 17), serverName) // the second version, which no client of crypto/tls asks for
	unclear := a.issue(t, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{1}}}
	}, serverName)
	lonely := a.issue(t, nil, serverName) // whose issuer the client knows by itself
	lonely.Certificate = lonely.Certificate[:1]
	revoked := func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, time.Now() }
	old := func(r *ocsp.Response) { r.NextUpdate = time.Now().Add(-time.Second) }
	unknown := func(r *ocsp.Response) { r.Status = ocsp.Unknown }
	tests := []struct {
		name   string
		policy evcert.StaplePolicy
		cert   *tls.Certificate
		staple []byte
		err    error
	}{
		{"nothing wanted", ignored, must, nil, nil},
		{"nothing wanted, revoked", ignored, must, a.respond(t, must.Leaf, revoked), nil},
		{"none is there, and need not be", asIssued, ordinary, nil, nil},
		{"none is there of another feature", asIssued, other, nil, nil},
		{"none is there, and must be", asIssued, must, nil, evcert.ErrNoStaple},
		{"none is there, and may have to be", asIssued, unclear, nil, evcert.ErrNoStaple},
		{"none is there, and is required", required, ordinary, nil, evcert.ErrNoStaple},
		{"good", asIssued, ordinary, a.respond(t, ordinary.Leaf, nil), nil},
		{"good, as it must be", asIssued, must, a.respond(t, must.Leaf, nil), nil},
		{"good, as is required", required, ordinary, a.respond(t, ordinary.Leaf, nil), nil},
		{"good, and the issuer is not shown", required, lonely, a.respond(t, lonely.Leaf, nil), nil},
		{"revoked", asIssued, ordinary, a.respond(t, ordinary.Leaf, revoked), evcert.ErrRevoked},
		{"revoked, required", required, ordinary, a.respond(t, ordinary.Leaf, revoked), evcert.ErrRevoked},
		{"too old", asIssued, must, a.respond(t, must.Leaf, old), evcert.ErrStapleExpired},
		{"unknown", required, ordinary, a.respond(t, ordinary.Leaf, unknown), evcert.ErrUnknownStatus},
		{"about another", required, ordinary, a.respond(t, must.Leaf, nil), evcert.ErrStapleMismatch},
		{"by a stranger", required, ordinary, stranger.respond(t, ordinary.Leaf, nil), evcert.ErrStapleMismatch},
		{"garbage", asIssued, ordinary, []byte("garbage"), errAny},
	}
	for _, v := range tlsVersions {
		for _, tt := range tests {
			for _, insecure := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, any certificate %v", v.name, tt.name, insecure), func(t *testing.T) {
					client := tt.policy.ClientConfig(&tls.Config{
						RootCAs: a.pool(), ServerName: serverName, InsecureSkipVerify: insecure, MaxVersion: v.version,
					})
					expected := tt.err
					if insecure && tt.cert == lonely {
						expected = evcert.ErrNoIssuer
					}
					_, err := shakeHands(t, serverWith(tt.cert, tt.staple), client)
					if expected == errAny && err != nil {
						return
					}
					wantError(t, "handshake", err, expected)
				})
			}
		}
	}
}

const serverName = "server.test"

// serverWith returns the configuration of a server with a certificate and an OCSP
// response.
func serverWith(cert *tls.Certificate, staple []byte) *tls.Config {
	c := *cert
	c.OCSPStaple = staple
	return &tls.Config{Certificates: []tls.Certificate{c}}
}

// errAny stands for an error of any kind.
var errAny = errors.New("any error")

// An issuer may demand responses for all that it issues.
func TestIssuersMayDemandStaples(t *testing.T) {
	o := newOffice(t, "demanding", 1)
	demanding := o.levels[1]
	der, err := o.levels[0].sign(demanding.key.Public(), nil, func(c *x509.Certificate) {
		features(t, 5)(c)
		c.Subject = demanding.cert.Subject
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	})
	ok(t, err)
	demanding.cert, err = x509.ParseCertificate(der)
	ok(t, err)
	client := evcert.HonorMustStaple.ClientConfig(&tls.Config{RootCAs: o.levels[0].pool(), ServerName: serverName})
	cert := demanding.issue(t, nil, serverName)
	_, err = shakeHands(t, serverWith(cert, nil), client)
	wantError(t, "without a response", err, evcert.ErrNoStaple)
	_, err = shakeHands(t, serverWith(cert, demanding.respond(t, cert.Leaf, nil)), client)
	ok(t, err)
}

// A session goes on with the response that it has begun with, also when that is
// not good any more, and no session goes on with one that never was.
func TestStaplesOfResumedSessions(t *testing.T) {
	for _, v := range tlsVersions {
		t.Run(v.name, func(t *testing.T) {
			a := newAuthority(t, "authority")
			cert := a.issue(t, nil, serverName)
			now := time.Now()
			client := &tls.Config{
				RootCAs: a.pool(), ServerName: serverName, MaxVersion: v.version,
				ClientSessionCache: tls.NewLRUClientSessionCache(0), Time: func() time.Time { return now },
			}
			server := serverWith(cert, a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.NextUpdate = time.Now().Add(10 * time.Minute) }))
			state, err := shakeHands(t, server, evcert.RequireStaple.ClientConfig(client))
			ok(t, err)
			want(t, "resumed", state.DidResume, false)
			now = now.Add(30 * time.Minute)
			state, err = shakeHands(t, server, evcert.RequireStaple.ClientConfig(client))
			ok(t, err)
			want(t, "resumed", state.DidResume, true)

			now = now.Add(-30 * time.Minute)
			client.ClientSessionCache = tls.NewLRUClientSessionCache(0)
			server.Certificates[0].OCSPStaple = a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, time.Now() })
			_, err = shakeHands(t, server, evcert.IgnoreStaple.ClientConfig(client))
			ok(t, err)
			_, err = shakeHands(t, server, evcert.HonorMustStaple.ClientConfig(client))
			wantError(t, "handshake", err, evcert.ErrRevoked)
		})
	}
}

// The user's own function is still called, first.
func TestStaplePoliciesComeAfterTheUsersFunction(t *testing.T) {
	refused := errors.New("refused")
	a := newAuthority(t, "authority")
	client := evcert.RequireStaple.ClientConfig(&tls.Config{
		RootCAs: a.pool(), ServerName: serverName,
		VerifyConnection: func(tls.ConnectionState) error { return refused },
	})
	_, err := shakeHands(t, serverWith(a.issue(t, nil, serverName), nil), client)
	wantError(t, "handshake", err, refused)
}

func TestStaplePoliciesThatDoNotExistAreRefused(t *testing.T) {
	a := newAuthority(t, "authority")
	client := (evcert.RequireStaple + 1).ClientConfig(&tls.Config{RootCAs: a.pool(), ServerName: serverName})
	_, err := shakeHands(t, serverWith(a.issue(t, nil, serverName), nil), client)
	wantError(t, "handshake", err, errors.ErrUnsupported)
}

// A TLS bufferevent reports a violated policy as any other certificate that fails.
func TestStaplePolicyOfABufferevent(t *testing.T) {
	base, a := newBase(t), newAuthority(t, "authority")
	cert := a.issue(t, nil, serverName)
	good := a.respond(t, cert.Leaf, nil)
	client := evcert.RequireStaple.ClientConfig(&tls.Config{RootCAs: a.pool(), ServerName: serverName})
	for name, tt := range map[string]struct {
		staple []byte
		err    error
	}{"good": {good, nil}, "none": {nil, evcert.ErrNoStaple}} {
		addr := serveEcho(t, base, &evtls.Config{TLS: serverWith(cert, tt.staple)})
		state, err := certClient(t, base, addr, client)
		wantError(t, name, err, tt.err)
		want(t, name, len(state.OCSPResponse), len(tt.staple))
	}
}
