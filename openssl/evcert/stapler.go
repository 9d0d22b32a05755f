package evcert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// A StapleFetcher gets an OCSP response about cert. It is called in a goroutine of
// its own, and should return when ctx is done.
type StapleFetcher func(ctx context.Context, cert, issuer *x509.Certificate) ([]byte, error)

// StaplerConfig says how to make a Stapler. Its zero value has all defaults.
type StaplerConfig struct {
	// Fetch gets the responses; nil is FetchStaple. FetchStapleBy is for another client
	// than net/http's default one.
	Fetch StapleFetcher

	// FetchTimeout bounds one call of Fetch; zero is DefaultFetchTimeout.
	FetchTimeout time.Duration

	// MinRetry is the time from one failure to the next attempt. It doubles
	// with each failure in a row, up to MaxRetry. Zero is DefaultMinRetry and
	// DefaultMaxRetry.
	MinRetry, MaxRetry time.Duration

	// OnUpdate is called on the loop when there is a new response, or with the
	// reason why there is none. Nil logs errors.
	OnUpdate func(cert *x509.Certificate, err error)

	// Time returns the current time; nil is time.Now.
	Time func() time.Time
}

// A Stapler gets OCSP responses for certificates and keeps them fresh, so that
// clients find them in the handshake (RFC 6066 section 8) and need not ask. Only
// those that say that the certificate is good are used, and only as long as they
// are valid: a handshake without one is better than one with a bad one. Halfway
// through its time a response is fetched anew.
//
// Responses are fetched and verified in goroutines: the loop never waits. The
// timers keep the loop running until all staples are freed.
type Stapler struct {
	base     *event.Base
	cfg      StaplerConfig
	schedule func(s *Staple, d time.Duration) // fetches again after d; a variable for tests
}

// NewStapler makes a Stapler; cfg may be nil. The error is event.ErrNil if there is
// no base.
func NewStapler(base *event.Base, cfg *StaplerConfig) (*Stapler, error) {
	if base == nil {
		return nil, opError("new stapler", event.ErrNil)
	}
	s := &Stapler{base: base, schedule: func(s *Staple, d time.Duration) { s.timer.AddTimeout(d) }}
	if cfg != nil {
		s.cfg = *cfg
	}
	s.cfg.setDefaults()
	return s, nil
}

// setDefaults replaces zero values by the defaults.
func (c *StaplerConfig) setDefaults() {
	if c.Fetch == nil {
		c.Fetch = FetchStaple
	}
	if c.FetchTimeout <= 0 {
		c.FetchTimeout = DefaultFetchTimeout
	}
	if c.MinRetry <= 0 {
		c.MinRetry = DefaultMinRetry
	}
	if c.MaxRetry <= 0 {
		c.MaxRetry = max(DefaultMaxRetry, c.MinRetry)
	}
	if c.OnUpdate == nil {
		c.OnUpdate = logUpdate
	}
	if c.Time == nil {
		c.Time = time.Now
	}
}

// logUpdate is the default of OnUpdate. That a certificate names no responder is
// usual, and not logged.
func logUpdate(cert *x509.Certificate, err error) {
	if err != nil && !errors.Is(err, ErrNoResponder) {
		event.Logger().Warn("evcert: no OCSP response", "certificate", cert.Subject.String(), "error", err)
	}
}

// A Staple is a certificate with an OCSP response, when there is one.
type Staple struct {
	stapler *Stapler
	plain   *tls.Certificate
	leaf    *x509.Certificate
	issuer  *x509.Certificate
	chain   error // why issuer is nil
	state   atomic.Pointer[stapled]
	freed   atomic.Bool

	// What follows is the loop's.
	timer    event.Event
	cancel   context.CancelFunc // of a fetch, or nil
	failures int                // in a row
}

// stapled is a certificate with a response. It is immutable.
type stapled struct {
	cert  *tls.Certificate
	until time.Time
}

// Add begins to get responses for a certificate, whose chain must have its
// issuer. Any goroutine may call it.
func (st *Stapler) Add(cert *tls.Certificate) *Staple {
	s := &Staple{stapler: st, plain: cert, leaf: cert.Leaf}
	if s.chain = s.parseChain(); s.leaf == nil {
		s.leaf = new(x509.Certificate) // for OnUpdate
	}
	st.base.Post(s.begin)
	return s
}

// parseChain sets the certificates that verifying needs.
func (s *Staple) parseChain() (err error) {
	chain := s.plain.Certificate
	if s.leaf == nil && len(chain) > 0 {
		if s.leaf, err = x509.ParseCertificate(chain[0]); err != nil {
			return err
		}
	}
	if len(chain) < 2 {
		return ErrNoIssuer
	}
	s.issuer, err = x509.ParseCertificate(chain[1])
	return err
}

// Certificate returns the certificate, with a response if there is one that is
// valid now. Any goroutine may call it.
func (s *Staple) Certificate() *tls.Certificate {
	if st := s.state.Load(); st != nil && s.stapler.cfg.Time().Before(st.until) {
		return st.cert
	}
	return s.plain
}

// Free ends getting responses. The last response is used as long as it is valid. Any goroutine may call it, more than once, and for nil.
func (s *Staple) Free() {
	if s != nil && !s.freed.Swap(true) {
		s.stapler.base.Post(s.end)
	}
}

func (s *Staple) end() {
	s.timer.Free()
	if s.cancel != nil {
		s.cancel()
	}
}

func (s *Staple) begin() {
	if s.freed.Load() {
		return
	}
	if err := s.timer.Assign(s.stapler.base, -1, 0, s.onTimer); err != nil {
		s.stapler.cfg.OnUpdate(s.leaf, opError("staple", err))
		return
	}
	if s.chain != nil {
		s.stapler.cfg.OnUpdate(s.leaf, opError("staple", s.chain))
		return
	}
	s.fetch()
}

func (s *Staple) onTimer(*event.Event, event.What) { s.fetch() }

// fetch gets a response in another goroutine.
func (s *Staple) fetch() {
	st := s.stapler
	if st.cfg.Time().After(s.leaf.NotAfter) {
		return // no client accepts the certificate any more
	}
	ctx, cancel := context.WithTimeout(context.Background(), st.cfg.FetchTimeout)
	s.cancel = cancel
	st.base.AddVirtual()
	go func() {
		state, again, err := s.get(ctx)
		cancel()
		st.base.Post(func() { s.fetched(state, again, err) })
	}()
}

// get returns a verified response, and after what time to get the next one.
func (s *Staple) get(ctx context.Context) (*stapled, time.Duration, error) {
	cfg := &s.stapler.cfg
	raw, err := cfg.Fetch(ctx, s.leaf, s.issuer)
	if err != nil {
		return nil, 0, err
	}
	now := cfg.Time()
	r, err := VerifyStaple(raw, s.leaf, s.issuer, now)
	if err != nil {
		return nil, 0, err
	}
	cert := *s.plain
	cert.OCSPStaple = raw
	until := stapleEnd(r)
	again := r.ThisUpdate.Add(until.Sub(r.ThisUpdate) / 2).Sub(now)
	return &stapled{&cert, until}, max(again, cfg.MinRetry), nil
}

// fetched puts the result of get into use, on the loop.
func (s *Staple) fetched(state *stapled, again time.Duration, err error) {
	st := s.stapler
	st.base.DelVirtual()
	s.cancel = nil
	if s.freed.Load() {
		return
	}
	switch {
	case err == nil:
		s.failures = 0
		s.state.Store(state)
	case errors.Is(err, ErrRevoked):
		s.state.Store(nil) // the last response is outdated
		again = st.cfg.MaxRetry
	case errors.Is(err, ErrNoResponder):
		again = 0
	default:
		again = st.cfg.retry(s.failures)
		s.failures++
	}
	if again > 0 {
		st.schedule(s, again)
	}
	st.cfg.OnUpdate(s.leaf, err)
}

// retry returns the time to the next attempt, after a failure and so many before it.
func (c *StaplerConfig) retry(before int) time.Duration {
	d := c.MinRetry
	for ; before > 0 && d < c.MaxRetry; before-- {
		d *= 2
	}
	return min(d, c.MaxRetry)
}
