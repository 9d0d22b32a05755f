package examples

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/extra/evproxy"
)

// announcing has the client's connections begin with a header of the PROXY protocol.
func announcing(w *website, h *evproxy.Header) {
	w.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		p, err := h.AppendTo(nil)
		if err == nil {
			_, err = c.Write(p)
		}
		if err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
}

// TestHTTPServerBelievesProxies looks for the client's address in the access log.
func TestHTTPServerBelievesProxies(t *testing.T) {
	client := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:1000"))
	server := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.2:443"))
	for name, secure := range schemes {
		for version := 1; version <= 2; version++ {
			t.Run(fmt.Sprintf("%s, version %d", name, version), func(t *testing.T) {
				w := startWebsite(t, secure, "-proxy-protocol", "127.0.0.1,::1", "-loops", "2")
				announcing(w, &evproxy.Header{Version: version, Source: client, Destination: server})
				if code, _, body := w.get("/page.txt"); code != 200 || body != "a page\n" {
					t.Errorf("got %d and %q", code, body)
				}
				if line := w.line(); !strings.HasPrefix(line, "192.0.2.1 ") {
					t.Errorf("logged %q", line)
				}
			})
		}
	}
}

// TestHTTPServerRefusesWhatIsNoProxy has peers that are none, or say nothing of their client.
func TestHTTPServerRefusesWhatIsNoProxy(t *testing.T) {
	for trust, want := range map[string]string{
		"10.0.0.0/8":  "http-server: evproxy: receive from 127.0.0.1:[0-9]+: peer is not trusted",
		"127.0.0.0/8": "http-server: evproxy: receive from 127.0.0.1:[0-9]+: invalid header: no signature",
	} {
		t.Run(trust, func(t *testing.T) {
			w := startWebsite(t, false, "-proxy-protocol", trust)
			if resp, err := w.client.Get(w.url + "/page.txt"); err == nil {
				resp.Body.Close()
				t.Errorf("got %s", resp.Status)
			}
			if said := w.message(""); !regexp.MustCompile("^" + want + "$").MatchString(said) {
				t.Errorf("said %q", said)
			}
		})
	}
}

// TestHTTPServerBehindHaproxy has haproxy pass connections on, in clear and with TLS between
// both, for a client at another address.
func TestHTTPServerBehindHaproxy(t *testing.T) {
	haproxy := peer(t, "haproxy")
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("needs a second loopback address: ", err)
	}
	l.Close()
	for _, test := range []struct {
		options string
		secure  bool
	}{
		{"send-proxy", false},
		{"send-proxy-v2", false},
		{"ssl verify none send-proxy", true},
		{"ssl verify none send-proxy-v2", true},
	} {
		t.Run(test.options, func(t *testing.T) {
			w := startWebsite(t, test.secure, "-proxy-protocol", "127.0.0.1")
			front := startHaproxy(t, haproxy, fmt.Sprintf("server s %s %s", w.addr, test.options))
			transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext}
			defer transport.CloseIdleConnections()
			if got := ask(t, transport, "GET", "http://"+front+"/page.txt", ""); got != "200 OK a page\n" {
				t.Errorf("got %q", got)
			}
			if line := w.line(); !strings.HasPrefix(line, "127.0.0.2 ") {
				t.Errorf("logged %q", line)
			}
		})
	}
}

// startHaproxy starts it with one server behind, and returns where it listens.
func startHaproxy(t *testing.T, path, server string) (addr string) {
	t.Helper()
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
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := "defaults\n timeout client 20s\n timeout server 20s\n timeout connect 20s\nlisten front\n mode tcp\n bind fd@3\n " + server + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newCommand(t, path, "-db", "-f", config)
	p.cmd.ExtraFiles = []*os.File{file}
	p.run()
	return l.Addr().String()
}
