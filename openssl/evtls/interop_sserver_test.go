//go:build unix

package evtls_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

// sServer starts openssl s_server with a credential on a free port, which it
// returns.
func sServer(t testing.TB, own credential, args ...string) (*process, string) {
	t.Helper()
	all := append([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", own.certFile, "-key", own.keyFile}, args...)
	peer := start(t, nil, openSSL(t), all...)
	return peer, peer.match(t, `ACCEPT 127\.0\.0\.1:(\d+)`)
}

// TestSServerVersionsAndKeys speaks both versions with all kinds of keys; data
// goes both ways, and our close_notify is answered.
func TestSServerVersionsAndKeys(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	for _, v := range versions {
		for _, kind := range []string{"ECDSA", "Ed25519", "RSA"} {
			t.Run(v.name+"/"+kind, func(t *testing.T) {
				us := newOurSide(t)
				peer, port := sServer(t, sign(t, template("localhost"), newKey(t, kind), &a.credential), v.openssl)
				ours := us.connect(port, clientConfig(a))
				if got := ours.state().Version; got != v.number {
					t.Errorf("got version %#x, want %#x", got, v.number)
				}
				ours.send("from the client\n")
				peer.expect("from the client\n")
				peer.say("from the server\n")
				ours.expect("from the server\n")
				ours.closeWrite()
				peer.expect("DONE")
				ours.wantEOF() // and the server has answered
			})
		}
	}
}

// TestSServerRev has several megabytes go and come back, in lines, which
// s_server -rev reverses.
func TestSServerRev(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	line := strings.Repeat("abcdefghijklmno", 60)
	back := []byte(line)
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	const lines = 3000
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			us := newOurSide(t)
			_, port := sServer(t, a.issue(t), v.openssl, "-rev")
			ours := us.connect(port, clientConfig(a))
			ours.state()
			ours.send(strings.Repeat(line+"\n", lines))
			ours.take(t, []byte(strings.Repeat(string(back)+"\n", lines)))
		})
	}
}

// TestSServerWWW asks for s_server's page, which ends with the stream.
func TestSServerWWW(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			us := newOurSide(t)
			_, port := sServer(t, a.issue(t), v.openssl, "-www")
			ours := us.connect(port, clientConfig(a))
			ours.send("GET / HTTP/1.0\r\n\r\n") // before the handshake is done
			ours.expect("HTTP/1.0 200 ok")
			ours.expect("New, TLSv1")
			ours.expect("</HTML>")
			ours.wantEOF()
		})
	}
}

// TestSServerResumption resumes sessions that a ClientSessionCache has.
func TestSServerResumption(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			us := newOurSide(t)
			peer, port := sServer(t, a.issue(t), v.openssl)
			cfg := clientConfig(a)
			cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for i := range 3 {
				ours := us.connect(port, cfg)
				if got, want := ours.state().DidResume, i > 0; got != want {
					t.Errorf("connection %d has resumed: %v, want %v", i+1, got, want)
				}
				peer.expect("CIPHER is ")
				if i > 0 {
					peer.expect("Reused session-id")
				}
				peer.say("hello\n")
				ours.expect("hello\n") // and the ticket came before
				ours.closeWrite()
				peer.expect("DONE")
			}
		})
	}
}

// TestSServerWantsCertificate shows a certificate to a server that wants one.
func TestSServerWantsCertificate(t *testing.T) {
	openSSL(t)
	a, stranger := newPeerCA(t), newPeerCA(t)
	client := sign(t, template("a client"), newKey(t, "ECDSA"), &a.credential)
	foreign := stranger.issue(t)
	for _, v := range versions {
		run := func(name string, own []tls.Certificate, test func(t *testing.T, ours *session, peer *process)) {
			t.Run(v.name+"/"+name, func(t *testing.T) {
				us := newOurSide(t)
				peer, port := sServer(t, a.issue(t), v.openssl, "-Verify", "1", "-verify_return_error", "-CAfile", a.certFile)
				cfg := clientConfig(a)
				if own != nil {
					// Unlike Certificates, this shows it whatever authorities
					// the server names.
					cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own[0], nil }
				}
				test(t, us.connect(port, cfg), peer)
			})
		}
		run("right one", []tls.Certificate{client.Certificate}, func(t *testing.T, ours *session, peer *process) {
			ours.state()
			peer.match(t, "(subject=CN ?= ?a client)")
			peer.say("hello\n")
			ours.expect("hello\n")
		})
		run("of another authority", []tls.Certificate{foreign.Certificate}, func(t *testing.T, ours *session, peer *process) {
			wantRemoteAlert(t, ours.wantError(), "unknown certificate authority")
			peer.expect("certificate verify failed")
		})
		run("none", nil, func(t *testing.T, ours *session, peer *process) {
			// In TLS 1.3 the client has connected before it is refused.
			text := map[uint16]string{tls.VersionTLS12: "handshake failure", tls.VersionTLS13: "certificate required"}[v.number]
			wantRemoteAlert(t, ours.wantError(), text)
			peer.expect("peer did not return a certificate")
		})
	}
}

// TestSServerALPN negotiates a protocol.
func TestSServerALPN(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	for _, v := range versions {
		for _, test := range []struct {
			offer []string
			want  string
		}{
			{[]string{"http/1.1", "h2"}, "h2"}, // the server's choice
			{[]string{"http/1.1"}, "http/1.1"},
			{nil, ""},
		} {
			t.Run(v.name+"/"+strings.Join(test.offer, ","), func(t *testing.T) {
				us := newOurSide(t)
				_, port := sServer(t, a.issue(t), v.openssl, "-alpn", "h2,http/1.1")
				cfg := clientConfig(a)
				cfg.NextProtos = test.offer
				ours := us.connect(port, cfg)
				ours.state()
				ours.do(func() {
					if got := ours.bev.NegotiatedProtocol(); got != test.want {
						t.Errorf("negotiated %q, want %q", got, test.want)
					}
				})
			})
		}
	}
}

// TestSServerKeyUpdate has the server change its keys, and ask us to change ours.
func TestSServerKeyUpdate(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	us := newOurSide(t)
	peer, port := sServer(t, a.issue(t), "-tls1_3", "-msg")
	ours := us.connect(port, clientConfig(a))
	ours.state()
	for range 3 {
		for _, command := range []string{"k", "K"} {
			peer.say(command + "\n")
			peer.expect(">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
			if command == "K" {
				peer.expect("<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
			}
			ours.send("after " + command + "\n")
			peer.expect("after " + command + "\n")
			peer.say("from the server\n")
			ours.expect("from the server\n")
		}
	}
}

// TestSServerRenegotiation has the server of TLS 1.2 ask for a second handshake,
// which ends the connection.
func TestSServerRenegotiation(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	us := newOurSide(t)
	peer, port := sServer(t, a.issue(t), "-tls1_2")
	ours := us.connect(port, clientConfig(a))
	ours.send("hello\n")
	peer.expect("hello\n")
	peer.say("r\n")
	if err := ours.wantError(); !strings.Contains(err.Error(), "no renegotiation") {
		t.Errorf("got error %v", err)
	}
	peer.expect("no renegotiation")
}

// TestSServerRefused finds fault with the server's certificate, and tells it.
func TestSServerRefused(t *testing.T) {
	openSSL(t)
	a, stranger := newPeerCA(t), newPeerCA(t)
	expired := template("localhost")
	expired.NotAfter = time.Now().Add(-time.Minute)
	future := template("localhost")
	future.NotBefore = time.Now().Add(30 * time.Minute)
	tests := []struct {
		name     string
		template *x509.Certificate
		issuer   *peerCA
		reason   func(error) bool
		alert    string
	}{
		{"unknown authority", template("localhost"), stranger, isA[x509.UnknownAuthorityError], "unknown ca|bad certificate"},
		{"expired", expired, a, isInvalid(x509.Expired), "certificate expired|bad certificate"},
		{"not valid yet", future, a, isInvalid(x509.Expired), "certificate expired|bad certificate"},
		{"wrong name", template("elsewhere"), a, isA[x509.HostnameError], "bad certificate|certificate unknown"},
	}
	for _, v := range versions {
		for _, test := range tests {
			t.Run(v.name+"/"+test.name, func(t *testing.T) {
				us := newOurSide(t)
				own := sign(t, test.template, newKey(t, "ECDSA"), &test.issuer.credential)
				peer, port := sServer(t, own, v.openssl)
				err := us.connect(port, clientConfig(a)).wantError()
				if !isA[*tls.CertificateVerificationError](err) || !test.reason(err) {
					t.Errorf("got error %v", err)
				}
				peer.match(t, "alert ("+test.alert+")")
			})
		}
	}
}

// TestSServerEnds tells the ways apart in which the server's stream ends.
func TestSServerEnds(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	own := a.issue(t)
	for _, v := range versions {
		run := func(name string, test func(ours *session, peer *process)) {
			t.Run(v.name+"/"+name, func(t *testing.T) {
				us := newOurSide(t)
				peer, port := sServer(t, own, v.openssl, "-rev")
				ours := us.connect(port, clientConfig(a))
				ours.state()
				ours.send("hello\n")
				ours.expect("olleh\n")
				test(ours, peer)
			})
		}
		run("close_notify of the server", func(ours *session, peer *process) {
			ours.send("CLOSE\n") // is a command
			ours.wantEOF()
		})
		run("server vanishes", func(ours *session, peer *process) {
			peer.kill()
			ours.wantTruncated()
		})
		t.Run(v.name+"/we vanish", func(t *testing.T) {
			us := newOurSide(t)
			peer, port := sServer(t, own, v.openssl) // -rev would not tell
			ours := us.connect(port, clientConfig(a))
			ours.send("hello\n")
			peer.expect("hello\n")
			peer.say("hello\n")
			ours.expect("hello\n") // and tickets, which must be read, or there is a reset
			ours.free()
			peer.expect("unexpected eof while reading")
		})
	}
}

// TestSServerOtherVersion has nothing in common with the server.
func TestSServerOtherVersion(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	us := newOurSide(t)
	_, port := sServer(t, a.issue(t), "-tls1_2")
	cfg := clientConfig(a)
	cfg.MinVersion = tls.VersionTLS13
	ours := us.connect(port, cfg)
	wantRemoteAlert(t, ours.wantError(), "protocol version not supported")
}
