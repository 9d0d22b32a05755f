package evcert

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// VerifyStaple parses an OCSP response and checks that it says at the time now
// that cert is good, signed by issuer or by a responder that issuer has authorized
// (RFC 6960 section 3.2). The error is ErrRevoked, ErrUnknownStatus,
// ErrStapleExpired or ErrStapleMismatch, wrapped, an ocsp.ResponseError if the
// responder refuses to answer, or that of parsing. Any goroutine may
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
		// Wrong signatures and serial numbers have no errors of their own there.
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
		return fmt.Errorf("%w: responder's certificate: %w", ErrStapleMismatch, ErrExpired)
	}
	return nil
}

// stapleEnd returns the time until which a response is valid.
func stapleEnd(r *ocsp.Response) time.Time {
	if r.NextUpdate.IsZero() {
		return r.ThisUpdate.Add(maxStapleAge)
	}
	return r.NextUpdate
}
