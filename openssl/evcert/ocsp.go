package evtls

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// maxStapleAge is how long an OCSP response is good that does not say it.
const maxStapleAge = 24 * time.Hour

// VerifyStaple parses an OCSP response and checks that it says at the time now
// that cert is good, and that issuer or somebody whom issuer has authorized says
// so (RFC 6960 section 3.2). The error is ErrRevoked, ErrUnknownStatus,
// ErrStapleExpired or ErrStapleMismatch, wrapped, an ocsp.ResponseError if the
// responder does not answer the question, or that of parsing. Any goroutine may
// call it.
func VerifyStaple(response []byte, cert, issuer *x509.Certificate, now time.Time) (*ocsp.Response, error) {
	r, err := verifyStaple(response, cert, issuer, now)
	if err != nil {
		return nil, opError("verify OCSP response", err)
	}
	return r, nil
}

func verifyStaple(response []byte, cert, issuer *x509.Certificate, now time.Time) (*ocsp.Response, error) {
	r, err := ocsp.ParseResponseForCert(response, cert, issuer)
	if err != nil {
		// Signatures that are wrong and serial numbers that are others' have
		// no errors of their own there.
		if _, ok := err.(ocsp.ParseError); ok {
			return nil, fmt.Errorf("%w: %w", ErrStapleMismatch, err)
		}
		return nil, err
	}
	if err := checkResponder(r.Certificate, issuer, now); err != nil {
		return nil, err
	}
	until := stapleEnd(r)
	switch {
	case now.Before(r.ThisUpdate), !now.Before(until):
		return nil, fmt.Errorf("%w: it is from %v to %v", ErrStapleExpired, r.ThisUpdate, until)
	case r.Status == ocsp.Revoked:
		return nil, fmt.Errorf("%w since %v, reason %d", ErrRevoked, r.RevokedAt, r.RevocationReason)
	case r.Status != ocsp.Good:
		return nil, ErrUnknownStatus
	}
	return r, nil
}

// checkResponder checks that a certificate that came with a response, and that
// issuer has signed, is one for signing responses.
func checkResponder(responder, issuer *x509.Certificate, now time.Time) error {
	switch {
	case responder == nil || responder.Equal(issuer):
		return nil
	case !slices.Contains(responder.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return fmt.Errorf("%w: responder's certificate is not for OCSP", ErrStapleMismatch)
	case now.Before(responder.NotBefore), now.After(responder.NotAfter):
		return fmt.Errorf("%w: responder's certificate: %w", ErrStapleMismatch, ErrCertificateExpired)
	}
	return nil
}

// stapleEnd returns when a response stops being good.
func stapleEnd(r *ocsp.Response) time.Time {
	if r.NextUpdate.IsZero() {
		return r.ThisUpdate.Add(maxStapleAge)
	}
	return r.NextUpdate
}
