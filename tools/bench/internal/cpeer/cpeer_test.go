package cpeer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/certificate"
)

// build builds the peer, or skips the test where that is not possible.
func build(t *testing.T) Peer {
	t.Helper()
	return buildWith(t, Build)
}

func buildWith(t *testing.T, build func(context.Context, string) (Peer, error)) Peer {
	t.Helper()
	peer, err := build(t.Context(), t.TempDir())
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return peer
}

func TestPeerTellsItsVersion(t *testing.T) {
	if peer := build(t); !strings.HasPrefix(peer.Version, "2.") {
		t.Errorf("version %q, want 2.something", peer.Version)
	}
}

func TestPeerPrintsTheFiguresOfEachWorkload(t *testing.T) {
	peer := build(t)
	tests := []struct {
		args string
		want []string
	}{
		{"timers 10", []string{"add", "re-add", "delete", "add in a callback", "fire"}},
		{"pipes 4 2 10", []string{"run"}},
		{"activate 10", []string{"activate"}},
		{"post 1000", []string{"activate", "post", "round trip"}},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			output, err := exec.Command(peer.Path, strings.Fields(test.args)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(output)), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("output %q, want figures %q", output, test.want)
			}
			for i, line := range lines {
				if name, _, _ := strings.Cut(line, "\t"); name != test.want[i] {
					t.Errorf("figure %q, want %q", name, test.want[i])
				}
			}
		})
	}
}

func TestPeerServes(t *testing.T) {
	peer := build(t)
	for _, args := range []string{"serve", "serve 1000000 0", "serve 0 1000000", "serve 1000000 1000000"} {
		t.Run(args, func(t *testing.T) {
			serve(t, exec.Command(peer.Path, strings.Fields(args)...), func(address string) {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				requireEcho(t, conn)
			})
		})
	}
}

func TestTLSPeerServes(t *testing.T) {
	peer := buildWith(t, BuildTLS)
	if _, err := exec.Command(peer.Path, "serve").Output(); err == nil {
		t.Error("a server needed no certificate")
	}
	path, err := certificate.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(peer.Path, "serve")
	cmd.Env = append(os.Environ(), certificate.Variable+"="+path)
	serve(t, cmd, func(address string) {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		requireEcho(t, conn)
	})
}

func TestTLSPeerTellsItsVersions(t *testing.T) {
	peer := buildWith(t, BuildTLS)
	var libevent, openssl string
	if _, err := fmt.Sscanf(peer.Version, "%s OpenSSL %s", &libevent, &openssl); err != nil {
		t.Errorf("version %q, want that of libevent and of OpenSSL: %v", peer.Version, err)
	}
}

func TestDNSPeerServesAndResolves(t *testing.T) {
	peer := buildWith(t, BuildDNS)
	serve(t, exec.Command(peer.Path, "serve"), func(address string) {
		output, err := exec.Command(peer.Path, "resolve", address, "100", "10").Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := figureNames(output); got != "rate, CPU" {
			t.Errorf("figures %q", got)
		}
		if err := exec.Command(peer.Path, "hold", address, "10").Run(); err == nil {
			t.Error("lookups that are answered were taken for outstanding ones")
		}
	})
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	output, err := exec.Command(peer.Path, "hold", silent.LocalAddr().String(), "100").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := figureNames(output); got != "RSS, heap" {
		t.Errorf("figures %q", got)
	}
}

// figureNames returns the names of the figures that a peer has printed.
func figureNames(output []byte) string {
	var names []string
	for line := range strings.Lines(string(output)) {
		name, _, _ := strings.Cut(line, "\t")
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// serve runs a server while use works with its address.
func serve(t *testing.T, cmd *exec.Cmd, use func(address string)) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}()
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	use(strings.TrimSpace(address))
}

// requireEcho sends a message to a server and fails unless it comes back.
func requireEcho(t *testing.T, conn net.Conn) {
	t.Helper()
	defer conn.Close()
	const message = "hello, world"
	if _, err := io.WriteString(conn, message); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(message))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != message {
		t.Errorf("%q came back, %v, want %q", got, err, message)
	}
}

func TestPeerRefusesUnknownWorkloads(t *testing.T) {
	peer := build(t)
	for _, args := range []string{"", "timers", "timers 1 2", "nothing 1", "serve 1"} {
		if err := exec.Command(peer.Path, strings.Fields(args)...).Run(); err == nil {
			t.Errorf("workload %q succeeded", args)
		}
	}
}

func TestBuildSaysWhatIsMissing(t *testing.T) {
	t.Run("compiler", func(t *testing.T) {
		t.Setenv("CC", "no-such-compiler")
		if _, err := Build(t.Context(), t.TempDir()); !errors.Is(err, ErrMissing) {
			t.Errorf("error %v, want %v", err, ErrMissing)
		}
	})
	for header, build := range map[string]func(context.Context, string) (Peer, error){
		"event2/event.h": Build,
		"openssl/ssl.h":  BuildTLS,
		"event2/dns.h":   BuildDNS,
	} {
		t.Run(header, func(t *testing.T) {
			compiler := filepath.Join(t.TempDir(), "cc")
			script := "#!/bin/sh\ngrep -q " + header + " || exit 0\necho no luck >&2\nexit 1\n"
			if err := os.WriteFile(compiler, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("CC", compiler)
			_, err := build(t.Context(), t.TempDir())
			if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "no "+header) || !strings.HasSuffix(err.Error(), "no luck") {
				t.Errorf("error %v, want %v with the header and the compiler's message", err, ErrMissing)
			}
		})
	}
}
