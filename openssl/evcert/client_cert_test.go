package evcert_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// certClient connects to a server, says hello, and returns the state of the
// connection when that comes back, or the error.
func certClient(t *testing.T, base *event.Base, addr string, cfg *tls.Config) (state tls.ConnectionState, err error) {
	t.Helper()
	b, err := evtls.NewSocket(base, -1, evtls.Connecting, &evtls.Config{TLS: cfg}, bufferevent.CloseOnFree)
	ok(t, err)
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		state, _ = evtls.ConnectionState(b)
		base.LoopExit(0)
	}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if what&bufferevent.EventConnected == 0 {
			err = b.Err()
			base.LoopExit(0)
		}
	})
	ok(t, b.Enable(event.Read))
	b.WriteString("hello")
	ok(t, b.Connect(netip.MustParseAddrPort(addr)))
	late := base.NewTimer(func(*event.Event, event.What) {
		t.Error("it did not happen")
		base.LoopExit(0)
	})
	ok(t, late.AddTimeout(patience))
	defer late.Free()
	ok(t, base.Dispatch())
	b.Free()
	return state, err
}

var tlsVersions = []struct {
	name    string
	version uint16
}{{"TLS 1.2", tls.VersionTLS12}, {"TLS 1.3", tls.VersionTLS13}}

func TestClientCertificates(t *testing.T) {
	base, a, stranger := newBase(t), newAuthority(t, "authority"), newAuthority(t, "stranger")
	served := []string{}
	server := &tls.Config{
		Certificates: []tls.Certificate{*a.issue(t, nil, "x.test")},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: a.pool(),
		VerifyConnection: func(state tls.ConnectionState) error {
			served = append(served, state.PeerCertificates[0].Subject.CommonName)
			return nil
		},
	}
	addr := serveEcho(t, base, &evtls.Config{TLS: server})
	notForClients := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	tests := []struct {
		name  string
		certs []tls.Certificate
		want  []string
	}{
		{"good", []tls.Certificate{*a.issue(t, nil, "client")}, []string{"client"}},
		{"none", nil, nil},
		{"of a stranger", []tls.Certificate{*stranger.issue(t, nil, "client")}, nil},
		{"not for clients", []tls.Certificate{*a.issue(t, notForClients, "client")}, nil},
	}
	for _, tt := range tests {
		for _, v := range tlsVersions {
			t.Run(tt.name+" "+v.name, func(t *testing.T) {
				served = nil
				_, err := certClient(t, base, addr, &tls.Config{
					RootCAs: a.pool(), ServerName: "x.test", Certificates: tt.certs, MaxVersion: v.version,
				})
				if len(served) != len(tt.want) || len(served) > 0 && served[0] != tt.want[0] {
					t.Errorf("served %v, want %v", served, tt.want)
				}
				alert, _ := errors.AsType[*net.OpError](err)
				if refused := alert != nil && alert.Op == "remote error"; refused != (tt.want == nil) || err != nil && !refused {
					t.Errorf("client's error %v", err)
				}
			})
		}
	}
}

func TestSessionsAreResumed(t *testing.T) {
	base, a := newBase(t), newAuthority(t, "authority")
	file := writePEM(t, tempDir(t)+"/x.pem", a.issue(t, nil, "x.test"))
	s := newStore(t, base, evcert.StoreConfig{Sources: []evcert.Source{{CertFile: file}}})
	addr := serveEcho(t, base, &evtls.Config{TLS: storeConfig(s)})
	for _, v := range tlsVersions {
		t.Run(v.name, func(t *testing.T) {
			client := &tls.Config{
				RootCAs: a.pool(), ServerName: "x.test", MaxVersion: v.version,
				ClientSessionCache: tls.NewLRUClientSessionCache(1),
			}
			for i, resumed := range []bool{false, true, true} {
				state, err := certClient(t, base, addr, client)
				if err != nil || state.DidResume != resumed {
					t.Errorf("connection %d: resumed %v, error %v", i, state.DidResume, err)
				}
			}
			// A new certificate ends no session.
			writePEM(t, file, a.issue(t, nil, "x.test"))
			ok(t, s.Reload())
			if state, err := certClient(t, base, addr, client); err != nil || !state.DidResume {
				t.Errorf("after a reload: resumed %v, error %v", state.DidResume, err)
			}
		})
	}
}
