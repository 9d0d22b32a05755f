package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/certificate"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// The servers that speak TLS, and the flood, that the test's program can be.
func init() {
	roles["tls"] = func() { listenTLS(func(*tls.Config) {}) }
	roles["tls-old"] = func() { listenTLS(func(cfg *tls.Config) { cfg.MaxVersion = tls.VersionTLS12 }) }
	roles["tls-p256"] = func() { listenTLS(func(cfg *tls.Config) { cfg.CurvePreferences = []tls.CurveID{tls.CurveP256} }) }
	roles["tls-x25519"] = func() { listenTLS(func(cfg *tls.Config) { cfg.CurvePreferences = []tls.CurveID{tls.X25519} }) }
	roles["tls-ticketless"] = func() { listenTLS(func(cfg *tls.Config) { cfg.SessionTicketsDisabled = true }) }
}

func listenTLS(change func(*tls.Config)) {
	cert, err := certificate.Load()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}}
	change(cfg)
	listen(func(raw net.Conn) {
		conn := tls.Server(raw, cfg)
		io.Copy(conn, conn)
	})
}

// requirePositive fails unless all figures are.
func requirePositive(t *testing.T, figures []measure.Figure, err error, want string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got := names(figures); got != want {
		t.Errorf("figures %q, want %q", got, want)
	}
	for _, f := range figures {
		if f.Value <= 0 {
			t.Errorf("%s is %g, want something", f.Name, f.Value)
		}
	}
}

func TestTLSEchoMeasuresBothEnds(t *testing.T) {
	for _, size := range []int{64, 4096, 40_000} { // the last needs several records
		figures, err := TLSEcho(role(t, "tls"), size, 10, 50*time.Millisecond)
		requirePositive(t, figures, err, "rate, server CPU, median, 99.9th percentile, server busy, load busy")
	}
}

func TestTLSThroughputCountsAllBytes(t *testing.T) {
	figures, err := TLSThroughput(role(t, "tls"), 10_000_000)
	requirePositive(t, figures, err, "rate, server CPU, server busy, load busy")
}

func TestTLSMemoryGrowsWithConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for connections to be idle")
	}
	figures, err := TLSMemory(role(t, "tls"), 200)
	if err != nil {
		t.Fatal(err)
	}
	// A goroutine has a stack of 2 kB at least.
	if memory := find(t, figures, "memory"); memory < 1000 {
		t.Errorf("%g B a connection, want those of a goroutine at least", memory)
	}
}

func TestTLSHandshakesAreFullOrResumed(t *testing.T) {
	const want = "handshakes, server CPU, server busy, load busy"
	for _, resume := range []bool{false, true} {
		for _, exchange := range []tls.CurveID{tls.X25519, tls.X25519MLKEM768} {
			t.Run(fmt.Sprint(exchange, resume), func(t *testing.T) {
				figures, err := TLSHandshakes(role(t, "tls"), exchange, resume, 50*time.Millisecond)
				requirePositive(t, figures, err, want)
			})
		}
	}
}

// floodCommand is that of a flood that is the test's program.
func floodCommand() []string { return []string{os.Args[0], "flood"} }

func TestTLSFloodMeasuresOthers(t *testing.T) {
	figures, err := TLSFlood(role(t, "tls"), floodCommand(), 5, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	// Of the flood there may be nothing in a short time on a busy machine.
	last := len(figures) - 1
	requirePositive(t, figures[:last], err, "quiet, flooded, flooded/quiet, messages, quiet, messages, flooded")
	if got := figures[last].Name; got != "handshakes" {
		t.Errorf("figure %q, want that of the flood", got)
	}
}

func TestFloodsThatFailAreErrors(t *testing.T) {
	server := role(t, "tls")
	for _, flood := range [][]string{{"/no/such/program"}, {"false"}, {"echo"}} {
		if _, err := TLSFlood(server, flood, 1, time.Millisecond); err == nil {
			t.Errorf("%q was taken for a flood", flood)
		}
	}
	if err := Flood("nowhere", strings.NewReader(""), io.Discard); err == nil {
		t.Error("a flood had no address")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close() // now nobody listens there
	r, w := io.Pipe()
	defer w.Close()
	if err := Flood(listener.Addr().String(), r, io.Discard); err == nil {
		t.Error("a flood had no server")
	}
}

func TestTLSServersMustDoTheSame(t *testing.T) {
	full := func(exchange tls.CurveID) func([]string) error {
		return func(command []string) error {
			_, err := TLSHandshakes(command, exchange, false, 10*time.Millisecond)
			return err
		}
	}
	tests := []struct {
		role    string
		measure func([]string) error
		want    string
		unable  bool
	}{
		{"tls-old", full(tls.X25519), "TLS handshake: ", false},
		{"tls-p256", full(tls.X25519), "TLS handshake: ", false},
		{"tls-x25519", full(tls.X25519MLKEM768), "exchanges keys by X25519, not X25519MLKEM768", true},
		{"tls-ticketless", func(command []string) error {
			_, err := TLSHandshakes(command, tls.X25519, true, 10*time.Millisecond)
			return err
		}, "a session resumed: false, want true", false},
		{"echo", func(command []string) error {
			_, err := TLSEcho(command, 64, 1, 10*time.Millisecond)
			return err
		}, "TLS handshake: ", false},
	}
	for _, test := range tests {
		t.Run(test.role, func(t *testing.T) {
			err := test.measure(role(t, test.role))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
			if got := errors.Is(err, measure.ErrUnable); got != test.unable {
				t.Errorf("error %v: the machine is the reason: %v, want %v", err, got, test.unable)
			}
		})
	}
}
