package evtls_test

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

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
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
	const ignored, asIssued, required = evtls.StaplesIgnored, evtls.StaplesAsIssued, evtls.StaplesRequired
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
		policy evtls.StaplePolicy
		cert   *tls.Certificate
		staple []byte
		err    error
	}{
		{"nothing wanted", ignored, must, nil, nil},
		{"nothing wanted, revoked", ignored, must, a.respond(t, must.Leaf, revoked), nil},
		{"none is there, and need not be", asIssued, ordinary, nil, nil},
		{"none is there of another feature", asIssued, other, nil, nil},
		{"none is there, and must be", asIssued, must, nil, evtls.ErrNoStaple},
		{"none is there, and may have to be", asIssued, unclear, nil, evtls.ErrNoStaple},
		{"none is there, and is required", required, ordinary, nil, evtls.ErrNoStaple},
		{"good", asIssued, ordinary, a.respond(t, ordinary.Leaf, nil), nil},
		{"good, as it must be", asIssued, must, a.respond(t, must.Leaf, nil), nil},
		{"good, as is required", required, ordinary, a.respond(t, ordinary.Leaf, nil), nil},
		{"good, and the issuer is not shown", required, lonely, a.respond(t, lonely.Leaf, nil), nil},
		{"revoked", asIssued, ordinary, a.respond(t, ordinary.Leaf, revoked), evtls.ErrRevoked},
		{"revoked, required", required, ordinary, a.respond(t, ordinary.Leaf, revoked), evtls.ErrRevoked},
		{"too old", asIssued, must, a.respond(t, must.Leaf, old), evtls.ErrStapleExpired},
		{"unknown", required, ordinary, a.respond(t, ordinary.Leaf, unknown), evtls.ErrUnknownStatus},
		{"about another", required, ordinary, a.respond(t, must.Leaf, nil), evtls.ErrStapleMismatch},
		{"by a stranger", required, ordinary, stranger.respond(t, ordinary.Leaf, nil), evtls.ErrStapleMismatch},
		{"garbage", asIssued, ordinary, []byte("garbage"), errAny},
	}
	eachVersion(t, func(t *testing.T, version uint16) {
		for _, tt := range tests {
			for _, insecure := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, any certificate %v", tt.name, insecure), func(t *testing.T) {
					base := newBase(t)
					client, server := plain(version)
					client.TLS.RootCAs, client.TLS.InsecureSkipVerify = a.pool(), insecure
					client.Staples = tt.policy
					cert := *tt.cert
					cert.OCSPStaple = tt.staple
					server.TLS.Certificates = []tls.Certificate{cert}
					c, _ := newEnds(t, base, client, server, 0)
					settle(t, base)
					expected := tt.err
					if insecure && tt.cert == lonely {
						expected = evtls.ErrNoIssuer
					}
					switch {
					case expected == nil:
						c.want(t, connected)
					case expected == errAny:
						c.want(t, failure)
					default:
						errs := c.errs
						c.want(t, failure)
						wantError(t, "handshake", errs[0], expected)
					}
				})
			}
		}
	})
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
	base := newBase(t)
	client, server := plain(0)
	client.TLS.RootCAs, client.Staples = o.levels[0].pool(), evtls.StaplesAsIssued
	cert := demanding.issue(t, nil, serverName)
	for staple, err := range map[string]error{"": evtls.ErrNoStaple, string(demanding.respond(t, cert.Leaf, nil)): nil} {
		cert.OCSPStaple = []byte(staple)
		server.TLS.Certificates = []tls.Certificate{*cert}
		c, _ := newEnds(t, base, client, server, 0)
		settle(t, base)
		want(t, "connected", c.has(connected), err == nil)
		if err != nil {
			wantError(t, "handshake", c.errs[0], err)
		}
	}
}

// A session goes on with the response that it has begun with, also when that is
// not good any more, and no session goes on with one that never was.
func TestStaplesOfResumedSessions(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		a := newAuthority(t, "authority")
		cert := a.issue(t, nil, serverName)
		base := newBase(t)
		now := time.Now()
		client, server := plain(version)
		client.TLS.RootCAs, client.TLS.ClientSessionCache = a.pool(), tls.NewLRUClientSessionCache(0)
		client.TLS.Time = func() time.Time { return now }
		cert.OCSPStaple = a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.NextUpdate = time.Now().Add(10 * time.Minute) })
		server.TLS.Certificates = []tls.Certificate{*cert}
		handshake := func(policy evtls.StaplePolicy) (*end, tls.ConnectionState) {
			client.Staples = policy
			c, s := newEnds(t, base, client, server, 0)
			write(t, s.b, "x") // tickets come with it
			settle(t, base)
			state, _ := evtls.ConnectionState(c.b)
			return c, state
		}
		c, _ := handshake(evtls.StaplesRequired)
		want(t, "connected", c.has(connected), true)
		now = now.Add(30 * time.Minute)
		c, state := handshake(evtls.StaplesRequired)
		want(t, "connected again", c.has(connected), true)
		want(t, "resumed", state.DidResume, true)

		now = now.Add(-30 * time.Minute)
		client.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(0)
		server.TLS.Certificates[0].OCSPStaple = a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, time.Now() })
		c, _ = handshake(evtls.StaplesIgnored)
		want(t, "connected without a policy", c.has(connected), true)
		c, _ = handshake(evtls.StaplesAsIssued)
		want(t, "connected with a revoked certificate", c.has(connected), false)
		wantError(t, "handshake", c.errs[0], evtls.ErrRevoked)
	})
}

// The user's own function is still called, first.
func TestStaplePoliciesComeAfterTheUsersFunction(t *testing.T) {
	base := newBase(t)
	refused := errors.New("refused")
	client, server := plain(0)
	client.Staples = evtls.StaplesRequired
	client.TLS.VerifyConnection = func(tls.ConnectionState) error { return refused }
	c, _ := newEnds(t, base, client, server, 0)
	settle(t, base)
	c.want(t, failure)
	wantError(t, "handshake", c.errs[0], refused)
}

func TestStaplePoliciesThatNobodyFollowsAreRefused(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	client.Staples = evtls.StaplesRequired + 1
	server.Staples = evtls.StaplesRequired
	for state, tt := range map[evtls.State]struct {
		cfg *evtls.Config
		err error
	}{
		evtls.Connecting: {client, evtls.ErrFlags},
		evtls.Accepting:  {server, errors.ErrUnsupported},
	} {
		_, err := evtls.NewSocket(base, -1, state, tt.cfg, bufferevent.CloseOnFree)
		wantError(t, state.String(), err, tt.err)
	}
	status, err := base.Loop(event.LoopNonblock)
	ok(t, err)
	want(t, "events", status, event.LoopNoEvents)
}
