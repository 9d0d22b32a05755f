package examples

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/examples/internal/tlsconf"
)

// startSSLEcho starts ssl-echo as a server and returns it with its address.
func startSSLEcho(t *testing.T, args ...string) (p *process, addr string) {
	t.Helper()
	p = start(t, "ssl-echo", append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return p, p.lineAfter("listening on ")
}

// trusted starts ssl-echo with a certificate, and returns its address and who
// has signed that.
func trusted(t *testing.T, args ...string) (p *process, addr string, a *authority) {
	t.Helper()
	a = newAuthority(t)
	p, addr = startSSLEcho(t, append(shown(t, a.issue(time.Hour)), args...)...)
	return p, addr, a
}

// startSSLClient starts ssl-echo as a client.
func startSSLClient(t *testing.T, stdin io.Reader, addr string, args ...string) *process {
	t.Helper()
	return startFrom(t, stdin, "ssl-echo", append([]string{"-connect", addr}, args...)...)
}

// fails checks that a program ends with a message that has want in it.
func (p *process) fails(want string) {
	p.t.Helper()
	p.ends(1)
	if got := p.stderr.String(); !strings.Contains(got, want) {
		p.t.Errorf("stderr %q, want %q in it", got, want)
	}
}

// versions are the versions of TLS that everybody speaks.
var versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

func TestSSLEchoServesManyClients(t *testing.T) {
	for name, args := range map[string][]string{
		"default": nil, "two loops": {"-loops", "2"}, "workers": {"-workers", "2"}, "both": {"-loops", "2", "-workers", "1"},
	} {
		for _, version := range versions {
			t.Run(name+" "+tls.VersionName(version), func(t *testing.T) {
				p, addr, a := trusted(t, args...)
				cfg := a.trusting()
				cfg.MaxVersion = version
				var clients sync.WaitGroup
				for i := range byte(20) {
					conn, data := dialTLS(t, addr, cfg), randomData(i, int(i)*100_000)
					clients.Go(func() {
						if err := exchange(conn, data); err != nil {
							t.Errorf("client %d: %v", i, err)
						}
					})
				}
				clients.Wait()
				dialTLS(t, addr, cfg) // a connection that is open does not keep it from ending
				if canSignal {
					p.signal(syscall.SIGTERM)
					p.ends(0)
				}
				if p.stderr.String() != "" {
					t.Errorf("stderr: %s", &p.stderr)
				}
			})
		}
	}
}

func TestSSLEchoClientGetsBackWhatItSends(t *testing.T) {
	_, addr, a := trusted(t)
	data := randomData(1, 10<<20)
	for name, stdin := range map[string]io.Reader{"a pipe": bytes.NewReader(data), "a file": fileWith(t, data)} {
		t.Run(name, func(t *testing.T) {
			p := startSSLClient(t, stdin, addr, "-ca", a.file())
			if err := sameHash(p.stdout, data); err != nil {
				t.Error(err)
			}
			p.ends(0)
		})
	}
	t.Run("nothing", func(t *testing.T) {
		if out := startSSLClient(t, nil, addr, "-ca", a.file()).ends(0); out != "" {
			t.Errorf("printed %q", out)
		}
	})
}

func TestSSLEchoSendsAllBeforeTheEnd(t *testing.T) {
	_, addr, a := trusted(t)
	conn := dialTLS(t, addr, a.trusting())
	lazy := startLazy(t, tcp(conn), conn)
	lazy.awaitStall(t, dialTLS(t, addr, a.trusting()))
	if err := errors.Join(receive(slowReader{lazy.over}, lazy.data), <-lazy.done); err != nil {
		t.Error(err)
	}
}

func TestSSLEchoOutlivesClientsThatVanish(t *testing.T) {
	_, addr, a := trusted(t)
	other, conn := dialTLS(t, addr, a.trusting()), dialTLS(t, addr, a.trusting())
	lazy := startLazy(t, tcp(conn), conn)
	lazy.awaitStall(t, other)
	lazy.conn.SetLinger(0) // Close resets the connection
	lazy.conn.Close()
	<-lazy.done
	if err := exchange(other, randomData(2, 1<<20)); err != nil {
		t.Error(err)
	}
}

func TestSSLEchoReportsClientsThatBreakTheRules(t *testing.T) {
	for name, tt := range map[string]struct {
		offend func(t *testing.T, addr string, a *authority) error
		want   string
	}{
		"something else than TLS": {func(t *testing.T, addr string, _ *authority) error {
			_, err := io.WriteString(dial(t, addr), "GET / HTTP/1.0\r\n\r\n")
			return err
		}, "first record does not look like a TLS handshake"},
		"an end in the handshake": {func(t *testing.T, addr string, _ *authority) error {
			return dial(t, addr).CloseWrite()
		}, "unexpected EOF"},
		"an end without close_notify": {func(t *testing.T, addr string, a *authority) error {
			return below(dialTLS(t, addr, a.trusting())).CloseWrite()
		}, "unexpected EOF"},
		"a certificate that it does not trust": {func(t *testing.T, addr string, _ *authority) error {
			var wrong *tls.CertificateVerificationError
			if err := tls.Client(dial(t, addr), newAuthority(t).trusting()).Handshake(); !errors.As(err, &wrong) {
				return fmt.Errorf("error %v, want one about the certificate", err)
			}
			return nil
		}, "bad certificate"},
	} {
		for _, args := range [][]string{nil, {"-workers", "1"}} {
			t.Run(name+" "+strings.Join(args, " "), func(t *testing.T) {
				p, addr, a := trusted(t, args...)
				other := dialTLS(t, addr, a.trusting())
				if err := tt.offend(t, addr, a); err != nil {
					t.Fatal(err)
				}
				if got := p.message("ssl-echo: 127.0.0.1:"); !strings.Contains(got, tt.want) {
					t.Errorf("message %q, want %q in it", got, tt.want)
				}
				if err := exchange(other, randomData(2, 1<<20)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestSSLEchoClientVerifiesTheServer(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	_, good := startSSLEcho(t, shown(t, a.issue(time.Hour))...)
	_, expired := startSSLEcho(t, shown(t, a.issue(-time.Hour))...)
	_, port, _ := net.SplitHostPort(good)
	for name, tt := range map[string]struct {
		addr string
		args []string
		want string // in the message, or "" for success
	}{
		"by address":            {good, []string{"-ca", a.file()}, ""},
		"by name":               {"localhost:" + port, []string{"-ca", a.file()}, ""},
		"by another name":       {good, []string{"-ca", a.file(), "-servername", "localhost"}, ""},
		"not at all":            {expired, []string{"-insecure"}, ""},
		"unknown to the system": {good, nil, "failed to verify certificate"},
		"of someone else":       {good, []string{"-ca", stranger.file()}, "failed to verify certificate"},
		"with a wrong name":     {good, []string{"-ca", a.file(), "-servername", "example.com"}, "example.com"},
		"expired":               {expired, []string{"-ca", a.file()}, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startSSLClient(t, strings.NewReader("hello\n"), tt.addr, tt.args...)
			if tt.want != "" {
				p.fails(tt.want)
				return
			}
			p.expect("hello")
			p.ends(0)
		})
	}
}

func TestSSLEchoServerVerifiesTheClientIfAsked(t *testing.T) {
	clients, stranger := newAuthority(t), newAuthority(t)
	_, addr, a := trusted(t, "-ca", clients.file())
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"known":           {shown(t, clients.issue(time.Hour)), ""},
		"missing":         {nil, "certificate required"},
		"of someone else": {shown(t, stranger.issue(time.Hour)), "tls: "},
		"expired":         {shown(t, clients.issue(-time.Hour)), "tls: "},
	} {
		t.Run(name, func(t *testing.T) {
			p := startSSLClient(t, strings.NewReader("hello\n"), addr, append(tt.args, "-ca", a.file())...)
			if tt.want != "" {
				p.fails(tt.want)
				return
			}
			p.expect("hello")
			p.ends(0)
		})
	}
}

func TestSSLEchoMakesACertificateAndShowsItsFingerprint(t *testing.T) {
	p, addr := startSSLEcho(t)
	want := p.lineAfter("certificate ")
	conn := dialTLS(t, addr, &tls.Config{InsecureSkipVerify: true})
	cert := conn.ConnectionState().PeerCertificates[0]
	if got := tlsconf.Fingerprint(cert.Raw); got != want {
		t.Errorf("the certificate is %s, and it said %s", got, want)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := cert.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	c := startSSLClient(t, strings.NewReader("hello\n"), addr, "-v", "-ca", pemFile(t, "CERTIFICATE", cert.Raw))
	c.expect("hello")
	c.ends(0)
	if got := c.stderr.String(); !strings.HasSuffix(got, "certificate of the peer "+want+"\n") {
		t.Errorf("the client said %q, want the fingerprint", got)
	}
}

func TestSSLEchoTellsWhatTheHandshakeHasLedTo(t *testing.T) {
	p, addr, a := trusted(t, "-v", "-alpn", "one,two")
	c := startSSLClient(t, nil, addr, "-v", "-ca", a.file(), "-alpn", "three,two")
	c.ends(0)
	const want = "TLS 1.3, TLS_AES_128_GCM_SHA256, protocol two"
	if got := c.message("ssl-echo: "); !strings.HasPrefix(got, want) {
		t.Errorf("the client said %q", got)
	}
	if got := p.message("ssl-echo: 127.0.0.1:"); !strings.HasSuffix(got, ": "+want) {
		t.Errorf("the server said %q", got)
	}
	startSSLClient(t, nil, addr, "-ca", a.file(), "-alpn", "three").fails("no application protocol")
}

// sslTarget starts a client of a server that the test is, and returns the
// server's side of the connection.
func sslTarget(t *testing.T, stdin io.Reader) (*process, *tls.Conn) {
	t.Helper()
	a, l := newAuthority(t), listen(t)
	p := startSSLClient(t, stdin, l.Addr().String(), "-ca", a.file())
	return p, overTLS(accept(t, l), &tls.Config{Certificates: []tls.Certificate{a.issue(time.Hour)}})
}

func TestSSLEchoClientStillReadsWhenStandardInputHasEnded(t *testing.T) {
	p, conn := sslTarget(t, strings.NewReader("request"))
	if err := errors.Join(receive(conn, []byte("request")), sendAll(conn, []byte("reply\n"))); err != nil {
		t.Fatal(err)
	}
	p.expect("reply")
	p.ends(0)
}

func TestSSLEchoClientFails(t *testing.T) {
	t.Run("when nobody listens", func(t *testing.T) {
		l := listen(t)
		unused := l.Addr().String()
		l.Close()
		startSSLClient(t, nil, unused, "-insecure").fails("connect")
	})
	t.Run("when the server does not speak TLS", func(t *testing.T) {
		l := listen(t)
		p := startSSLClient(t, nil, l.Addr().String(), "-insecure")
		if _, err := io.WriteString(accept(t, l), "220 hello\r\n"); err != nil {
			t.Fatal(err)
		}
		p.fails("first record does not look like a TLS handshake")
	})
	t.Run("when the server ends its stream first", func(t *testing.T) {
		p, conn := sslTarget(t, endless(t))
		if err := sendAll(conn, []byte("goodbye\n")); err != nil {
			t.Fatal(err)
		}
		p.expect("goodbye")
		p.fails("after 8 bytes")
	})
	t.Run("when the stream is cut off", func(t *testing.T) {
		p, conn := sslTarget(t, endless(t))
		if _, err := io.WriteString(conn, "good\n"); err != nil {
			t.Fatal(err)
		}
		p.expect("good")
		conn.NetConn().Close()
		p.fails("unexpected EOF")
	})
}

func TestSSLEchoEndsOnInterrupt(t *testing.T) {
	p, addr, a := trusted(t)
	r, w := pipe(t)
	c := startSSLClient(t, r, addr, "-ca", a.file())
	io.WriteString(w, "hello\n")
	c.expect("hello")
	for _, p := range []*process{c, p} {
		p.signal(os.Interrupt)
		p.ends(0)
	}
}

// letters returns size bytes that nobody takes for a command, in lines.
func letters(seed byte, size int) []byte {
	data := randomData(seed, size)
	for i := range data {
		data[i] = 'a' + data[i]%26
		if i%64 == 63 {
			data[i] = '\n'
		}
	}
	return data
}

// OpenSSL's client closes the connection as soon as its standard input ends; so
// that stays open until everything has come back.
func TestSSLEchoServesOpenSSL(t *testing.T) {
	openssl := peer(t, "openssl")
	data := letters(1, 10<<20)
	for _, args := range [][]string{{"-tls1_2"}, {"-tls1_3"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			p, addr, a := trusted(t)
			r, w := pipe(t)
			c := startCommand(t, r, openssl, append([]string{"s_client", "-connect", addr, "-CAfile", a.file(),
				"-verify_return_error", "-servername", "localhost", "-quiet", "-no_ign_eof", "-nocommands"}, args...)...)
			sent := make(chan error, 1)
			go func() {
				_, err := w.Write(data)
				sent <- err
			}()
			if err := sameHash(io.LimitReader(c.stdout, int64(len(data))), data); err != nil {
				t.Fatalf("%v; stderr: %s", err, &c.stderr)
			}
			if err := errors.Join(<-sent, w.Close()); err != nil {
				t.Fatal(err)
			}
			c.ends(0)
			if canSignal {
				p.signal(syscall.SIGTERM)
				p.ends(0)
			}
			if p.stderr.String() != "" {
				t.Errorf("the server complains of %s", &p.stderr)
			}
		})
	}
}

func TestSSLEchoIsRefusedByOpenSSLForAWrongCertificate(t *testing.T) {
	openssl := peer(t, "openssl")
	_, addr, _ := trusted(t)
	c := startCommand(t, endless(t), openssl, "s_client", "-connect", addr, "-CAfile", newAuthority(t).file(),
		"-verify_return_error", "-quiet")
	c.fails("verify")
}

// OpenSSL's server sends every line back with its letters in reverse.
func TestSSLEchoClientTalksToOpenSSL(t *testing.T) {
	openssl := peer(t, "openssl")
	a := newAuthority(t)
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		t.Run(version, func(t *testing.T) {
			args := append([]string{"s_server", "-accept", "127.0.0.1:0", "-rev", version}, shown(t, a.issue(time.Hour))...)
			server := startCommand(t, nil, openssl, args...)
			addr, ok := "", false
			for !ok {
				addr, ok = strings.CutPrefix(server.line(), "ACCEPT ")
			}
			r, w := pipe(t)
			c := startSSLClient(t, r, addr, "-ca", a.file())
			io.WriteString(w, "drawer\n")
			c.expect("reward")
			w.Close()
			c.ends(0)
		})
	}
}
