package server

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/certificate"
	"github.com/go-libevent/libevent/tools/bench/internal/load"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// TestMain lets the test's program be the server under test.
func TestMain(m *testing.M) {
	name := os.Getenv("SERVER_TEST_NAME")
	if name == "" {
		os.Exit(m.Run())
	}
	if err := Serve(name, nil, os.Stdin, os.Stdout); err != nil {
		os.Stderr.WriteString(err.Error())
		if errors.Is(err, measure.ErrUnable) {
			os.Exit(3)
		}
		os.Exit(1)
	}
}

// requireFigures fails unless the figures have these names and a sense.
func requireFigures(t *testing.T, figures []measure.Figure, err error, want ...string) {
	t.Helper()
	if errors.Is(err, measure.ErrUnable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range figures {
		names = append(names, f.Name)
		if f.Value < 0 {
			t.Errorf("%s is %g, want nothing negative", f.Name, f.Value)
		}
	}
	if !slices.Equal(names, want) {
		t.Errorf("figures %q, want %q", names, want)
	}
}

func TestServersEcho(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SERVER_TEST_NAME", name)
			command := os.Args[:1]
			t.Run("messages", func(t *testing.T) {
				figures, err := load.Echo(command, 4096, 5, 10*time.Millisecond)
				requireFigures(t, figures, err, "rate", "server CPU", "median", "99.9th percentile", "server busy", "load busy")
			})
			t.Run("a stream", func(t *testing.T) {
				figures, err := load.Throughput(command, 20_000_000)
				requireFigures(t, figures, err, "rate", "server CPU", "server busy", "load busy")
			})
		})
	}
}

func TestTLSServersEcho(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(tlsServers)) {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SERVER_TEST_NAME", name)
			command := os.Args[:1]
			t.Run("messages", func(t *testing.T) {
				figures, err := load.TLSEcho(command, 4096, 5, 10*time.Millisecond)
				requireFigures(t, figures, err, "rate", "server CPU", "median", "99.9th percentile", "server busy", "load busy")
			})
			t.Run("a stream", func(t *testing.T) {
				figures, err := load.TLSThroughput(command, 20_000_000)
				requireFigures(t, figures, err, "rate", "server CPU", "server busy", "load busy")
			})
			for _, resume := range []bool{false, true} {
				t.Run(fmt.Sprintf("handshakes, resumed: %v", resume), func(t *testing.T) {
					figures, err := load.TLSHandshakes(command, tls.X25519, resume, 100*time.Millisecond)
					requireFigures(t, figures, err, "handshakes", "server CPU", "server busy", "load busy")
				})
			}
		})
	}
}

func TestDNSServersAnswer(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(dnsServers)) {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SERVER_TEST_NAME", name)
			figures, err := load.DNSServer(os.Args[:1], 50, 50*time.Millisecond) // checks the answers
			requireFigures(t, figures, err, "rate", "server CPU", "server busy", "load busy")
		})
	}
}

func TestTLSServersNeedACertificate(t *testing.T) {
	t.Setenv(certificate.Variable, "")
	for name, serve := range tlsServers {
		if err := serve(func(net.Addr) { t.Errorf("server %q listens", name) }); err == nil {
			t.Errorf("server %q ended without an error", name)
		}
	}
}

// startServer starts a server as a process and returns its address.
func startServer(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SERVER_TEST_NAME="+name)
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
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestServersKeepBytesInOrderWhenTheSocketIsFull(t *testing.T) {
	for _, name := range []string{"ours", "raw"} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", startServer(t, name))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			// What is sent is more than the sockets can hold, and is read in
			// small pieces: the server has to wait before it can write.
			if err := conn.(*net.TCPConn).SetReadBuffer(256 << 10); err != nil {
				t.Fatal(err)
			}
			sent := make([]byte, 8<<20)
			rand.NewChaCha8([32]byte{}).Read(sent)
			go func() {
				conn.Write(sent)
				conn.(*net.TCPConn).CloseWrite()
			}()
			got := make([]byte, len(sent))
			for p := got; len(p) > 0; {
				n, err := conn.Read(p[:min(len(p), 64)])
				if err != nil {
					t.Fatal(err)
				}
				p = p[n:]
			}
			if !bytes.Equal(got, sent) {
				t.Error("other bytes came back")
			}
			if n, err := conn.Read(got); n != 0 || err != io.EOF {
				t.Errorf("read %d bytes, %v after the end, want %v", n, err, io.EOF)
			}
		})
	}
}

func TestUnknownServersAreRefused(t *testing.T) {
	tests := []struct {
		name    string
		numbers []int
	}{{"naps", nil}, {"raw", []int{1}}, {"tls-net", []int{0}}, {"tls-net", []int{1, 1}}, {"dns-miekg", []int{1}}}
	for _, test := range tests {
		var out bytes.Buffer
		err := Serve(test.name, test.numbers, io.LimitReader(os.Stdin, 0), &out)
		if err == nil || !strings.Contains(err.Error(), "unknown server") {
			t.Errorf("server %q %d: error %v, want that it is unknown", test.name, test.numbers, err)
		}
		if out.Len() > 0 {
			t.Errorf("server %q printed %q", test.name, out.String())
		}
	}
}
