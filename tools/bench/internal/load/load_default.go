//go:build !linux

package load

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// unable is the result of all loads here.
func unable() ([]measure.Figure, error) {
	return nil, fmt.Errorf("%w: the network suites need Linux", measure.ErrUnable)
}

// Echo is measured on Linux only.
func Echo([]string, int, int, time.Duration) ([]measure.Figure, error) { return unable() }

// Throughput is measured on Linux only.
func Throughput([]string, int) ([]measure.Figure, error) { return unable() }

// Memory is measured on Linux only.
func Memory([]string, int) ([]measure.Figure, error) { return unable() }

// RateLimit is measured on Linux only.
func RateLimit([]string, int, int, time.Duration) ([]measure.Figure, error) { return unable() }

// Syscalls is measured on Linux only.
func Syscalls([]string, int, int, int) ([]measure.Figure, error) { return unable() }

// TLSEcho is measured on Linux only.
func TLSEcho([]string, int, int, time.Duration) ([]measure.Figure, error) { return unable() }

// TLSThroughput is measured on Linux only.
func TLSThroughput([]string, int) ([]measure.Figure, error) { return unable() }

// TLSMemory is measured on Linux only.
func TLSMemory([]string, int) ([]measure.Figure, error) { return unable() }

// TLSHandshakes are measured on Linux only.
func TLSHandshakes([]string, tls.CurveID, bool, time.Duration) ([]measure.Figure, error) {
	return unable()
}

// TLSFlood is measured on Linux only.
func TLSFlood(_, _ []string, _ int, _ time.Duration) ([]measure.Figure, error) { return unable() }

// DNSPerf measures on Linux only.
func DNSPerf([]string, int, int, time.Duration) ([]measure.Figure, error) { return unable() }

// DNSServer measures on Linux only.
func DNSServer([]string, int, time.Duration) ([]measure.Figure, error) { return unable() }

// DNSResolve measures on Linux only.
func DNSResolve([]string, int, int) ([]measure.Figure, error) { return unable() }

// DNSHold measures on Linux only.
func DNSHold([]string, int) ([]measure.Figure, error) { return unable() }

// Flood exists on Linux only.
func Flood(string, io.Reader, io.Writer) error {
	_, err := unable()
	return err
}

// HTTP is measured on Linux only.
func HTTP([]string, HTTPWork, time.Duration) ([]measure.Figure, error) { return unable() }

// HTTPMemory is measured on Linux only.
func HTTPMemory([]string, int, int) ([]measure.Figure, error) { return unable() }

// HTTPSyscalls are counted on Linux only.
func HTTPSyscalls([]string, HTTPWork, int) ([]measure.Figure, error) { return unable() }

// HTTPClient is measured on Linux only.
func HTTPClient([]string, int, int, time.Duration) ([]measure.Figure, error) { return unable() }

// RPC is measured on Linux only.
func RPC([]string, int, int, time.Duration) ([]measure.Figure, error) { return unable() }

// RPCClient is measured on Linux only.
func RPCClient([]string, int, int, time.Duration) ([]measure.Figure, error) { return unable() }

// AskHTTP works on Linux only.
func AskHTTP(netip.AddrPort, int, int) error {
	_, err := unable()
	return err
}
