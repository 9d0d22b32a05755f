package evcert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// A StaplePolicy is what a client demands of the OCSP response that a server shows
// with its certificate (RFC 6066 section 8). Clients of crypto/tls always ask for
// one, and accept any.
type StaplePolicy uint8

const (
	// IgnoreStaple does not check responses, as crypto/tls.
	IgnoreStaple StaplePolicy = iota
	// HonorMustStaple demands a response if the certificate or one of its issuers
	// says that there must be one (RFC 7633, "must-staple"). A response that comes
	// without that must be good as well.
	HonorMustStaple
	// RequireStaple demands a response from each server.
	RequireStaple
)

// String returns the policy's name.
func (p StaplePolicy) String() string {
	switch p {
	case IgnoreStaple:
		return "ignore staple"
	case HonorMustStaple:
		return "honor must-staple"
	case RequireStaple:
		return "require staple"
	}
	return fmt.Sprintf("staple policy %d", uint8(p))
}

// ClientConfig returns a copy of a client's configuration with which a handshake
// fails unless the server fulfils the policy: its VerifyConnection calls that of cfg,
// if there is one, and then Check, with the time of cfg. It serves evtls as well as
// net/http.
func (p StaplePolicy) ClientConfig(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	verify, now := cfg.VerifyConnection, cfg.Time
	if now == nil {
		now = time.Now
	}
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		if verify != nil {
			if err := verify(state); err != nil {
				return err
			}
		}
		return p.Check(state, now())
	}
	return cfg
}

// Check reports whether a client's connection fulfils the policy at a time. The error
// is ErrNoStaple, ErrNoIssuer, that of [VerifyStaple], or errors.ErrUnsupported for a
// policy that does not exist. A session that is resumed has the response of the
// connection that has begun it, however old that is by now. Any goroutine may call
// it.
func (p StaplePolicy) Check(state tls.ConnectionState, now time.Time) error {
	if err := p.check(&state, now); err != nil {
		return opError("check OCSP response", err)
	}
	return nil
}

func (p StaplePolicy) check(state *tls.ConnectionState, now time.Time) error {
	switch {
	case p == IgnoreStaple:
		return nil
	case p > RequireStaple:
		return fmt.Errorf("%v: %w", p, errors.ErrUnsupported)
	}
	chain := state.PeerCertificates
	if len(state.VerifiedChains) > 0 {
		chain = state.VerifiedChains[0]
	}
	if len(chain) == 0 {
		return ErrNoCertificate
	}
	if len(state.OCSPResponse) == 0 {
		if p == RequireStaple || slices.ContainsFunc(chain, mustStaple) {
			return fmt.Errorf("%w with the certificate of %q", ErrNoStaple, chain[0].Subject)
		}
		return nil
	}
	leaf, issuer := chain[0], chain[min(1, len(chain)-1)]
	if !signedBy(leaf, issuer) {
		return ErrNoIssuer
	}
	if state.DidResume {
		r, err := ocsp.ParseResponseForCert(state.OCSPResponse, leaf, issuer)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrStapleMismatch, err)
		}
		now = r.ThisUpdate
	}
	_, err := verifyStaple(state.OCSPResponse, leaf, issuer, now)
	return err
}

// The extension that says which features of TLS a server must offer (RFC 7633
// section 6), and the number of the one that is about OCSP responses.
var oidTLSFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

const featureStatusRequest = 5

// mustStaple reports whether a certificate says that an OCSP response must come
// with it. An extension that cannot be parsed counts as one that says so.
func mustStaple(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidTLSFeature) {
			continue
		}
		var features []int
		if err := unmarshal(e.Value, &features); err != nil || slices.Contains(features, featureStatusRequest) {
			return true
		}
	}
	return false
}
