//go:build unix

package evproxy_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/extra/evproxy"
)

// haproxy starts haproxy with a configuration, whose {fd} is a listening socket, and
// returns the address of that. It ends with the test.
func haproxy(t *testing.T, config string) string {
	t.Helper()
	path, err := exec.LookPath("haproxy")
	if err != nil {
		if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
			t.Fatal(err)
		}
		t.Skip("needs haproxy: ", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	name := filepath.Join(t.TempDir(), "haproxy.cfg")
	config = "defaults\n timeout client 20s\n timeout server 20s\n timeout connect 20s\n" + strings.ReplaceAll(config, "{fd}", "fd@3")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-db", "-f", name)
	cmd.ExtraFiles = []*os.File{file}
	var said lockedBuffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("haproxy, with %s, said:\n%s", config, said.String())
		}
	})
	return l.Addr().String()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// received is what a server behind a proxy has got.
type received struct {
	header *evproxy.Header
	err    error
	peer   netip.AddrPort
}

// greet runs a server that says hello to each stream whose header has come, and returns its
// address and what it receives.
func greet(t *testing.T) (addr string, all <-chan received) {
	t.Helper()
	got := make(chan received, 100)
	base := evtest.Loop(t)
	evtest.Do(t, base, func() {
		trust := evproxy.TrustPrefixes(netip.MustParsePrefix("127.0.0.1/32"))
		receiver, err := evproxy.NewReceiver(base, &evproxy.Config{Trust: trust})
		if err != nil {
			t.Error(err)
			return
		}
		var streams []*bufferevent.Bufferevent
		accept := func(_ *listener.Listener, fd int, peer netip.AddrPort) {
			err := receiver.Accept(fd, peer, func(b *bufferevent.Bufferevent, h *evproxy.Header, err error) {
				got <- received{h, err, b.PeerAddr()}
				if err != nil {
					return
				}
				streams = append(streams, b)
				if err := b.Output().AddString("hello\n"); err != nil {
					t.Error(err)
				}
				b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, _ bufferevent.Events) { b.Free() })
				if err := b.Enable(event.Read); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Error(err)
			}
		}
		l, err := listener.NewBind(base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, 10, accept)
		if err != nil {
			t.Error(err)
			return
		}
		addr = l.AddrPort().String()
		t.Cleanup(func() {
			evtest.Do(t, base, func() {
				l.Free()
				receiver.Free()
				for _, b := range streams {
					b.Free()
				}
			})
		})
	})
	if addr == "" {
		t.FailNow()
	}
	return addr, got
}

func await(t *testing.T, all <-chan received) received {
	t.Helper()
	select {
	case r := <-all:
		return r
	case <-time.After(evtest.Patience):
		t.Fatal("nothing was received")
	}
	return received{}
}

// identity writes a certificate and its key into a file.
func identity(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "balancer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	name := filepath.Join(t.TempDir(), "identity.pem")
	if err := os.WriteFile(name, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// dialer connects from an address that haproxy does not have.
func dialer(t *testing.T) *net.Dialer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("needs a second loopback address: ", err)
	}
	l.Close()
	return &net.Dialer{LocalAddr: tcp("127.0.0.2:0"), Timeout: evtest.Patience}
}

// TestHaproxyTellsOfItsClients has haproxy in front of a server.
func TestHaproxyTellsOfItsClients(t *testing.T) {
	dial := dialer(t)
	for _, test := range []struct {
		options string
		version int
		sum     bool
	}{
		{"send-proxy", 1, false},
		{"send-proxy-v2", 2, false},
		{"send-proxy-v2 proxy-v2-options crc32c,unique-id", 2, true},
	} {
		t.Run(test.options, func(t *testing.T) {
			server, all := greet(t)
			addr := haproxy(t, fmt.Sprintf(`
listen front
 mode tcp
 bind {fd}
 unique-id-format id-%%ci
 server s %s %s
`, server, test.options))
			c, err := dial.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			wantHello(t, c)
			r := await(t, all)
			if r.err != nil {
				t.Fatal(r.err)
			}
			h := r.header
			if h.Version != test.version || h.Source.String() != c.LocalAddr().String() || h.Destination.String() != addr || r.peer.String() != c.LocalAddr().String() {
				t.Errorf("%v, peer %v; the client is %v", h, r.peer, c.LocalAddr())
			}
			if h.Checksum != test.sum || test.sum && string(h.UniqueID()) != "id-127.0.0.2" {
				t.Errorf("checksum %v, identifier %q", h.Checksum, h.UniqueID())
			}
		})
	}
}

// TestHaproxyTellsOfTLS has it end the client's TLS.
func TestHaproxyTellsOfTLS(t *testing.T) {
	dial := dialer(t)
	server, all := greet(t)
	addr := haproxy(t, fmt.Sprintf(`
listen front
 mode tcp
 bind {fd} ssl crt %s alpn h2
 server s %s send-proxy-v2-ssl-cn proxy-v2-options ssl-cipher,cert-key,cert-sig,authority,crc32c
`, identity(t), server))
	ctx, cancel := context.WithTimeout(context.Background(), evtest.Patience)
	defer cancel()
	secure := &tls.Dialer{NetDialer: dial, Config: &tls.Config{ServerName: "example.com", InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
	c, err := secure.DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wantHello(t, c)
	r := await(t, all)
	if r.err != nil {
		t.Fatal(r.err)
	}
	h := r.header
	if h.Source.String() != c.LocalAddr().String() || h.Authority() != "example.com" || h.ALPN() != "h2" || !h.Checksum {
		t.Errorf("%v, authority %q, ALPN %q, checksum %v", h, h.Authority(), h.ALPN(), h.Checksum)
	}
	state := c.(*tls.Conn).ConnectionState()
	told := h.TLS()
	if told == nil {
		t.Fatal("nothing of TLS")
	}
	if !told.Client || told.Certificate || told.Version != "TLSv1.3" || told.Cipher != tls.CipherSuiteName(state.CipherSuite) || told.KeyAlgorithm != "EC256" {
		t.Errorf("%+v", told)
	}
}

// TestHaproxyLooksAfterItsServer has it connect on its own account.
func TestHaproxyLooksAfterItsServer(t *testing.T) {
	server, all := greet(t)
	haproxy(t, fmt.Sprintf(`
listen front
 mode tcp
 bind {fd}
 option tcp-check
 tcp-check expect string hello
 server s %s send-proxy-v2 check check-send-proxy inter 100
`, server))
	if r := await(t, all); r.err != nil || !r.header.Local || r.peer.Addr().String() != "127.0.0.1" {
		t.Errorf("%v, peer %v, error %v", r.header, r.peer, r.err)
	}
}

func wantHello(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(evtest.Patience)); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, len("hello\n"))
	if _, err := io.ReadFull(c, p); err != nil || string(p) != "hello\n" {
		t.Fatalf("got %q, error %v", p, err)
	}
}

// TestHaproxyUnderstandsOurHeaders has it answer with what it has understood.
func TestHaproxyUnderstandsOurHeaders(t *testing.T) {
	addr := haproxy(t, `
frontend front
 mode http
 bind {fd} accept-proxy
 http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port] id=%[fc_pp_unique_id] host=%[fc_pp_authority]"
`)
	server := netip.MustParseAddrPort(addr)
	base := evtest.Base(t)
	for name, test := range map[string]struct {
		h    evproxy.Header
		want string // {own} is the client's own address
	}{
		"line, IPv4":    {evproxy.Header{Version: 1, Source: from4, Destination: to4}, "192.0.2.1:1000 192.0.2.2:443 id= host="},
		"line, IPv6":    {evproxy.Header{Version: 1, Source: from6, Destination: to6}, "2001:db8::1:1000 2001:db8::2:443 id= host="},
		"line, unknown": {evproxy.Header{Version: 1}, "{own} {server} id= host="},
		"binary, IPv4":  {evproxy.Header{Version: 2, Source: from4, Destination: to4}, "192.0.2.1:1000 192.0.2.2:443 id= host="},
		"binary, IPv6":  {evproxy.Header{Version: 2, Source: from6, Destination: to6, Checksum: true}, "2001:db8::1:1000 2001:db8::2:443 id= host="},
		"binary, local": {evproxy.Header{Version: 2, Local: true}, "{own} {server} id= host="},
		"binary, TLVs": {evproxy.Header{Version: 2, Source: from4, Destination: to4, Checksum: true, TLVs: tlvs(
			evproxy.TLV{Type: evproxy.TypeUniqueID, Value: []byte("7")}, evproxy.TLV{Type: evproxy.TypeAuthority, Value: []byte("example.com")},
			(&evproxy.TLS{Client: true, Version: "TLSv1.3", Cipher: "none"}).TLV())}, "192.0.2.1:1000 192.0.2.2:443 id=7 host=example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Free()
			if err := evproxy.Send(b, &test.h); err != nil {
				t.Fatal(err)
			}
			if err := b.Output().AddString("GET / HTTP/1.0\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			own, ended := "", false
			b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
				if what&bufferevent.EventConnected != 0 {
					local, _ := b.NetAddrs()
					own = local.String()
				} else {
					ended = true
				}
			})
			if err := b.Enable(event.Read); err != nil {
				t.Fatal(err)
			}
			if err := b.Connect(server); err != nil {
				t.Fatal(err)
			}
			evtest.Await(t, base, "the answer", func() bool { return ended })
			answer, err := io.ReadAll(b.Input())
			if err != nil {
				t.Fatal(err)
			}
			_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
			if want := strings.NewReplacer("{own}", own, "{server}", addr).Replace(test.want); body != want {
				t.Errorf("got %q, want %q", body, want)
			}
		})
	}
}
