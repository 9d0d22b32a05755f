package evtls

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

const (
	// DefaultMaxIssuing is how many certificates are obtained at a time if
	// nothing else is said.
	DefaultMaxIssuing = 16
	// recheckAfter is how long an autocert.Manager is not asked whether it
	// has renewed a certificate. It begins with that weeks ahead.
	recheckAfter = time.Minute
)

// ACMEConfig says how to make an ACME.
type ACMEConfig struct {
	// Manager obtains the certificates. It needs a Prompt, and a HostPolicy:
	// otherwise anybody could make it ask for certificates for any name. A
	// Cache that lasts is as good as necessary. ACME has it to itself.
	Manager *autocert.Manager

	// MaxIssuing is how many names may be asked about at a time; zero is
	// DefaultMaxIssuing. Handshakes that would need more fail.
	MaxIssuing int

	// OnCertificate is told on the loop that there is a new certificate for a
	// name, or why there is none. Nil logs errors with log/slog.
	OnCertificate func(name string, err error)

	// Stapler, if not nil, gets OCSP responses for the certificates.
	Stapler *Stapler

	// Time returns the current time; nil is time.Now. The Manager has a clock
	// of its own.
	Time func() time.Time
}

// ACME gives a TLS server certificates that an authority issues on demand
// (RFC 8555), and renews them, by way of golang.org/x/crypto/acme/autocert. The
// authority checks that a name is ours with a handshake that TLSConfig is ready
// for (TLS-ALPN-01, RFC 8737; at port 443), or by a request that HTTPChallenges
// answers (HTTP-01; at port 80).
//
// Obtaining a certificate takes seconds, and whatever waits for it runs in
// goroutines. Prepare does it before clients come. A handshake with a client that
// comes before waits, and neither loop nor workers with it (see Wait).
//
// The methods may be called from any goroutine.
type ACME struct {
	base *event.Base
	cfg  ACMEConfig

	mu     sync.Mutex // held for moments
	certs  map[acmeKey]*acmeCert
	issues map[acmeKey]*issue
	freed  bool
}

// acmeKey is what there is a certificate for. The names are those that the
// Manager's HostPolicy lets pass, so there are not too many.
type acmeKey struct {
	name string
	rsa  bool // for clients that cannot do with ECDSA
}

// acmeCert is a certificate in use.
type acmeCert struct {
	cert    *tls.Certificate
	staple  *Staple // or nil
	checked time.Time
}

// issue is a question to the Manager that is being answered.
type issue struct {
	done chan struct{} // closed when the rest is set
	cert *tls.Certificate
	err  error
}

// NewACME makes an ACME. The error is bufferevent.ErrNil if there is no base, no
// Manager, or no HostPolicy in it.
func NewACME(base *event.Base, cfg *ACMEConfig) (*ACME, error) {
	const op = "new ACME"
	if base == nil || cfg == nil || cfg.Manager == nil {
		return nil, opError(op, bufferevent.ErrNil)
	}
	if cfg.Manager.HostPolicy == nil {
		return nil, opError(op, fmt.Errorf("no HostPolicy: %w", bufferevent.ErrNil))
	}
	a := &ACME{base: base, cfg: *cfg, certs: make(map[acmeKey]*acmeCert), issues: make(map[acmeKey]*issue)}
	c := &a.cfg
	if c.MaxIssuing <= 0 {
		c.MaxIssuing = DefaultMaxIssuing
	}
	if c.OnCertificate == nil {
		c.OnCertificate = logCertificate
	}
	if c.Time == nil {
		c.Time = time.Now
	}
	return a, nil
}

// logCertificate is what is done if there is no OnCertificate.
func logCertificate(name string, err error) {
	if err != nil {
		slog.Warn("evtls: certificate was not obtained", "name", name, "error", err)
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

// Prepare begins to obtain certificates for these names, unless they are there.
// OnCertificate is told how that ends.
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

// Free ends renewing OCSP responses, and telling OnCertificate. Handshakes may
// still use the certificates. autocert's Manager has no end.
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
// ErrNoCertificate if there can be none for such a name, or what obtaining it has
// failed with.
func (a *ACME) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
		return a.challenge(hello)
	}
	name, err := cleanName(hello.ServerName)
	if err != nil {
		return nil, opError("ACME", err)
	}
	cert, issue, err := a.lookUp(acmeKey{name, !supportsECDSA(hello)})
	if err == nil && cert == nil {
		cert, err = awaitIssue(hello, issue)
	}
	if err != nil {
		return nil, opError("ACME", fmt.Errorf("certificate of %s: %w", name, err))
	}
	return cert, nil
}

// challenge returns the certificate that proves to the authority that the name
// is ours. The Manager looks it up in memory, and in its cache.
func (a *ACME) challenge(hello *tls.ClientHelloInfo) (cert *tls.Certificate, err error) {
	err = Wait(hello.Context(), func(context.Context) (err error) {
		cert, err = a.cfg.Manager.GetCertificate(hello)
		return err
	})
	return cert, err
}

// lookUp returns the certificate for key, or the answer to wait for.
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

// ask asks the Manager for a certificate, unless somebody does already. It
// requires the lock.
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

// issue gets the answer.
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

// awaitIssue waits for an answer.
func awaitIssue(hello *tls.ClientHelloInfo, i *issue) (*tls.Certificate, error) {
	err := Wait(hello.Context(), func(ctx context.Context) error {
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

// cleanName returns a server's name in the form in which there is one of it.
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

// supportsECDSA reports whether a client can do with an ECDSA certificate.
func supportsECDSA(hello *tls.ClientHelloInfo) bool {
	h := *hello
	h.ServerName = ""
	return h.SupportsCertificate(&tls.Certificate{PrivateKey: p256{}}) == nil
}

// p256 has the properties of an ECDSA key, but is none.
type p256 struct{}

func (p256) Public() crypto.PublicKey { return &ecdsa.PublicKey{Curve: elliptic.P256()} }

func (p256) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// HTTPChallenges listens at addr, which the authority must reach as port 80 of
// each name, and answers its requests. cfg says what to do about all others, and
// may be nil; its Answer is ignored. From then on the Manager has the authority
// use HTTP-01 if TLS-ALPN-01 fails. The loop's goroutine must call it.
func (a *ACME) HTTPChallenges(addr netip.AddrPort, cfg *ChallengeConfig) (*ChallengeServer, error) {
	var c ChallengeConfig
	if cfg != nil {
		c = *cfg
	}
	handler := a.cfg.Manager.HTTPHandler(http.NotFoundHandler())
	c.Answer = func(ctx context.Context, host, path string) ([]byte, error) {
		r := (&http.Request{Method: http.MethodGet, Host: host, URL: &url.URL{Path: path}}).WithContext(ctx)
		w := responseRecorder{header: make(http.Header)}
		handler.ServeHTTP(&w, r)
		if w.status != 0 && w.status != http.StatusOK {
			return nil, fmt.Errorf("challenge of %s: %s: %w", host, bytes.TrimSpace(w.body.Bytes()), ErrNoChallenge)
		}
		return w.body.Bytes(), nil
	}
	return NewChallengeServer(a.base, addr, &c)
}

// responseRecorder keeps what autocert's handler answers.
type responseRecorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *responseRecorder) Header() http.Header         { return w.header }
func (w *responseRecorder) WriteHeader(status int)      { w.status = status }
func (w *responseRecorder) Write(p []byte) (int, error) { return w.body.Write(p) }
