package examples

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/examples/internal/tlsconf"
)

// A tlsProxy is le-proxy with TLS on one side or both, and what its clients and
// its target have to know.
type tlsProxy struct {
	t      *testing.T
	ca     *authority // has signed all certificates
	target *net.TCPListener
	accept bool // le-proxy speaks TLS with the clients
	dial   bool // le-proxy speaks TLS with the target
	*process
	addr string
}

// sides are the ways to have TLS.
var sides = map[string]struct{ accept, dial bool }{
	"with the clients": {accept: true}, "with the target": {dial: true}, "with both": {true, true},
}

func newTLSProxy(t *testing.T, accept, dial bool, args ...string) *tlsProxy {
	t.Helper()
	p := &tlsProxy{t: t, ca: newAuthority(t), target: listen(t), accept: accept, dial: dial}
	if accept {
		args = append(args, append(shown(t, p.ca.issue(time.Hour)), "-tls")...)
	}
	if dial {
		args = append(args, "-tls-connect", "-ca", p.ca.file())
	}
	p.process, p.addr = startProxy(t, p.target.Addr().String(), args...)
	return p
}

// serverConfig is for a target with TLS.
func (p *tlsProxy) serverConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{p.ca.issue(time.Hour)}}
}

// connection returns both ends of a connection through le-proxy.
func (p *tlsProxy) connection() (client, server stream) {
	p.t.Helper()
	if p.accept {
		client = dialTLS(p.t, p.addr, p.ca.trusting())
	} else {
		client = dial(p.t, p.addr)
	}
	conn := accept(p.t, p.target)
	if p.dial {
		return client, overTLS(conn, p.serverConfig())
	}
	return client, conn
}

// open is connection, with the handshakes done.
func (p *tlsProxy) open() (client, server stream) {
	p.t.Helper()
	client, server = p.connection()
	if err := exchangeBetween(client, server); err != nil {
		p.t.Fatal(err)
	}
	return client, server
}

// tcp returns the TCP connection that a stream is, or is over.
func tcp(conn stream) *net.TCPConn {
	if c, ok := conn.(*tls.Conn); ok {
		return below(c).TCPConn
	}
	return conn.(*net.TCPConn)
}

// complains checks the first message, which is about a client.
func (p *tlsProxy) complains(want string) {
	p.t.Helper()
	if got := p.message("le-proxy: 127.0.0.1:"); !strings.Contains(got, want) {
		p.t.Errorf("message %q, want %q in it", got, want)
	}
}

func TestLeProxyPassesDataBothWaysByTLS(t *testing.T) {
	for name, side := range sides {
		for _, args := range [][]string{nil, {"-workers", "1"}, {"-loops", "2", "-workers", "2"}} {
			t.Run(name+" "+strings.Join(args, " "), func(t *testing.T) {
				p := newTLSProxy(t, side.accept, side.dial, args...)
				client, server := p.connection()
				bothWays(t, client, server)
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

func TestLeProxyPassesTheEndOfAStreamOnByTLS(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			p := newTLSProxy(t, side.accept, side.dial)
			client, server := p.connection()
			if err := errors.Join(sendAll(client, []byte("request")), receive(server, []byte("request"))); err != nil {
				t.Fatal("the request: ", err)
			}
			if err := errors.Join(sendAll(server, []byte("reply")), receive(client, []byte("reply"))); err != nil {
				t.Fatal("the reply: ", err)
			}
			// And the other way round.
			client, server = p.open()
			if err := errors.Join(sendAll(server, []byte("hello")), receive(client, []byte("hello"))); err != nil {
				t.Fatal("the greeting: ", err)
			}
			if err := errors.Join(sendAll(client, []byte("thanks")), receive(server, []byte("thanks"))); err != nil {
				t.Fatal("the thanks: ", err)
			}
		})
	}
}

func TestLeProxyDeliversEverythingByTLSToWhoReadsSlowly(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			p := newTLSProxy(t, side.accept, side.dial)
			client, server := p.open()
			if err := tcp(server).SetReadBuffer(128 << 10); err != nil {
				t.Fatal(err)
			}
			lazy := startLazy(t, tcp(client), client)
			other, echo := p.open()
			go io.Copy(echo, echo)
			lazy.awaitStall(t, other)
			// With the other direction over, the end of this one is that of everything.
			if err := errors.Join(server.CloseWrite(), receive(client, nil)); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(sameHash(slowReader{server}, lazy.data), <-lazy.done); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLeProxyEndsBothSidesIfOneIsCutOff(t *testing.T) {
	for name, side := range sides {
		if side.accept {
			t.Run(name+", the client", func(t *testing.T) {
				p := newTLSProxy(t, side.accept, side.dial)
				client, server := p.open()
				tcp(client).Close() // without close_notify
				if err := isCut(server); err != nil {
					t.Error(err)
				}
				p.complains("unexpected EOF")
			})
		}
		if side.dial {
			t.Run(name+", the target", func(t *testing.T) {
				p := newTLSProxy(t, side.accept, side.dial)
				client, server := p.open()
				tcp(server).Close()
				if err := isCut(client); err != nil {
					t.Error(err)
				}
				p.complains("unexpected EOF")
			})
		}
	}
}

func TestLeProxyDoesNotTakeAResetInClearForAnEndByTLS(t *testing.T) {
	p := newTLSProxy(t, true, false)
	client, server := p.open()
	tcp(server).SetLinger(0) // Close resets the connection
	tcp(server).Close()
	if !resetsAreSeen {
		t.Skip("Wine's recv reports end of file after a reset")
	}
	if err := isCut(client); err != nil {
		t.Error(err)
	}
}

func TestLeProxyConnectsOnlyForClientsThatSpeakTLS(t *testing.T) {
	for _, args := range [][]string{nil, {"-workers", "1"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			p := newTLSProxy(t, true, false, args...)
			conn := dial(t, p.addr)
			if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			p.complains("first record does not look like a TLS handshake")
			// The next connection is the first that the target sees.
			client, server := p.connection()
			if err := exchangeBetween(client, server); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLeProxyVerifiesTheTarget(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	for name, tt := range map[string]struct {
		valid time.Duration
		args  []string
		want  string // in the message, or "" for success
	}{
		"known":                 {time.Hour, []string{"-ca", a.file()}, ""},
		"by another name":       {time.Hour, []string{"-ca", a.file(), "-servername", "localhost"}, ""},
		"not at all":            {-time.Hour, []string{"-insecure"}, ""},
		"unknown to the system": {time.Hour, nil, "failed to verify certificate"},
		"of someone else":       {time.Hour, []string{"-ca", stranger.file()}, "failed to verify certificate"},
		"with a wrong name":     {time.Hour, []string{"-ca", a.file(), "-servername", "example.com"}, "example.com"},
		"expired":               {-time.Hour, []string{"-ca", a.file()}, "expired"},
	} {
		for _, workers := range []string{"0", "1"} {
			t.Run(name+", workers "+workers, func(t *testing.T) {
				l := listen(t)
				p, addr := startProxy(t, l.Addr().String(), append(tt.args, "-tls-connect", "-workers", workers)...)
				client := dial(t, addr)
				server := overTLS(accept(t, l), &tls.Config{Certificates: []tls.Certificate{a.issue(tt.valid)}})
				if tt.want == "" {
					if err := exchangeBetween(client, server); err != nil {
						t.Error(err)
					}
					return
				}
				if err := server.Handshake(); err == nil { // TLS 1.3: the alert comes after that
					_, err = io.ReadAll(server)
					if !strings.Contains(fmt.Sprint(err), "certificate") {
						t.Errorf("the target got %v, want an alert about the certificate", err)
					}
				}
				if err := receive(client, nil); err != nil {
					t.Error(err)
				}
				if got := p.message("le-proxy: 127.0.0.1:"); !strings.Contains(got, tt.want) {
					t.Errorf("message %q, want %q in it", got, tt.want)
				}
			})
		}
	}
}

func TestLeProxyHangsUpWhenTheTargetCannotBeReachedByTLS(t *testing.T) {
	l := listen(t)
	unused := l.Addr().String()
	l.Close()
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			var args []string
			if side.accept {
				args = append(args, "-tls")
			}
			if side.dial {
				args = append(args, "-tls-connect", "-insecure")
			}
			_, addr := startProxy(t, unused, args...)
			for range 2 { // it outlives the first one
				if side.accept {
					if err := isCut(dialTLS(t, addr, &tls.Config{InsecureSkipVerify: true})); err != nil {
						t.Error(err)
					}
				} else if err := receive(dial(t, addr), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestLeProxyMakesACertificateAndShowsItsFingerprint(t *testing.T) {
	l := listen(t)
	p, addr := startProxy(t, l.Addr().String(), "-tls")
	want := p.lineAfter("certificate ")
	conn := dialTLS(t, addr, &tls.Config{InsecureSkipVerify: true})
	if got := tlsconf.Fingerprint(conn.ConnectionState().PeerCertificates[0].Raw); got != want {
		t.Errorf("the certificate is %s, and it said %s", got, want)
	}
}

// page is what web servers of tests give out: 10 MB. They check that just as
// much is posted.
var page, form = randomData(1, 10<<20), randomData(2, 10<<20)

func servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		if err := sameHash(r.Body, form); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	w.Write(page)
}

// startWeb starts a web server, with TLS or without, and returns its address.
func startWeb(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	web := httptest.NewUnstartedServer(http.HandlerFunc(servePage))
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of tests
	if cfg == nil {
		web.Start()
	} else {
		web.TLS = cfg
		web.StartTLS()
	}
	t.Cleanup(web.Close)
	return web.Listener.Addr().String()
}

// webProxy starts le-proxy before a web server. The one side is TLS and the
// other in clear, or the other way round. It returns the URL, and who has signed
// the certificate.
func webProxy(t *testing.T, accept bool, args ...string) (p *process, url string, a *authority) {
	t.Helper()
	a = newAuthority(t)
	if accept {
		args = append(args, append(shown(t, a.issue(time.Hour)), "-tls")...)
		p, addr := startProxy(t, startWeb(t, nil), args...)
		return p, "https://" + addr + "/", a
	}
	web := startWeb(t, &tls.Config{Certificates: []tls.Certificate{a.issue(time.Hour)}})
	p, addr := startProxy(t, web, append(args, "-tls-connect", "-ca", a.file())...)
	return p, "http://" + addr + "/", a
}

// webSides say which side of le-proxy is TLS.
var webSides = map[string]bool{"TLS with the client": true, "TLS with the target": false}

// checkPage checks that a reply is the page.
func checkPage(r *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(r.Body)
		return fmt.Errorf("%s: %s", r.Status, text)
	}
	return sameHash(r.Body, page)
}

func TestLeProxyServesNetHTTP(t *testing.T) {
	for name, accept := range webSides {
		for _, workers := range []string{"0", "2"} {
			t.Run(name+", workers "+workers, func(t *testing.T) {
				_, url, a := webProxy(t, accept, "-workers", workers)
				transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool()}}
				defer transport.CloseIdleConnections()
				client := &http.Client{Transport: transport, Timeout: deadline}
				for range 2 { // over the same connection
					if err := checkPage(client.Get(url)); err != nil {
						t.Error("GET: ", err)
					}
					if err := checkPage(client.Post(url, "application/octet-stream", bytes.NewReader(form))); err != nil {
						t.Error("POST: ", err)
					}
				}
			})
		}
	}
}

// curl runs curl, which is to save a page.
func curl(t *testing.T, url string, args ...string) (p *process, saved string) {
	t.Helper()
	path, saved := peer(t, "curl"), tempFile(t, nil)
	args = append([]string{"-q", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "50", "-o", saved}, args...)
	return startCommand(t, nil, path, append(args, url)...), saved
}

// fileHash returns the hash of a file.
func fileHash(t *testing.T, name string) [sha256.Size]byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}

func TestLeProxyServesCurl(t *testing.T) {
	peer(t, "curl")
	upload := tempFile(t, form)
	for name, accept := range webSides {
		for _, workers := range []string{"0", "2"} {
			t.Run(name+", workers "+workers, func(t *testing.T) {
				p, url, a := webProxy(t, accept, "-workers", workers)
				for method, args := range map[string][]string{
					"GET": nil, "POST": {"--data-binary", "@" + upload},
					"GET without keep-alive": {"-H", "Connection: close"},
					"GET by TLS 1.2":         {"--tls-max", "1.2"},
				} {
					c, saved := curl(t, url, append(args, "--cacert", a.file())...)
					c.ends(0)
					if got := fileHash(t, saved); got != sha256.Sum256(page) {
						t.Errorf("%s: curl saved something else", method)
					}
				}
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

func TestLeProxyIsRefusedByCurlForAWrongCertificate(t *testing.T) {
	_, url, _ := webProxy(t, true)
	const certificateProblem = 60
	c, _ := curl(t, url, "--cacert", newAuthority(t).file())
	c.ends(certificateProblem)
}

func TestLeProxyRefusesATargetOnBehalfOfCurl(t *testing.T) {
	a := newAuthority(t)
	web := startWeb(t, &tls.Config{Certificates: []tls.Certificate{a.issue(-time.Hour)}})
	p, addr := startProxy(t, web, "-tls-connect", "-ca", a.file())
	// The second is what curl says if its request has come too late to be read.
	const nothingReceived, connectionReset = 52, 56
	c, _ := curl(t, "http://"+addr+"/")
	c.ends(nothingReceived, connectionReset)
	if got := p.message("le-proxy: 127.0.0.1:"); !strings.Contains(got, "expired") {
		t.Errorf("message %q, want it to say that the certificate has expired", got)
	}
}
