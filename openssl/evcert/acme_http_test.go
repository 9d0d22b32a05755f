package evcert_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/crypto/acme/autocert"

	"github.com/go-libevent/libevent/openssl/evcert"
)

// tokenCache is a cache with the answers to some challenges.
type tokenCache map[string]string

func (c tokenCache) Get(_ context.Context, key string) ([]byte, error) {
	if answer, ok := c[key]; ok {
		return []byte(answer), nil
	}
	return nil, autocert.ErrCacheMiss
}

func (c tokenCache) Put(context.Context, string, []byte) error { return errors.ErrUnsupported }
func (c tokenCache) Delete(context.Context, string) error      { return errors.ErrUnsupported }

func TestHTTPHandlerAnswersChallengesAndNothingElse(t *testing.T) {
	const challenge = "http://x.test/.well-known/acme-challenge/"
	fallback := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	tests := []struct {
		name, method, url string
		fallback          http.Handler
		status            int
		body, location    string // parts of them
	}{
		{"a challenge", "GET", challenge + "token", fallback, 200, "proof", ""},
		{"an unknown challenge", "GET", challenge + "guess", fallback, 404, "", ""},
		{"no token", "GET", challenge, fallback, 404, "", ""},
		{"a name that is not ours", "GET", "http://z.test/.well-known/acme-challenge/token", fallback, 403, "z.test", ""},
		{"another request", "GET", "http://x.test/a?b", fallback, 418, "", ""},
		{"another request without a fallback", "GET", "http://x.test/a?b", nil, 302, "", "https://x.test/a?b"},
		{"another method without a fallback", "POST", "http://x.test/a", nil, 400, "", ""},
	}
	base := newBase(t)
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist("x.test"),
		Cache: tokenCache{"token+http-01": "proof"},
	}
	a, err := evcert.NewACME(base, &evcert.ACMEConfig{Manager: m})
	ok(t, err)
	defer a.Free()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			a.HTTPHandler(tt.fallback).ServeHTTP(w, httptest.NewRequest(tt.method, tt.url, nil))
			got := fmt.Sprint(w.Code, w.Body)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) || w.Header().Get("Location") != tt.location {
				t.Errorf("got %s, location %q", got, w.Header().Get("Location"))
			}
		})
	}
}
