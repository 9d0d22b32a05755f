package evcert_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// respond returns an authority's OCSP response, good for an hour unless change
// says something else.
func (a *authority) respond(t testing.TB, leaf *x509.Certificate, change func(*ocsp.Response)) []byte {
	t.Helper()
	return respondAs(t, a.cert, a.cert, a.key, leaf, change)
}

func respondAs(t testing.TB, issuer, responder *x509.Certificate, key crypto.Signer, leaf *x509.Certificate, change func(*ocsp.Response)) []byte {
	t.Helper()
	template := ocsp.Response{
		Status: ocsp.Good, SerialNumber: leaf.SerialNumber,
		ThisUpdate: time.Now().Add(-time.Minute).Truncate(time.Second), NextUpdate: time.Now().Add(time.Hour).Truncate(time.Second),
	}
	if change != nil {
		change(&template)
	}
	raw, err := ocsp.CreateResponse(issuer, responder, template, key)
	ok(t, err)
	return raw
}

func TestVerifyStaple(t *testing.T) {
	a, stranger := newAuthority(t, "authority"), newAuthority(t, "authority")
	cert, other := a.issue(t, nil, "x.test"), a.issue(t, nil, "y.test")
	delegate := func(change func(*x509.Certificate)) []byte {
		d := a.issue(t, change, "responder")
		d.Leaf.Raw = d.Certificate[0]
		raw := ocsp.Response{
			Status: ocsp.Good, SerialNumber: cert.Leaf.SerialNumber, Certificate: d.Leaf,
			ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
		}
		der, err := ocsp.CreateResponse(a.cert, d.Leaf, raw, d.PrivateKey.(crypto.Signer))
		ok(t, err)
		return der
	}
	forOCSP := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning} }
	good := a.respond(t, cert.Leaf, nil)
	tests := []struct {
		name string
		raw  []byte
		err  error
	}{
		{"good", good, nil},
		{"good without an end", a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.NextUpdate = time.Time{} }), nil},
		{"by somebody authorized", delegate(forOCSP), nil},
		{"by somebody not authorized", delegate(nil), evcert.ErrStapleMismatch},
		{"by somebody whose time is over", delegate(func(c *x509.Certificate) {
			forOCSP(c)
			c.NotAfter = time.Now().Add(-time.Second)
		}), evcert.ErrStapleMismatch},
		{"by a stranger", stranger.respond(t, cert.Leaf, nil), evcert.ErrStapleMismatch},
		{"about another certificate", a.respond(t, other.Leaf, nil), evcert.ErrStapleMismatch},
		{"revoked", a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, time.Now() }), evcert.ErrRevoked},
		{"unknown", a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.Status = ocsp.Unknown }), evcert.ErrUnknownStatus},
		{"too old", a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.NextUpdate = time.Now().Add(-time.Second) }), evcert.ErrStapleExpired},
		{"too old, without an end", a.respond(t, cert.Leaf, func(r *ocsp.Response) {
			r.NextUpdate, r.ThisUpdate = time.Time{}, time.Now().Add(-25*time.Hour)
		}), evcert.ErrStapleExpired},
		{"from the future", a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.ThisUpdate = time.Now().Add(time.Minute) }), evcert.ErrStapleExpired},
		{"a changed byte", append(append([]byte{}, good[:len(good)-1]...), good[len(good)-1]^1), evcert.ErrStapleMismatch},
		{"no answer", ocsp.TryLaterErrorResponse, ocsp.ResponseError{Status: ocsp.TryLater}},
	}
	for _, tt := range tests {
		r, err := evcert.VerifyStaple(tt.raw, cert.Leaf, a.cert, time.Now())
		if !errors.Is(err, tt.err) || (r == nil) == (err == nil) {
			t.Errorf("%s: got %v, error %v, want %v", tt.name, r != nil, err, tt.err)
		}
	}
	for n := range good {
		if _, err := evcert.VerifyStaple(good[:n], cert.Leaf, a.cert, time.Now()); err == nil {
			t.Errorf("no error when cut after %d bytes", n)
		}
	}
}

// stapleStep is what a fetch gives, and what must come of it.
type stapleStep struct {
	name    string
	advance time.Duration // of the clock, before
	raw     []byte
	err     error
	wantErr error
	rest    time.Duration
	stapled bool // after the step
}

func TestStaplerRenewsAndBacksOff(t *testing.T) {
	a := newAuthority(t, "authority")
	cert := a.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(100 * time.Hour) }, "x.test")
	start := time.Now().Truncate(time.Second)
	now := start
	response := func(from, to time.Duration) []byte {
		return a.respond(t, cert.Leaf, func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = start.Add(from), start.Add(to) })
	}
	revoked := a.respond(t, cert.Leaf, func(r *ocsp.Response) {
		r.Status, r.RevokedAt, r.ThisUpdate, r.NextUpdate = ocsp.Revoked, start, start, start.Add(100*time.Hour)
	})
	down := errors.New("down")
	steps := []stapleStep{
		{"a failure", 0, nil, down, down, time.Minute, false},
		{"another", 0, nil, down, down, 2 * time.Minute, false},
		{"a stale one", 0, response(-2*time.Hour, -time.Hour), nil, evcert.ErrStapleExpired, 4 * time.Minute, false},
		{"success", 0, response(-time.Hour, 7*time.Hour), nil, nil, 3 * time.Hour, true},
		{"a failure while it is good", 3 * time.Hour, nil, down, down, time.Minute, true},
		{"a failure when it is not any more", 4 * time.Hour, nil, down, down, 2 * time.Minute, false},
		{"one that is nearly over", 0, response(0, 7*time.Hour+time.Minute), nil, nil, time.Minute, true},
		{"a fresh one", 0, response(7*time.Hour, 9*time.Hour), nil, nil, time.Hour, true},
		{"revoked", 0, revoked, nil, evcert.ErrRevoked, 5 * time.Minute, false},
		{"good again", 0, response(7*time.Hour, 9*time.Hour), nil, nil, time.Hour, true},
		{"four failures: 1", 0, nil, down, down, time.Minute, true},
		{"four failures: 2", 0, nil, down, down, 2 * time.Minute, true},
		{"four failures: 3", 0, nil, down, down, 4 * time.Minute, true},
		{"four failures: 4", 0, nil, down, down, 5 * time.Minute, true},
		{"no responder", 0, nil, evcert.ErrNoResponder, evcert.ErrNoResponder, 0, true},
	}
	base := newBase(t)
	i := 0
	var rest time.Duration
	st, err := evcert.NewStapler(base, &evcert.StaplerConfig{
		MinRetry: time.Minute, MaxRetry: 5 * time.Minute,
		Time: func() time.Time { return now },
		Fetch: func(context.Context, *x509.Certificate, *x509.Certificate) ([]byte, error) {
			return steps[i].raw, steps[i].err
		},
		OnUpdate: func(leaf *x509.Certificate, err error) {
			if leaf != cert.Leaf || !errors.Is(err, steps[i].wantErr) {
				t.Errorf("%s: told %v, %v", steps[i].name, leaf.Subject, err)
			}
		},
	})
	ok(t, err)
	st.OnSchedule(func(_ *evcert.Staple, d time.Duration) { rest = d })
	now = now.Add(steps[0].advance)
	s := st.Add(cert)
	for i = range steps {
		step := steps[i]
		rest = 0
		if i > 0 {
			now = now.Add(step.advance)
			s.Fetch()
		}
		ok(t, base.Dispatch()) // until the answer is there
		if rest != step.rest {
			t.Errorf("%s: rests for %v, want %v", step.name, rest, step.rest)
		}
		c := s.Certificate()
		if (c.OCSPStaple != nil) != step.stapled || &c.Certificate[0][0] != &cert.Certificate[0][0] {
			t.Errorf("%s: staple of %d bytes", step.name, len(c.OCSPStaple))
		}
	}
	now = now.Add(200 * time.Hour)
	rest = 0
	s.Fetch()
	if status, _ := base.Loop(event.LoopNonblock); status != event.LoopNoEvents || rest != 0 {
		t.Error("fetches for a certificate that is over")
	}
	s.Free()
	s.Free()
	ok(t, base.Dispatch())
}

func TestStapleOfChainWithoutIssuer(t *testing.T) {
	base := newBase(t)
	var told error
	st, err := evcert.NewStapler(base, &evcert.StaplerConfig{OnUpdate: func(_ *x509.Certificate, err error) { told = err }})
	ok(t, err)
	alone := *newAuthority(t, "unknown").issue(t, nil, "localhost")
	alone.Certificate = alone.Certificate[:1]
	tests := []struct {
		name string
		cert tls.Certificate
		err  error
	}{
		{"no issuer", alone, evcert.ErrNoIssuer},
		{"no certificate", tls.Certificate{}, evcert.ErrNoIssuer},
	}
	for _, tt := range tests {
		s := st.Add(&tt.cert)
		ok(t, base.Dispatch())
		if !errors.Is(told, tt.err) || s.Certificate() != &tt.cert {
			t.Errorf("%s: told %v", tt.name, told)
		}
		s.Free()
		ok(t, base.Dispatch())
	}
}

func TestFreedStapleEndsItsFetch(t *testing.T) {
	base, a := newBase(t), newAuthority(t, "authority")
	begun := make(chan struct{})
	st, err := evcert.NewStapler(base, &evcert.StaplerConfig{
		Fetch: func(ctx context.Context, _, _ *x509.Certificate) ([]byte, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		},
		OnUpdate: func(_ *x509.Certificate, err error) { t.Errorf("told %v after Free", err) },
	})
	ok(t, err)
	s := st.Add(a.issue(t, nil, "x.test"))
	go func() {
		<-begun
		s.Free()
	}()
	ok(t, base.Dispatch()) // ends when nothing is left
}

// responder is an OCSP responder over HTTP. It answers what answer returns.
func responder(t *testing.T, answer func(r *http.Request, request *ocsp.Request) (int, []byte)) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw []byte
		if r.Method == http.MethodGet {
			text, _ := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/ocsp/"))
			raw, _ = base64.StdEncoding.DecodeString(text)
		} else {
			raw, _ = io.ReadAll(r.Body)
		}
		request, err := ocsp.ParseRequest(raw)
		if err != nil {
			t.Errorf("%s request: %v", r.Method, err)
			return
		}
		status, body := answer(r, request)
		w.WriteHeader(status)
		w.Write(body)
	}))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	return server.URL + "/ocsp"
}

func TestFetchStaple(t *testing.T) {
	a := newAuthority(t, "authority")
	var answer func(r *http.Request) (int, []byte)
	url := responder(t, func(r *http.Request, _ *ocsp.Request) (int, []byte) { return answer(r) })
	cert := a.issue(t, func(c *x509.Certificate) { c.OCSPServer = []string{"http://127.0.0.1:1/", url} }, "x.test")
	long := a.issue(t, func(c *x509.Certificate) { c.OCSPServer = []string{url + "?" + strings.Repeat("x", 300)} }, "x.test")
	good := a.respond(t, cert.Leaf, nil)
	only := func(method string) func(r *http.Request) (int, []byte) {
		return func(r *http.Request) (int, []byte) {
			if r.Method != method {
				return http.StatusMethodNotAllowed, nil
			}
			return http.StatusOK, good
		}
	}
	tests := []struct {
		name   string
		cert   *tls.Certificate
		answer func(r *http.Request) (int, []byte)
		fails  string
	}{
		{"by GET, from the second responder", cert, only(http.MethodGet), ""},
		{"by POST, when GET is refused", cert, only(http.MethodPost), ""},
		{"by POST, when the address is long", long, only(http.MethodPost), ""},
		{"refused", cert, only(http.MethodPut), "405"},
		{"too long", cert, func(*http.Request) (int, []byte) { return http.StatusOK, make([]byte, 1<<20) }, "longer"},
		{"no responder", a.issue(t, nil, "x.test"), nil, evcert.ErrNoResponder.Error()},
	}
	for _, tt := range tests {
		answer = tt.answer
		raw, err := evcert.FetchStaple(context.Background(), tt.cert.Leaf, a.cert)
		switch {
		case tt.fails == "" && (err != nil || string(raw) != string(good)):
			t.Errorf("%s: %d bytes, error %v", tt.name, len(raw), err)
		case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.fails)
		}
	}
}

// roundTrip is a transport of one function.
type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Responders can be asked by another client, and so without a network.
func TestFetchStapleByAnotherClient(t *testing.T) {
	a := newAuthority(t, "authority")
	cert := a.issue(t, func(c *x509.Certificate) { c.OCSPServer = []string{"http://ocsp.invalid/"} }, "x.test")
	good := a.respond(t, cert.Leaf, nil)
	var host string
	fetch := evcert.FetchStapleBy(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		host = r.URL.Host
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(good)), Request: r}, nil
	})})
	raw, err := fetch(context.Background(), cert.Leaf, a.cert)
	if err != nil || !bytes.Equal(raw, good) || host != "ocsp.invalid" {
		t.Errorf("%d bytes from %q, error %v", len(raw), host, err)
	}
}

func TestClientsGetTheStaple(t *testing.T) {
	base, a := newBase(t), newAuthority(t, "authority")
	var leaf *x509.Certificate
	url := responder(t, func(_ *http.Request, request *ocsp.Request) (int, []byte) {
		if request.SerialNumber.Cmp(leaf.SerialNumber) != 0 {
			return http.StatusOK, ocsp.UnauthorizedErrorResponse
		}
		return http.StatusOK, a.respond(t, leaf, nil)
	})
	cert := a.issue(t, func(c *x509.Certificate) { c.OCSPServer = []string{url} }, "x.test")
	leaf = cert.Leaf
	told := make(chan error, 10)
	st, err := evcert.NewStapler(base, &evcert.StaplerConfig{OnUpdate: func(_ *x509.Certificate, err error) { told <- err }})
	ok(t, err)
	file := writePEM(t, tempDir(t)+"/x.pem", cert)
	store := newStore(t, base, evcert.StoreConfig{Sources: []evcert.Source{{CertFile: file}}, Stapler: st})
	addr := serveEcho(t, base, &evtls.Config{TLS: storeConfig(store)})
	runWith(t, base, func() {
		if err := <-told; err != nil {
			t.Error(err)
		}
		c, err := dialTLS(t, addr, &tls.Config{RootCAs: a.pool(), ServerName: "x.test"})
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := evcert.VerifyStaple(c.OCSPResponse(), cert.Leaf, a.cert, time.Now()); err != nil {
			t.Error(err)
		}
	})
	settle := func() { // what is on its way to the connection
		for range 10 {
			base.Loop(event.LoopNonblock)
		}
	}
	settle()
	before := base.NumEvents(event.CountAdded)
	store.Free()
	settle()
	if n := base.NumEvents(event.CountAdded); n != before-1 {
		t.Errorf("the staple's timer is left: %d events, %d before", n, before)
	}
}

func TestStaplerTriesAgain(t *testing.T) {
	base, a := newBase(t), newAuthority(t, "authority")
	cert := a.issue(t, nil, "x.test")
	calls := 0
	var updates []error
	good := make(chan struct{})
	st, err := evcert.NewStapler(base, &evcert.StaplerConfig{
		MinRetry: time.Millisecond,
		Fetch: func(context.Context, *x509.Certificate, *x509.Certificate) ([]byte, error) {
			if calls++; calls < 3 {
				return nil, errors.New("down")
			}
			return a.respond(t, cert.Leaf, nil), nil
		},
		OnUpdate: func(_ *x509.Certificate, err error) {
			if updates = append(updates, err); err == nil {
				close(good)
			}
		},
	})
	ok(t, err)
	s := st.Add(cert)
	runWith(t, base, func() { <-good })
	if len(updates) != 3 || s.Certificate().OCSPStaple == nil {
		t.Errorf("updates %v", updates)
	}
	s.Free()
	ok(t, base.Dispatch())
}
