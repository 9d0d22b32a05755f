package evcert

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/internal/blocking"
)

// ACMEConfig says how to make an ACME.
type ACMEConfig struct {
	// Manager obtains the certificates. It needs a Prompt, and a HostPolicy:
	// otherwise any client could make it ask for certificates for any name. A
	// Cache that lasts is needed in practice. Only the ACME may use it.
	Manager *autocert.Manager

	// MaxIssuing is how many certificates may be asked for at a time; zero is
	// DefaultMaxIssuing. Handshakes that would need more fail.
	MaxIssuing int

	// OnCertificate is called on the loop when there is a new certificate for a
	// name, or with the reason why there is none. Nil logs errors.
	OnCertificate func(name string, err error)

	// Stapler, if not nil, gets OCSP responses for the certificates.
	Stapler *Stapler

	// Time returns the current time; nil is time.Now. The Manager has a clock
	// of its own.
	Time func() time.Time
}

// ACME gives a TLS server certificates that an authority issues on demand
// (RFC 8555), and renews them, by golang.org/x/crypto/acme/autocert. The authority
// checks that a name is that of the server with a handshake that TLSConfig is ready for
// (TLS-ALPN-01, RFC 8737; at port 443), or by a request that HTTPHandler answers
// (HTTP-01; at port 80).
//
// Obtaining a certificate takes seconds, and everything that waits for it runs in
// goroutines. Prepare does it before clients come. A handshake with a client that
// comes before that waits; in evtls neither loop nor workers wait with it.
//
// The methods may be called from any goroutine.
type ACME struct {
	base *event.Base
	cfg  ACMEConfig

	mu     sync.Mutex // never held while anything waits
	certs  map[acmeKey]*acmeCert
	issues map[acmeKey]*issue
	freed  bool
}

// acmeKey is the key of a certificate. The names are those that the
// Manager's HostPolicy lets pass, so there are not too many.
type acmeKey struct {
	name string
	rsa  bool // for clients without ECDSA
}

// acmeCert is a certificate in use.
type acmeCert struct {
	cert    *tls.Certificate
	staple  *Staple // or nil
	checked time.Time
}

// issue is a call of the Manager that has not returned.
type issue struct {
	done chan struct{} // closed when the fields below are set
	cert *tls.Certificate
	err  error
}

// NewACME makes an ACME. The error is event.ErrNil if there is no base, no
// Manager, or no HostPolicy in it.
func NewACME(base *event.Base, cfg *ACMEConfig) (*ACME, error) {
	const op = "new ACME"
	if base == nil || cfg == nil || cfg.Manager == nil {
		return nil, opError(op, event.ErrNil)
	}
	if cfg.Manager.HostPolicy == nil {
		return nil, opError(op, fmt.Errorf("no HostPolicy: %w", event.ErrNil))
	}
	a := &ACME{base: base, cfg: *cfg, certs: make(map[acmeKey]*acmeCert), issues: make(map[acmeKey]*issue)}
	a.cfg.setDefaults()
	return a, nil
}

// setDefaults replaces zero values by the defaults.
func (c *ACMEConfig) setDefaults() {
	if c.MaxIssuing <= 0 {
		c.MaxIssuing = DefaultMaxIssuing
	}
	if c.OnCertificate == nil {
		c.OnCertificate = logCertificate
	}
	if c.Time == nil {
		c.Time = time.Now
	}
}

// logCertificate is the default of OnCertificate.
func logCertificate(name string, err error) {
	if err != nil {
		event.Logger().Warn("evcert: certificate was not obtained", "name", name, "error", err)
	}
}

// TLSConfig returns a configuration for servers, which may be changed before it
// is used. protocols are those that clients can choose by ALPN.
func (a *ACME) TLSConfig(protocols ...string) *tls.Config {
	return &tls.Config{
		GetCertificate: a.GetCertificate,
		NextProtos:     append(slices.Clone(protocols), acme.ALPNProto),
	}
}

// HTTPHandler returns a handler that answers the requests with which the authority
// checks names (HTTP-01, RFC 8555 section 8.3), and from then on the Manager has the
// authority use them if TLS-ALPN-01 fails. A server must serve it at port 80 of each
// name. All other requests go to fallback; nil redirects GET and HEAD to https at
// port 443, and refuses the rest.
//
// An answer may be in the Manager's cache only, so the handler may wait for that: it
// is to run in a goroutine, as net/http and evnethttp do.
func (a *ACME) HTTPHandler(fallback http.Handler) http.Handler {
	return a.cfg.Manager.HTTPHandler(fallback)
}

// Prepare begins to obtain certificates for these names, unless there are some.
// OnCertificate is called with the result.
func (a *ACME) Prepare(names ...string) {
	for _, name := range names {
		name, err := cleanName(name)
		if err == nil {
			err = a.prepare(acmeKey{name: name})
		}
		if err != nil {
			a.base.Post(func() { a.cfg.OnCertificate(name, err) })
		}
	}
}

func (a *ACME) prepare(key acmeKey) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.usable(key) != nil {
		return nil
	}
	_, err := a.ask(key)
	return err
}

// Free ends renewing OCSP responses and calling OnCertificate. Handshakes may
// still use the certificates. The goroutines of autocert's Manager cannot be ended.
func (a *ACME) Free() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.freed = true
	for _, c := range a.certs {
		c.staple.Free()
	}
}

// GetCertificate is for the field of tls.Config with this name. The error is
// ErrIssuing if it would take asking for more than MaxIssuing certificates,
// ErrNoCertificate if there can be none for such a name, or that of obtaining it.
func (a *ACME) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
		return a.challenge(hello)
	}
	const op = "obtain certificate"
	name, err := cleanName(hello.ServerName)
	if err != nil {
		return nil, opError(op, err)
	}
	cert, issue, err := a.lookUp(acmeKey{name, !supportsECDSA(hello)})
	if err == nil && cert == nil {
		cert, err = awaitIssue(hello, issue)
	}
	if err != nil {
		return nil, opError(op, fmt.Errorf("%s: %w", name, err))
	}
	return cert, nil
}

// challenge returns the certificate that proves to the authority that the name is
// the server's, from the Manager's memory or cache.
func (a *ACME) challenge(hello *tls.ClientHelloInfo) (cert *tls.Certificate, err error) {
	err = blocking.Do(hello.Context(), func(context.Context) (err error) {
		cert, err = a.cfg.Manager.GetCertificate(hello)
		return err
	})
	return cert, err
}

// lookUp returns the certificate for key, or the issue to wait for.
func (a *ACME) lookUp(key acmeKey) (*tls.Certificate, *issue, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.usable(key)
	if c == nil {
		i, err := a.ask(key)
		return nil, i, err
	}
	if now := a.cfg.Time(); now.Sub(c.checked) >= recheckAfter {
		if _, err := a.ask(key); err == nil {
			c.checked = now
		}
	}
	if c.staple != nil {
		return c.staple.Certificate(), nil, nil
	}
	return c.cert, nil, nil
}

// usable returns the certificate for key if there is one that is valid.
func (a *ACME) usable(key acmeKey) *acmeCert {
	c := a.certs[key]
	if c == nil || a.cfg.Time().After(c.cert.Leaf.NotAfter) {
		return nil
	}
	return c
}

// ask starts an issue unless there is one for the key. It requires the lock.
func (a *ACME) ask(key acmeKey) (*issue, error) {
	if i := a.issues[key]; i != nil {
		return i, nil
	}
	if len(a.issues) >= a.cfg.MaxIssuing {
		return nil, fmt.Errorf("%w: %d", ErrIssuing, len(a.issues))
	}
	i := &issue{done: make(chan struct{})}
	a.issues[key] = i
	go a.issue(key, i)
	return i, nil
}

// issue obtains a certificate from the Manager and puts it into use.
func (a *ACME) issue(key acmeKey, i *issue) {
	hello := &tls.ClientHelloInfo{ServerName: key.name}
	if !key.rsa {
		hello.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	}
	i.cert, i.err = a.cfg.Manager.GetCertificate(hello)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.issues, key)
	fresh := i.err == nil && a.use(key, i.cert)
	close(i.done)
	if a.freed || i.err == nil && !fresh {
		return
	}
	a.base.Post(func() { a.cfg.OnCertificate(key.name, i.err) })
}

// use puts a certificate into use, and reports whether it is a new one. It
// requires the lock.
func (a *ACME) use(key acmeKey, cert *tls.Certificate) bool {
	old := a.certs[key]
	if old != nil {
		if sameChain(old.cert, cert) {
			return false
		}
		old.staple.Free()
	}
	c := &acmeCert{cert: cert, checked: a.cfg.Time()}
	if a.cfg.Stapler != nil && !a.freed {
		c.staple = a.cfg.Stapler.Add(cert)
	}
	a.certs[key] = c
	return true
}

// awaitIssue waits for the end of an issue, or of the handshake.
func awaitIssue(hello *tls.ClientHelloInfo, i *issue) (*tls.Certificate, error) {
	err := blocking.Do(hello.Context(), func(ctx context.Context) error {
		select {
		case <-i.done:
			return i.err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return nil, err
	}
	return i.cert, nil
}

// cleanName returns a server's name in its canonical form.
func cleanName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" {
		return "", fmt.Errorf("client asks for no name: %w", ErrNoCertificate)
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return "", fmt.Errorf("bad name %q: %w", name, ErrNoCertificate)
		}
	}
	return name, nil
}

// supportsECDSA reports whether a client supports ECDSA certificates.
func supportsECDSA(hello *tls.ClientHelloInfo) bool {
	h := *hello
	h.ServerName = ""
	return h.SupportsCertificate(&tls.Certificate{PrivateKey: p256{}}) == nil
}

// p256 stands for an ECDSA key in SupportsCertificate. It cannot sign.
type p256 struct{}

func (p256) Public() crypto.PublicKey { return &ecdsa.PublicKey{Curve: elliptic.P256()} }

func (p256) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.ErrUnsupported
}
