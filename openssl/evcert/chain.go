package evcert

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// assemble makes a chain of certificates in any order: that of the key first, and
// then each one's issuer. Others are left out.
func assemble(key crypto.Signer, certs []*x509.Certificate) (*tls.Certificate, error) {
	var leaf *x509.Certificate
	for _, c := range certs {
		if matches(key, c) {
			leaf = c
			break
		}
	}
	switch {
	case len(certs) == 0:
		return nil, ErrNoCertificate
	case leaf == nil:
		return nil, ErrKeyMismatch
	}
	chain := [][]byte{leaf.Raw}
	for c := issuerOf(leaf, certs); c != nil && len(chain) <= len(certs); c = issuerOf(c, certs) {
		chain = append(chain, c.Raw)
	}
	return &tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf}, nil
}

// issuerOf returns the certificate that has signed c, or nil if it is missing or
// c itself.
func issuerOf(c *x509.Certificate, among []*x509.Certificate) *x509.Certificate {
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return nil
	}
	for _, i := range among {
		if bytes.Equal(c.RawIssuer, i.RawSubject) && c.CheckSignatureFrom(i) == nil {
			return i
		}
	}
	return nil
}

// checkTime returns ErrExpired if a certificate is not valid at a time.
func checkTime(c *x509.Certificate, now time.Time) error {
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return fmt.Errorf("%w (from %v to %v)", ErrExpired, c.NotBefore, c.NotAfter)
	}
	return nil
}

// checkReplacement returns why a certificate cannot replace another one: ErrExpired,
// or ErrIncomplete if it lacks a part of its chain, as when its file was cut off
// between two certificates. A chain is whole if it ends with an issuer that has signed
// itself, or leads to one that the system trusts; otherwise it must have what the
// chain before had.
func checkReplacement(old, next *tls.Certificate, now time.Time) error {
	if err := checkTime(next.Leaf, now); err != nil {
		return err
	}
	before, err := parseChain(old)
	if err != nil {
		return nil // any chain is better
	}
	chain, err := parseChain(next)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	if broken := brokenLink(chain); broken >= 0 && brokenLink(before) < 0 {
		return fmt.Errorf("%w: certificate %d of the chain is not signed by the one after it", ErrIncomplete, broken+1)
	}
	last := chain[len(chain)-1]
	lacks := len(chain) < len(before)
	for _, c := range before {
		lacks = lacks || signedBy(last, c)
	}
	if signedBy(last, last) || !lacks || isTrusted(chain, now) {
		return nil
	}
	return fmt.Errorf("%w: the chain of %d certificates lacks the issuer %q, and the one before had %d", ErrIncomplete, len(chain), last.Issuer, len(before))
}

// parseChain parses the certificates of a chain.
func parseChain(cert *tls.Certificate) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for _, der := range cert.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	return chain, nil
}

// brokenLink returns the index of the first certificate that is signed neither by
// the one after it nor by itself, or -1. At the end it may be signed by others,
// unless it says that it is not.
func brokenLink(chain []*x509.Certificate) int {
	for i, c := range chain {
		last := i == len(chain)-1
		switch {
		case signedBy(c, c), !last && signedBy(c, chain[i+1]):
		case last && !bytes.Equal(c.RawIssuer, c.RawSubject):
		default:
			return i
		}
	}
	return -1
}

// signedBy reports whether a certificate was signed by another one, or by itself.
func signedBy(c, by *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, by.RawSubject) && by.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// isTrusted reports whether a chain leads to an issuer that the system trusts.
func isTrusted(chain []*x509.Certificate, now time.Time) bool {
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err == nil
}
