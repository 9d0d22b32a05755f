//go:build unix

package evtls_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/openssl/evtls"
)

// openSSL returns the path of the openssl program, if it is OpenSSL's: others of
// that name speak to their users in other ways.
func openSSL(t testing.TB) string {
	t.Helper()
	path := program(t, "openssl")
	version, err := exec.Command(path, "version").Output()
	if err != nil || !bytes.HasPrefix(version, []byte("OpenSSL 3.")) {
		missing(t, "needs OpenSSL 3, this is %q: %v", bytes.TrimSpace(version), err)
	}
	return path
}

// sClient starts openssl s_client, which verifies the server and calls it
// localhost.
func (s *server) sClient(a *peerCA, args ...string) *process {
	s.t.Helper()
	all := append([]string{"s_client", "-connect", "127.0.0.1:" + s.port, "-CAfile", a.certFile,
		"-verify_return_error", "-verify_hostname", "localhost", "-servername", "localhost"}, args...)
	return start(s.t, nil, openSSL(s.t), all...)
}

// TestSClientVersionsAndKeys speaks both versions with all kinds of keys, and data
// goes both ways.
func TestSClientVersionsAndKeys(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	for _, v := range versions {
		for _, kind := range []string{"ECDSA", "Ed25519", "RSA"} {
			t.Run(v.name+"/"+kind, func(t *testing.T) {
				own := sign(t, template("localhost"), newKey(t, kind), &a.credential)
				srv := newOurSide(t).serve(serverConfig(own), 0)
				peer := srv.sClient(a, v.openssl)
				ours := srv.next()
				if got := ours.state().Version; got != v.number {
					t.Errorf("got version %#x, want %#x", got, v.number)
				}
				peer.expect("Verify return code: 0 (ok)")
				peer.say("from the client\n")
				ours.expect("from the client\n")
				peer.expect("from the client\n")
				ours.send("from the server\n")
				peer.expect("from the server\n")
				peer.hangUp()
				ours.wantEOF()
				if status := peer.exit(); status != 0 {
					t.Errorf("openssl ended with status %d", status)
				}
			})
		}
	}
}

// TestSClientBulk has several megabytes come and go at the same time, and ends
// with a close_notify of ours.
func TestSClientBulk(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	data := noise(4 << 20)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
			peer := srv.sClient(a, v.openssl, "-quiet", "-verify_quiet")
			ours := srv.next()
			ours.state()
			ours.do(func() { ours.quota = len(data) })
			peer.say(string(data))
			peer.take(t, data)
			if status := peer.exit(); status != 0 {
				t.Errorf("openssl ended with status %d", status)
			}
		})
	}
}

// TestSClientResumption resumes a session, on the same server and on another one
// with the same ticket keys, but not on one with others.
func TestSClientResumption(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	own := a.issue(t)
	withKey := func(key byte) *tls.Config {
		cfg := serverConfig(own)
		cfg.SetSessionTicketKeys([][32]byte{{key}})
		return cfg
	}
	first := withKey(1)
	tests := []struct {
		name          string
		first, second *tls.Config
		resumes       bool
	}{
		{"one server", first, first, true},
		{"two servers with the same keys", first, withKey(1), true},
		{"two servers with different keys", first, withKey(2), false},
	}
	for _, v := range versions {
		for _, test := range tests {
			t.Run(v.name+"/"+test.name, func(t *testing.T) {
				file := filepath.Join(tempDir(t), "session")
				visit := func(cfg *tls.Config, option, says string) bool {
					srv := newOurSide(t).serve(cfg, 0)
					peer := srv.sClient(a, v.openssl, option, file)
					ours := srv.next()
					state := ours.state()
					peer.expect(says + ", TLSv1")
					peer.say("hello\n")
					peer.expect("hello\n") // and the ticket came before
					peer.hangUp()
					peer.exit()
					return state.DidResume
				}
				if visit(test.first, "-sess_out", "New") {
					t.Error("the first connection has resumed something")
				}
				says := map[bool]string{false: "New", true: "Reused"}[test.resumes]
				if got := visit(test.second, "-sess_in", says); got != test.resumes {
					t.Errorf("the second connection has resumed: %v, want %v", got, test.resumes)
				}
			})
		}
	}
}

// TestSClientCertificate asks clients for certificates.
func TestSClientCertificate(t *testing.T) {
	openSSL(t)
	a, stranger := newPeerCA(t), newPeerCA(t)
	own := a.issue(t)
	for _, v := range versions {
		run := func(name string, test func(t *testing.T, connect func(args ...string) (*session, *process))) {
			t.Run(v.name+"/"+name, func(t *testing.T) {
				cfg := serverConfig(own)
				cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, a.pool
				srv := newOurSide(t).serve(cfg, 0)
				test(t, func(args ...string) (*session, *process) {
					peer := srv.sClient(a, append(args, v.openssl)...)
					return srv.next(), peer
				})
			})
		}
		run("right one", func(t *testing.T, connect func(...string) (*session, *process)) {
			client := sign(t, template("a client"), newKey(t, "ECDSA"), &a.credential)
			ours, peer := connect("-cert", client.certFile, "-key", client.keyFile)
			certs := ours.state().PeerCertificates
			if len(certs) == 0 || certs[0].Subject.CommonName != "a client" {
				t.Errorf("got certificates %v", certs)
			}
			peer.say("hello\n")
			peer.expect("hello\n")
		})
		run("of another authority", func(t *testing.T, connect func(...string) (*session, *process)) {
			client := stranger.issue(t)
			ours, peer := connect("-cert", client.certFile, "-key", client.keyFile)
			if err := ours.wantError(); !isA[x509.UnknownAuthorityError](err) {
				t.Errorf("got error %v, want one of an unknown authority", err)
			}
			peer.expect("alert unknown ca")
		})
		run("none", func(t *testing.T, connect func(...string) (*session, *process)) {
			ours, peer := connect()
			if err := ours.wantError(); !strings.Contains(err.Error(), "client didn't provide a certificate") {
				t.Errorf("got error %v", err)
			}
			peer.match(t, `(alert (certificate required|bad certificate|handshake failure))`)
		})
	}
}

// TestSClientRefusesServer has the client find fault with our certificate.
func TestSClientRefusesServer(t *testing.T) {
	openSSL(t)
	a, stranger := newPeerCA(t), newPeerCA(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
			peer := srv.sClient(stranger, v.openssl)
			ours := srv.next()
			err := ours.wantError()
			if v.number == tls.VersionTLS13 && strings.Contains(err.Error(), "bad record MAC") {
				t.Log("OpenSSL has sent the alert in clear, which crypto/tls takes for a broken record")
			} else {
				wantRemoteAlert(t, err, "unknown certificate authority")
			}
			if status := peer.exit(); status == 0 {
				t.Error("openssl ended with status 0")
			}
		})
	}
}

// TestSClientALPN negotiates a protocol, or fails to.
func TestSClientALPN(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	own := a.issue(t)
	for _, v := range versions {
		for _, test := range []struct{ offer, want, says string }{
			{"h3,http/1.1,h2", "h2", "ALPN protocol: h2"},
			{"http/1.1", "http/1.1", "ALPN protocol: http/1.1"},
			{"", "", "No ALPN negotiated"},
			{"spdy/1", "-", "alert no application protocol"},
		} {
			t.Run(v.name+"/"+test.offer, func(t *testing.T) {
				cfg := serverConfig(own)
				cfg.NextProtos = []string{"h2", "http/1.1"}
				srv := newOurSide(t).serve(cfg, 0)
				args := []string{v.openssl}
				if test.offer != "" {
					args = append(args, "-alpn", test.offer)
				}
				peer := srv.sClient(a, args...)
				ours := srv.next()
				peer.expect(test.says)
				if test.want == "-" {
					ours.wantError()
					return
				}
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

// TestSClientSNI serves the certificate of the name that is asked for.
func TestSClientSNI(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	configs := map[string]*tls.Config{}
	for _, name := range []string{"one.example", "two.example"} {
		configs[name] = serverConfig(sign(t, template(name), newKey(t, "ECDSA"), &a.credential))
	}
	for _, v := range versions {
		for name := range configs {
			t.Run(v.name+"/"+name, func(t *testing.T) {
				srv := newOurSide(t).serve(&tls.Config{
					GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
						return configs[hello.ServerName], nil
					},
				}, 0)
				peer := srv.sClient(a, v.openssl, "-servername", name, "-verify_hostname", name)
				if got := srv.next().state().ServerName; got != name {
					t.Errorf("got server name %q, want %q", got, name)
				}
				peer.match(t, "(subject=CN ?= ?"+regexp.QuoteMeta(name)+")")
				peer.expect("Verify return code: 0 (ok)")
			})
		}
	}
}

// TestSClientKeyUpdate has the client change its keys, and ask us to change ours.
func TestSClientKeyUpdate(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
	peer := srv.sClient(a, "-tls1_3", "-msg")
	ours := srv.next()
	ours.state()
	for range 3 {
		for _, command := range []string{"k", "K"} {
			peer.say(command + "\n")
			peer.expect("KEYUPDATE")
			peer.expect(">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
			if command == "K" {
				peer.expect("<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
			}
			peer.say("after " + command + "\n")
			ours.expect("after " + command + "\n")
			peer.expect("after " + command + "\n")
			ours.send("from the server\n")
			peer.expect("from the server\n")
		}
	}
	peer.hangUp()
	ours.wantEOF()
	peer.exit()
}

// TestSClientRenegotiation has the client of TLS 1.2 ask for a second handshake,
// which ends the connection.
func TestSClientRenegotiation(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
	peer := srv.sClient(a, "-tls1_2")
	ours := srv.next()
	ours.state()
	peer.expect("Verify return code: 0 (ok)")
	peer.say("R\n")
	peer.expect("RENEGOTIATING")
	if err := ours.wantError(); !strings.Contains(err.Error(), "unexpected handshake message") {
		t.Errorf("got error %v", err)
	}
	peer.expect("alert unexpected message")
}

// TestSClientEnds tells the ways apart in which a stream ends, at both ends.
func TestSClientEnds(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	own := a.issue(t)
	const truncated = "unexpected eof while reading"
	for _, v := range versions {
		run := func(name string, flags evtls.Flags, test func(ours *session, peer *process)) {
			t.Run(v.name+"/"+name, func(t *testing.T) {
				srv := newOurSide(t).serve(serverConfig(own), flags)
				peer := srv.sClient(a, v.openssl)
				ours := srv.next()
				ours.state()
				peer.say("hello\n")
				peer.expect("hello\n")
				test(ours, peer)
			})
		}
		run("close_notify of the client", 0, func(ours *session, peer *process) {
			peer.say("Q\n")
			peer.expect("DONE")
			ours.wantEOF()
			peer.exit()
		})
		run("close_notify of ours", 0, func(ours *session, peer *process) {
			ours.closeWrite()
			peer.expect("closed")
			ours.wantEOF()
			peer.exit()
			if strings.Contains(peer.String(), truncated) {
				t.Error("the client has seen a truncated stream")
			}
		})
		run("client vanishes", 0, func(ours *session, peer *process) {
			peer.kill()
			ours.wantTruncated()
		})
		run("client vanishes, and may", evtls.DirtyShutdown, func(ours *session, peer *process) {
			peer.kill()
			ours.wantEOF()
		})
		run("we vanish", 0, func(ours *session, peer *process) {
			ours.free()
			peer.expect(truncated)
			peer.exit()
		})
	}
}
