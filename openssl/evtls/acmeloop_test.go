package evtls_test

import (
	"crypto/tls"
	"testing"

	"github.com/go-libevent/libevent/openssl/evtls"
)

// A handshake on the loop that cannot wait for its certificate fails, and has it
// obtained for the next one.
func TestHandshakeOnTheLoopBeforeTheCertificate(t *testing.T) {
	base, ca := newBase(t), newFakeCA(t, "tls-alpn-01")
	a, told := newACME(t, base, ca, evtls.ACMEConfig{})
	ca.tlsAddr = serveEcho(t, base, &evtls.Config{TLS: a.TLSConfig()})
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "x.test"}
	runWith(t, base, func() {
		if _, err := dialTLS(t, ca.tlsAddr, client); err == nil {
			t.Error("handshake without a certificate")
		}
		if got := <-told; got != (obtained{"x.test", nil}) {
			t.Errorf("told %v", got)
		}
		if _, err := dialTLS(t, ca.tlsAddr, client); err != nil {
			t.Error(err)
		}
	})
}
