package evtls

import "errors"

// Errors about certificates that a caller may want to tell apart with errors.Is.
// What they are wrapped in names the file or the certificate.
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
	// ErrCertificateExpired is a certificate that is not valid yet or not any
	// more.
	ErrCertificateExpired = errors.New("certificate is not valid at this time")
	// ErrSource is a CertSource that makes no sense.
	ErrSource = errors.New("bad source of certificates")
	// ErrIssuing is a certificate that is not asked for because too many others
	// are at the moment.
	ErrIssuing = errors.New("too many certificates are being obtained")
	// ErrNoChallenge is a request about a challenge that we do not know.
	ErrNoChallenge = errors.New("no such challenge")

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
	// ErrStapleMismatch is an OCSP response about another certificate or by
	// somebody who may not give one.
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
