package acme

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"testing"

	"golang.org/x/crypto/acme/autocert"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/openssl/evcert"
)

// tokens is a cache that has the answers to some challenges, where autocert looks for
// those that another process has asked for.
type tokens map[string]string

func (c tokens) Get(_ context.Context, key string) ([]byte, error) {
	if answer, ok := c[key]; ok {
		return []byte(answer), nil
	}
	return nil, autocert.ErrCacheMiss
}

func (c tokens) Put(context.Context, string, []byte) error { return errors.ErrUnsupported }
func (c tokens) Delete(context.Context, string) error      { return errors.ErrUnsupported }

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An authority that asks evhttp's server gets the answers of its challenges, and
// everybody else is sent to https.
func TestChallengesOnTheLoop(t *testing.T) {
	base, err := event.NewBase()
	ok(t, err)
	defer base.Free()
	a, err := evcert.NewACME(base, &evcert.ACMEConfig{Manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist("x.test"),
		Cache: tokens{"token+http-01": "proof"},
	}})
	ok(t, err)
	defer a.Free()
	s := evhttp.NewServer(base)
	defer s.Free()
	s.SetGenericStream(evnethttp.Handler(a.HTTPHandler(nil)))
	bound, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	ok(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer base.Post(func() { base.LoopBreak() })
		client := &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		const challenge = "/.well-known/acme-challenge/"
		for _, tt := range []struct {
			name, method, host, path string
			status                   int
			body, location           string
		}{
			{"a challenge", "GET", "x.test", challenge + "token", 200, "proof", ""},
			{"an unknown one", "GET", "x.test", challenge + "guess", 404, "", ""},
			{"a name that is not ours", "GET", "z.test", challenge + "token", 403, "", ""},
			{"a page", "GET", "x.test", "/a?b", 302, "", "https://x.test/a?b"},
			{"a form", "POST", "x.test", "/a", 400, "", ""},
		} {
			req, err := http.NewRequest(tt.method, "http://"+bound.AddrPort().String()+tt.path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Host = tt.host
			res, err := client.Do(req)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != tt.status || tt.body != "" && string(body) != tt.body || res.Header.Get("Location") != tt.location {
				t.Errorf("%s: status %d, location %q, body %q, error %v", tt.name, res.StatusCode, res.Header.Get("Location"), body, err)
			}
		}
	}()
	_, err = base.Loop(event.LoopNoExitOnEmpty)
	ok(t, err)
	<-done
}
