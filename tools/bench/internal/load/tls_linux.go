package load

import (
	"crypto/tls"
	"fmt"
	"os"

	"github.com/go-libevent/libevent/tools/bench/internal/certificate"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// withTLS is with for a server that speaks TLS, with a certificate made for it.
func withTLS(command []string, use work) ([]measure.Figure, error) {
	dir, err := os.MkdirTemp("", "evbench-tls")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path, err := certificate.Create(dir)
	if err != nil {
		return nil, err
	}
	s, err := start(command, certificate.Variable+"="+path)
	if err != nil {
		return nil, err
	}
	s.tls = clientConfig(tls.X25519)
	return s.finish(use)
}

// clientConfig returns what all clients have in common. Since a server takes
// what clients offer, theirs is the choice: TLS 1.3 with one cipher suite, and
// one way to exchange keys, beside X25519, with which every server can do. The
// certificate's signature of the handshake is checked; who has signed the
// certificate is not asked, for that is the client's work alone.
func clientConfig(exchange tls.CurveID) *tls.Config {
	return &tls.Config{
		ServerName:         certificate.Name,
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{exchange, tls.X25519},
		InsecureSkipVerify: true,
		VerifyConnection:   func(state tls.ConnectionState) error { return checkState(state, exchange) },
		ClientSessionCache: forgetful{},

		// What is sent is the same for all servers, and sent cheaply.
		DynamicRecordSizingDisabled: true,
	}
}

// checkState makes sure that all servers do the same work.
func checkState(state tls.ConnectionState, exchange tls.CurveID) error {
	const suite = tls.TLS_AES_128_GCM_SHA256
	switch {
	case state.CurveID != exchange:
		return fmt.Errorf("%w: the server exchanges keys by %v, not %v", measure.ErrUnable, state.CurveID, exchange)
	case state.CipherSuite != suite:
		return fmt.Errorf("%w: the server encrypts by %s, not %s", measure.ErrUnable,
			tls.CipherSuiteName(state.CipherSuite), tls.CipherSuiteName(suite))
	}
	return nil
}

// forgetful is a client that is willing to resume sessions, which makes servers
// send tickets, but never does.
type forgetful struct{}

func (forgetful) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (forgetful) Put(string, *tls.ClientSessionState)        {}
