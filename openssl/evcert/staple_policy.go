package evtls

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
// with its certificate (RFC 6066 section 8). Clients of crypto/tls ask for one
// always.
type StaplePolicy uint8

const (
	// StaplesIgnored does not look at responses, as crypto/tls.
	StaplesIgnored StaplePolicy = iota
	// StaplesAsIssued wants a response if the certificate, or one of its issuers,
	// says that there must be one (RFC 7633, "must-staple"). One that is there must
	// be good in any case.
	StaplesAsIssued
	// StaplesRequired wants a response from each server.
	StaplesRequired
)

// String returns the policy's name.
func (p StaplePolicy) String() string {
	switch p {
	case StaplesIgnored:
		return "staples ignored"
	case StaplesAsIssued:
		return "staples as issued"
	case StaplesRequired:
		return "staples required"
	}
	return "unknown staple policy"
}

// Check reports whether a connection fulfils the policy at a time: for the field
// VerifyConnection of a tls.Config that no [Config] is made of, which has the
// policy in its field Staples. The error is ErrNoStaple, ErrNoIssuer, or that of
// [VerifyStaple]. A session that is resumed has the response of the connection
// that has begun it, however old that is by now. Any goroutine may call it.
func (p StaplePolicy) Check(state tls.ConnectionState, now time.Time) error {
	if p == StaplesIgnored {
		return nil
	}
	if err := p.check(&state, now); err != nil {
		return opError("check OCSP response", err)
	}
	return nil
}

func (p StaplePolicy) check(state *tls.ConnectionState, now time.Time) error {
	chain := state.PeerCertificates
	if len(state.VerifiedChains) > 0 {
		chain = state.VerifiedChains[0]
	}
	if len(chain) == 0 {
		return ErrNoCertificate
	}
	if len(state.OCSPResponse) == 0 {
		if p == StaplesRequired || slices.ContainsFunc(chain, mustStaple) {
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
// with it. What cannot be understood may say so.
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

// clientTLS returns the configuration of a client's connection: the user's, with
// the policy in it.
func (cfg *Config) clientTLS() *tls.Config {
	if cfg.Staples == StaplesIgnored {
		return cfg.TLS
	}
	c, policy := cfg.TLS.Clone(), cfg.Staples
	verify, now := c.VerifyConnection, c.Time
	if now == nil {
		now = time.Now
	}
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if verify != nil {
			if err := verify(state); err != nil {
				return err
			}
		}
		return policy.Check(state, now())
	}
	return c
}

// checkStaples reports a policy that does not exist, or that nobody would follow:
// servers of crypto/tls get no responses from clients.
func (cfg *Config) checkStaples(state State) error {
	switch {
	case cfg.Staples > StaplesRequired:
		return fmt.Errorf("%v: %w", cfg.Staples, ErrFlags)
	case cfg.Staples != StaplesIgnored && state != Connecting:
		return fmt.Errorf("%v, %v: %w", state, cfg.Staples, errors.ErrUnsupported)
	}
	return nil
}
