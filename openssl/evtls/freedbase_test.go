package evtls_test

import (
	"context"
	"crypto/tls"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// TestHandshakesEndWithTheBase frees the base while handshakes wait for something, and
// expects their goroutines to end though nobody frees the bufferevents.
func TestHandshakesEndWithTheBase(t *testing.T) {
	waits := func(base *event.Base, began chan<- struct{}) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return nil, evtls.Wait(hello.Context(), func(ctx context.Context) error {
				began <- struct{}{}
				_ = base.Post(func() {}) // for await to look, unless it has, and the base was freed
				<-ctx.Done()
				return ctx.Err()
			})
		}
	}
	hello := newCounterpart(t, evtls.Connecting, clientTLS(0), (*tls.Conn).Handshake).take()
	// Each begins handshakes, and returns once they wait.
	states := map[string]func(t *testing.T, base *event.Base, workers *evtls.Workers){
		"for an answer": func(t *testing.T, base *event.Base, workers *evtls.Workers) {
			a, b := newPair(t, base, 0)
			ok(t, b.Enable(event.Read))
			newEnd(t, a, evtls.Connecting, &evtls.Config{TLS: clientTLS(0), Workers: workers}, 0)
			evtest.Await(t, base, "the hello", func() bool { return b.Input().Len() > 0 })
		},
		"for the rest of a flight": func(t *testing.T, base *event.Base, workers *evtls.Workers) {
			a, b := newPair(t, base, 0)
			newEnd(t, b, evtls.Accepting, &evtls.Config{TLS: serverTLS(0), Workers: workers}, 0)
			ok(t, a.Enable(event.Read))
			write(t, a, string(hello))
			evtest.Await(t, base, "the answer", func() bool { return a.Input().Len() > 0 })
		},
		"for a certificate": func(t *testing.T, base *event.Base, workers *evtls.Workers) {
			began := make(chan struct{}, 1)
			server := &evtls.Config{TLS: serverTLS(0), Workers: workers}
			server.TLS.Certificates, server.TLS.GetCertificate = nil, waits(base, began)
			newEnds(t, base, &evtls.Config{TLS: clientTLS(0)}, server, 0)
			evtest.Await(t, base, "the certificate", func() bool { return len(began) > 0 })
		},
		"for their first turn": func(t *testing.T, base *event.Base, workers *evtls.Workers) {
			for range 3 {
				newEnds(t, base, &evtls.Config{TLS: clientTLS(0), Workers: workers}, &evtls.Config{TLS: serverTLS(0), Workers: workers}, 0)
			}
		},
	}
	for name, begin := range states {
		for kind, workers := range map[string]*evtls.Workers{"alone": nil, "workers": evtls.NewWorkers(1)} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				base := newBase(t)
				goroutines := runtime.NumGoroutine()
				begin(t, base, workers)
				base.Free()
				evtest.Goroutines(t, goroutines)
			})
		}
	}
}
