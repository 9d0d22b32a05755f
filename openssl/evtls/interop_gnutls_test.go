//go:build unix

package evtls_test

import (
	"crypto/tls"
	"crypto/x509"
	"runtime"
	"strings"
	"testing"
	"time"
)

// gnuTLSClient starts gnutls-cli, which verifies the server and calls it localhost.
func (s *server) gnuTLSClient(a *peerCA, args ...string) *process {
	s.t.Helper()
	all := append([]string{"--port", s.port, "--x509cafile", a.certFile, "--sni-hostname", "localhost",
		"--verify-hostname", "localhost"}, args...)
	return start(s.t, nil, program(s.t, "gnutls-cli"), append(all, "127.0.0.1")...)
}

// gnuTLSServers starts gnutls-serv as often as is asked for. It always listens on
// all addresses, which testdata/loopback.c changes.
type gnuTLSServers struct{ path, shim string }

func newGnuTLSServers(t testing.TB) gnuTLSServers {
	t.Helper()
	path := program(t, "gnutls-serv")
	if runtime.GOOS != "linux" {
		t.Skip("needs LD_PRELOAD as Linux has it")
	}
	return gnuTLSServers{path, compileC(t, "loopback", "-shared", "-fPIC", "-ldl")}
}

// start starts a server that sends back what it gets, and returns its port.
func (g gnuTLSServers) start(t testing.TB, own credential, args ...string) (*process, string) {
	t.Helper()
	all := append([]string{"--echo", "--x509certfile", own.certFile, "--x509keyfile", own.keyFile}, args...)
	p := start(t, []string{"LD_PRELOAD=" + g.shim}, g.path, all...)
	port := p.match(t, `bound to port (\d+)\n`)
	p.expect("done")
	return p, port
}

// TestGnuTLSClientVersionsAndKeys speaks both versions with all kinds of keys;
// data goes both ways, and GnuTLS ends first.
func TestGnuTLSClientVersionsAndKeys(t *testing.T) {
	program(t, "gnutls-cli")
	a := newPeerCA(t)
	for _, v := range versions {
		for _, kind := range []string{"ECDSA", "Ed25519", "RSA"} {
			t.Run(v.name+"/"+kind, func(t *testing.T) {
				own := sign(t, template("localhost"), newKey(t, kind), &a.credential)
				srv := newOurSide(t).serve(serverConfig(own), 0)
				peer := srv.gnuTLSClient(a, "--priority", v.priority)
				ours := srv.next()
				if got := ours.state().Version; got != v.number {
					t.Errorf("got version %#x, want %#x", got, v.number)
				}
				peer.expect("- Handshake was completed")
				peer.say("from the client\n")
				ours.expect("from the client\n")
				peer.expect("from the client\n")
				ours.send("from the server\n")
				peer.expect("from the server\n")
				peer.hangUp()
				ours.wantEOF()
				if status := peer.exit(); status != 0 {
					t.Errorf("gnutls-cli ended with status %d", status)
				}
			})
		}
	}
}

// TestGnuTLSClientBulk has several megabytes come and go.
func TestGnuTLSClientBulk(t *testing.T) {
	program(t, "gnutls-cli")
	a := newPeerCA(t)
	data := noise(2 << 20)
	for i := range data {
		data[i] = 'a' + data[i]%26 // what is printed as it is
	}
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
			peer := srv.gnuTLSClient(a, "--priority", v.priority)
			ours := srv.next()
			peer.expect("- Simple Client Mode:\n\n")
			peer.say(string(data))
			ours.take(t, data)
			peer.take(t, data)
		})
	}
}

// TestGnuTLSClientResumption connects twice.
func TestGnuTLSClientResumption(t *testing.T) {
	program(t, "gnutls-cli")
	a := newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
			peer := srv.gnuTLSClient(a, "--priority", v.priority, "--resume", "--waitresumption")
			first := srv.next()
			if first.state().DidResume {
				t.Error("the first connection has resumed something")
			}
			first.wantEOF()
			second := srv.next()
			if !second.state().DidResume {
				t.Error("the second connection has resumed nothing")
			}
			peer.expect("*** This is a resumed session")
			peer.say("hello\n")
			peer.expect("hello\n")
		})
	}
}

// TestGnuTLSClientRekey has the client change its keys, and ask us to change ours.
func TestGnuTLSClientRekey(t *testing.T) {
	program(t, "gnutls-cli")
	a := newPeerCA(t)
	srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
	peer := srv.gnuTLSClient(a, "--priority", versions[1].priority, "--inline-commands", "-d", "4")
	ours := srv.next()
	ours.state()
	peer.expect("- Simple Client Mode:")
	const alone, both = "^rekey1^", "^rekey^"
	for _, command := range []string{alone, both, both, alone} {
		peer.say(command + "\n")
		if command == both {
			peer.expect("sending key update (1)")
			peer.expect("received TLS 1.3 key update (0)")
		} else {
			peer.expect("sending key update (0)")
		}
		peer.say("after\n")
		ours.expect("after\n")
		peer.expect("after\n")
		ours.send("from the server\n")
		peer.expect("from the server\n")
	}
}

// TestGnuTLSClientRehandshake has the client begin a second handshake: in TLS 1.3
// that is a change of keys, and in TLS 1.2 a renegotiation, which is refused.
func TestGnuTLSClientRehandshake(t *testing.T) {
	program(t, "gnutls-cli")
	a := newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
			peer := srv.gnuTLSClient(a, "--priority", v.priority, "--rehandshake")
			ours := srv.next()
			ours.state()
			if v.number == tls.VersionTLS12 {
				ours.wantError()
				peer.expect("*** ReHandshake has failed")
				return
			}
			peer.expect("- ReHandshake was completed")
			peer.say("after\n")
			ours.expect("after\n")
			peer.expect("after\n")
		})
	}
}

// TestGnuTLSClientCertificate asks clients for certificates.
func TestGnuTLSClientCertificate(t *testing.T) {
	program(t, "gnutls-cli")
	a, stranger := newPeerCA(t), newPeerCA(t)
	own := a.issue(t)
	right, foreign := a.issue(t), stranger.issue(t)
	for _, v := range versions {
		connect := func(t *testing.T, args ...string) (*session, *process) {
			cfg := serverConfig(own)
			cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, a.pool
			srv := newOurSide(t).serve(cfg, 0)
			peer := srv.gnuTLSClient(a, append(args, "--priority", v.priority)...)
			return srv.next(), peer
		}
		t.Run(v.name+"/right one", func(t *testing.T) {
			ours, peer := connect(t, "--x509certfile", right.certFile, "--x509keyfile", right.keyFile)
			if certs := ours.state().PeerCertificates; len(certs) == 0 || !certs[0].Equal(right.Leaf) {
				t.Errorf("got certificates %v", certs)
			}
			peer.say("hello\n")
			peer.expect("hello\n")
		})
		t.Run(v.name+"/of another authority", func(t *testing.T) {
			ours, peer := connect(t, "--x509certfile", foreign.certFile, "--x509keyfile", foreign.keyFile)
			if err := ours.wantError(); !isA[x509.UnknownAuthorityError](err) {
				t.Errorf("got error %v, want one of an unknown authority", err)
			}
			peer.expect("CA is unknown")
		})
		t.Run(v.name+"/none", func(t *testing.T) {
			ours, peer := connect(t)
			if err := ours.wantError(); !strings.Contains(err.Error(), "client didn't provide a certificate") {
				t.Errorf("got error %v", err)
			}
			peer.match(t, `(Certificate is required|Certificate is bad|Handshake failed)`)
		})
	}
}

// TestGnuTLSClientALPN negotiates a protocol.
func TestGnuTLSClientALPN(t *testing.T) {
	program(t, "gnutls-cli")
	a := newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			cfg := serverConfig(a.issue(t))
			cfg.NextProtos = []string{"h2", "http/1.1"}
			srv := newOurSide(t).serve(cfg, 0)
			peer := srv.gnuTLSClient(a, "--priority", v.priority, "--alpn", "http/1.1", "--alpn", "h2")
			if got := srv.next().state().NegotiatedProtocol; got != "h2" {
				t.Errorf("negotiated %q, want h2", got)
			}
			peer.expect("Application protocol: h2")
		})
	}
}

// TestGnuTLSClientEnds tells the ways apart in which a stream ends, at both ends.
func TestGnuTLSClientEnds(t *testing.T) {
	program(t, "gnutls-cli")
	a := newPeerCA(t)
	own := a.issue(t)
	for _, v := range versions {
		run := func(name string, test func(ours *session, peer *process)) {
			t.Run(v.name+"/"+name, func(t *testing.T) {
				srv := newOurSide(t).serve(serverConfig(own), 0)
				peer := srv.gnuTLSClient(a, "--priority", v.priority)
				ours := srv.next()
				peer.expect("- Simple Client Mode:")
				peer.say("hello\n")
				peer.expect("hello\n")
				test(ours, peer)
			})
		}
		run("close_notify of ours", func(ours *session, peer *process) {
			ours.closeWrite()
			peer.expect("Peer has closed the GnuTLS connection")
			ours.wantTruncated() // gnutls-cli closes the socket without an answer
		})
		run("client vanishes", func(ours *session, peer *process) {
			peer.kill()
			ours.wantTruncated()
		})
		run("we vanish", func(ours *session, peer *process) {
			ours.free()
			peer.expect("The TLS connection was non-properly terminated")
		})
	}
}

// TestGnuTLSClientRefusesServer has the client find fault with our certificate.
func TestGnuTLSClientRefusesServer(t *testing.T) {
	program(t, "gnutls-cli")
	a, stranger := newPeerCA(t), newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
			peer := srv.gnuTLSClient(stranger, "--priority", v.priority)
			wantRemoteAlert(t, srv.next().wantError(), "bad certificate")
			peer.expect("The certificate issuer is unknown")
			if status := peer.exit(); status == 0 {
				t.Error("gnutls-cli ended with status 0")
			}
		})
	}
}

// TestGnuTLSServerVersionsAndKeys speaks both versions with all kinds of keys.
func TestGnuTLSServerVersionsAndKeys(t *testing.T) {
	g, a := newGnuTLSServers(t), newPeerCA(t)
	for _, v := range versions {
		for _, kind := range []string{"ECDSA", "Ed25519", "RSA"} {
			t.Run(v.name+"/"+kind, func(t *testing.T) {
				us := newOurSide(t)
				own := sign(t, template("localhost"), newKey(t, kind), &a.credential)
				_, port := g.start(t, own, "--priority", v.priority)
				ours := us.connect(port, clientConfig(a))
				if got := ours.state().Version; got != v.number {
					t.Errorf("got version %#x, want %#x", got, v.number)
				}
				ours.send("hello\n")
				ours.expect("hello\n")
				ours.closeWrite()
				ours.wantEOF()
			})
		}
	}
}

// TestGnuTLSServerResumption resumes sessions that a ClientSessionCache has.
func TestGnuTLSServerResumption(t *testing.T) {
	g, a := newGnuTLSServers(t), newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			us := newOurSide(t)
			_, port := g.start(t, a.issue(t), "--priority", v.priority)
			cfg := clientConfig(a)
			cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for i := range 3 {
				ours := us.connect(port, cfg)
				if got, want := ours.state().DidResume, i > 0; got != want {
					t.Errorf("connection %d has resumed: %v, want %v", i+1, got, want)
				}
				ours.send("hello\n")
				ours.expect("hello\n") // and the ticket came before
				ours.closeWrite()
				ours.wantEOF()
			}
		})
	}
}

// TestGnuTLSServerWantsCertificate shows a certificate to a server that wants one.
func TestGnuTLSServerWantsCertificate(t *testing.T) {
	g, a := newGnuTLSServers(t), newPeerCA(t)
	client := a.issue(t)
	for _, v := range versions {
		connect := func(t *testing.T, certs ...tls.Certificate) *session {
			us := newOurSide(t)
			_, port := g.start(t, a.issue(t), "--priority", v.priority, "--require-client-cert", "--x509cafile", a.certFile)
			cfg := clientConfig(a)
			cfg.Certificates = certs
			return us.connect(port, cfg)
		}
		t.Run(v.name+"/right one", func(t *testing.T) {
			ours := connect(t, client.Certificate)
			ours.send("hello\n")
			ours.expect("hello\n")
		})
		t.Run(v.name+"/none", func(t *testing.T) {
			text := map[uint16]string{tls.VersionTLS12: "", tls.VersionTLS13: "certificate required"}[v.number]
			wantRemoteAlert(t, connect(t).wantError(), text)
		})
	}
}

// TestGnuTLSServerALPN negotiates a protocol.
func TestGnuTLSServerALPN(t *testing.T) {
	g, a := newGnuTLSServers(t), newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			us := newOurSide(t)
			_, port := g.start(t, a.issue(t), "--priority", v.priority, "--alpn", "h2")
			cfg := clientConfig(a)
			cfg.NextProtos = []string{"http/1.1", "h2"}
			if got := us.connect(port, cfg).state().NegotiatedProtocol; got != "h2" {
				t.Errorf("negotiated %q, want h2", got)
			}
		})
	}
}

// TestGnuTLSServerRefused finds fault with the server's certificate.
func TestGnuTLSServerRefused(t *testing.T) {
	g, a, stranger := newGnuTLSServers(t), newPeerCA(t), newPeerCA(t)
	expired := template("localhost")
	expired.NotAfter = time.Now().Add(-time.Minute)
	tests := []struct {
		name     string
		template *x509.Certificate
		issuer   *peerCA
		reason   func(error) bool
	}{
		{"unknown authority", template("localhost"), stranger, isA[x509.UnknownAuthorityError]},
		{"expired", expired, a, isInvalid(x509.Expired)},
		{"wrong name", template("elsewhere"), a, isA[x509.HostnameError]},
	}
	for _, v := range versions {
		for _, test := range tests {
			t.Run(v.name+"/"+test.name, func(t *testing.T) {
				us := newOurSide(t)
				own := sign(t, test.template, newKey(t, "ECDSA"), &test.issuer.credential)
				peer, port := g.start(t, own, "--priority", v.priority)
				if err := us.connect(port, clientConfig(a)).wantError(); !test.reason(err) {
					t.Errorf("got error %v", err)
				}
				peer.match(t, "(Error in handshake|fatal alert)")
			})
		}
	}
}
