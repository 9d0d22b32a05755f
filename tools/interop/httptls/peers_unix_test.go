//go:build unix

package httptls

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evhttp"
)

// program returns the path of a program that is installed, or skips the test, or
// makes it fail if peers are required.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("LIBEVENT_TEST_PEERS") == "require":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return path
}

// files writes the certificate and its key into files.
func files(t testing.TB) (cert, key string) {
	t.Helper()
	id, _ := identity()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(id.PrivateKey)
	ok(t, err)
	ok(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate[0]}), 0o600))
	ok(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return cert, key
}

// A strictClient is a program that asks a server for a page. Most tell a stream that
// has ended from one that was cut off.
type strictClient struct {
	name      string
	args      func(cert, port string) []string
	complaint string // of a stream that was cut off; nothing if it does not mind
}

var strictClients = []strictClient{
	{"openssl", func(cert, port string) []string {
		return []string{"s_client", "-connect", "127.0.0.1:" + port, "-servername", serverName, "-CAfile", cert, "-quiet"}
	}, "unexpected eof"},
	{"gnutls-cli", func(cert, port string) []string {
		return []string{"--x509cafile", cert, "--port", port, "--no-ca-verification", serverName}
	}, "non-properly terminated"},
	{"curl", func(cert, port string) []string {
		return []string{"-q", "-sS", "--noproxy", "*", "--http1.0", "--cacert", cert, "https://" + serverName + ":" + port + "/"}
	}, ""},
	{"node", func(cert, port string) []string {
		return []string{"-e", `
			const fs = require("fs"), tls = require("tls");
			const c = tls.connect({port: +process.argv[2], host: "127.0.0.1", servername: "localhost", ca: fs.readFileSync(process.argv[1])});
			c.write("GET / HTTP/1.0\r\n\r\n");
			c.on("data", d => process.stdout.write(d));
			c.on("error", e => console.error("unexpected", e));`, cert, port}
	}, ""},
}

// Strict clients find the answers of a server whole, and those that are cut off not.
func TestStrictClients(t *testing.T) {
	cert, _ := files(t)
	for _, client := range strictClients {
		for name, cut := range map[string]bool{"whole": false, "cut off": true} {
			if cut && client.complaint == "" {
				continue
			}
			t.Run(client.name+", "+name, func(t *testing.T) {
				path := program(t, client.name)
				w := newSite(t, serverTLS(0), stream(func(r *evhttp.Request) {
					if cut {
						r.Cancel()
					} else {
						r.SendReplyEnd()
					}
				}))
				_, port, err := net.SplitHostPort(w.addr)
				ok(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				cmd := exec.CommandContext(ctx, path, client.args(cert, port)...)
				cmd.Env = append(os.Environ(), "LC_ALL=C")
				stdin, err := cmd.StdinPipe()
				ok(t, err)
				var said, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &said, &errs
				ok(t, cmd.Start())
				stdin.Write([]byte(old))
				err = cmd.Wait() // the input stays open until the server ends
				complains := strings.Contains(errs.String(), "unexpected") ||
					client.complaint != "" && strings.Contains(said.String()+errs.String(), client.complaint)
				if said.Len() < len(long) || complains != cut {
					t.Errorf("%d bytes, %v, %s", said.Len(), err, &errs)
				}
			})
		}
	}
}

// A strict server finds that a client has ended its stream in order.
func TestStrictServer(t *testing.T) {
	path := program(t, "openssl")
	cert, key := files(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	addr := l.Addr().String()
	ok(t, l.Close()) // s_server does not tell which port it has been given
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "s_server", "-accept", addr, "-cert", cert, "-key", key, "-naccept", "1")
	stdin, err := cmd.StdinPipe()
	ok(t, err)
	out, err := cmd.StdoutPipe()
	ok(t, err)
	cmd.Stderr = cmd.Stdout
	ok(t, cmd.Start())
	var said bytes.Buffer
	until := func(text string) bool {
		p := make([]byte, 4096)
		for !strings.Contains(said.String(), text) {
			n, err := out.Read(p)
			said.Write(p[:n])
			if err != nil {
				return false
			}
		}
		return true
	}
	if !until("ACCEPT") {
		t.Fatalf("s_server has said %s", &said)
	}
	over := make(chan error, 1)
	w := newCaller(t, clientTLS(0), nil)
	w.do(func() {
		r := evhttp.NewRequest(func(r *evhttp.Request) { over <- r.Err() })
		if err := w.c.MakeRequest(r, evhttp.MethodGet, "https://"+addr+"/"); err != nil {
			over <- err
		}
	})
	if !until("\r\n\r\n") && !until("\n\n") {
		t.Fatalf("s_server has said %s", &said)
	}
	_, err = stdin.Write([]byte(closed + "\n"))
	ok(t, err)
	ok(t, receive(t, "the answer", over))
	until("no such text")
	if err := cmd.Wait(); err != nil || strings.Contains(said.String(), "unexpected eof") {
		t.Errorf("s_server ended with %v; it said %s", err, &said)
	}
}
