package evtls_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"testing"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

func TestWaitElsewhereJustCalls(t *testing.T) {
	failure := errors.New("failure")
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, 1)
	err := evtls.Wait(ctx, func(got context.Context) error {
		if got != ctx {
			t.Errorf("got context %v", got)
		}
		return failure
	})
	if err != failure {
		t.Errorf("error %v", err)
	}
}

// A function that fails or panics while the handshake waits for it fails the
// handshake, and nothing else.
func TestFunctionsThatFailWhileTheHandshakeWaits(t *testing.T) {
	functions := []struct {
		name  string
		wait  func(context.Context) error
		fails bool
	}{
		{"panics", func(context.Context) error { panic("no") }, true},
		{"fails", func(context.Context) error { return errors.New("no") }, true},
		{"succeeds", func(context.Context) error { return nil }, false},
	}
	for _, workers := range []*evtls.Workers{nil, evtls.NewWorkers(1)} {
		for _, tt := range functions {
			t.Run(fmt.Sprintf("%s, workers %v", tt.name, workers != nil), func(t *testing.T) {
				base := newBase(t)
				client, server := plain(0)
				server.Workers = workers
				server.TLS.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
					cert := &known(serverName).tls
					return cert, evtls.Wait(hello.Context(), tt.wait)
				}
				server.TLS.Certificates = nil
				c, s := newEnds(t, base, client, server, 0)
				evtest.Await(t, base, "the end of the handshake", func() bool {
					return (c.failed() || c.has(connected)) && (s.failed() || s.has(connected))
				})
				want(t, "client fails", c.failed(), tt.fails)
				want(t, "server fails", s.failed(), tt.fails)
			})
		}
	}
}
