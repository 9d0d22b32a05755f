package evcert

import (
	"errors"
	"fmt"
)

// Errors of loading and choosing certificates, for errors.Is. What wraps them names
// the file or the certificate.
var (
	// ErrNoCertificate is a file without a certificate or without its key, or
	// a name for which there is no certificate.
	ErrNoCertificate = errors.New("no certificate")
	// ErrIncomplete is a file that was not written to its end, or a chain that
	// lacks certificates which the one before had.
	ErrIncomplete = errors.New("file or chain is not complete")
	// ErrKeyMismatch is a key that belongs to none of the certificates.
	ErrKeyMismatch = errors.New("key belongs to none of the certificates")
	// ErrPassword is a password that does not open a file, or the lack of one.
	ErrPassword = errors.New("wrong or missing password")
	// ErrEncryption is a file that is encrypted in a way that is not
	// supported; it is an errors.ErrUnsupported, too.
	ErrEncryption error = unsupportedEncryption{}
	// ErrExpired is a certificate that is not valid yet or not any more.
	ErrExpired = errors.New("certificate is not valid at this time")
	// ErrSource is a Source that contradicts itself.
	ErrSource = errors.New("bad source of certificates")
	// ErrIssuing is a certificate that is not asked for because too many others
	// are being obtained (ACMEConfig.MaxIssuing).
	ErrIssuing = errors.New("too many certificates are being obtained")
)

// Errors of OCSP.
var (
	// ErrNoIssuer is a certificate chain without the issuer of its first
	// certificate, which OCSP needs.
	ErrNoIssuer = errors.New("chain lacks the issuer")
	// ErrNoResponder is a certificate that names no OCSP responder.
	ErrNoResponder = errors.New("certificate names no OCSP responder")
	// ErrNoStaple is a server that shows no OCSP response where there must be one.
	ErrNoStaple = errors.New("no OCSP response")
	// ErrStapleExpired is an OCSP response that is not valid yet or not any
	// more.
	ErrStapleExpired = errors.New("OCSP response is not valid at this time")
	// ErrStapleMismatch is an OCSP response about another certificate, or signed
	// by a key that is not authorized to.
	ErrStapleMismatch = errors.New("OCSP response is not one for this certificate")
	// ErrRevoked is a certificate that its issuer has revoked.
	ErrRevoked = errors.New("certificate is revoked")
	// ErrUnknownStatus is a certificate that the responder does not know.
	ErrUnknownStatus = errors.New("OCSP responder does not know the certificate")
)

// unsupportedEncryption is the type of ErrEncryption.
type unsupportedEncryption struct{}

func (unsupportedEncryption) Error() string        { return "unsupported encryption" }
func (unsupportedEncryption) Is(target error) bool { return target == errors.ErrUnsupported }

// opError says which operation of this package an error is of.
func opError(op string, err error) error { return fmt.Errorf("evcert: %s: %w", op, err) }
