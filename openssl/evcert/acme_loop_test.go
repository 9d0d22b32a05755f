package evcert_test

import (
	"crypto/tls"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// The same loop has the handshakes that wait and the one of the authority that
// they wait for; with a single worker, that has both, too.
func TestHandshakesOnTheLoopWaitForTheCertificate(t *testing.T) {
	for _, workers := range []*evtls.Workers{nil, evtls.NewWorkers(1)} {
		base, ca := newBase(t), newFakeCA(t, "tls-alpn-01")
		a, told := newACME(t, base, ca, evcert.ACMEConfig{})
		ca.tlsAddr = serveEcho(t, base, &evtls.Config{TLS: a.TLSConfig(), Workers: workers})
		client := &tls.Config{RootCAs: ca.pool(), ServerName: "x.test"}
		runWith(t, base, func() {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					c, err := dialTLS(t, ca.tlsAddr, client)
					if err == nil {
						err = echoes(c)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := <-told; got != (obtained{"x.test", nil}) {
				t.Errorf("told %v", got)
			}
		})
		if n := ca.issued(); n != 1 {
			t.Errorf("%d certificates were issued", n)
		}
	}
}

func TestHandshakeMayTimeOutWhileItWaits(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "tls-alpn-01")
	ca.asked, ca.hold = make(chan string), make(chan struct{})
	a, told := newACME(t, base, ca, evcert.ACMEConfig{})
	hasty := serveEcho(t, base, &evtls.Config{TLS: a.TLSConfig(), HandshakeTimeout: 10 * time.Millisecond})
	ca.tlsAddr = serveEcho(t, base, &evtls.Config{TLS: a.TLSConfig()})
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "x.test"}
	runWith(t, base, func() {
		a.Prepare("x.test")
		<-ca.asked
		if _, err := dialTLS(t, hasty, client); err == nil {
			t.Error("handshake without a certificate")
		}
		close(ca.hold)
		if got := <-told; got.err != nil {
			t.Errorf("told %v", got)
		}
		if _, err := dialTLS(t, ca.tlsAddr, client); err != nil {
			t.Error(err)
		}
	})
}
