package load

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// DNSPerf measures a DNS server with dnsperf, which has so many queries
// outstanding, from so many sockets.
func DNSPerf(command []string, outstanding, clients int, d time.Duration) ([]measure.Figure, error) {
	program, err := exec.LookPath("dnsperf")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", measure.ErrUnable, err)
	}
	return with(command, func(s *server) ([]measure.Figure, error) {
		if _, err := askServer(s, outstanding, warmup); err != nil {
			return nil, err
		}
		m, err := newMeter(s)
		if err != nil {
			return nil, err
		}
		result, err := runDNSPerf(program, s.addr, outstanding, clients, d)
		if err != nil {
			return nil, err
		}
		used, err := m.stop()
		if err != nil {
			return nil, err
		}
		// dnsperf has started and ended meanwhile, which is none of the server's
		// time, but some of the clock's.
		used.elapsed, used.load = result.elapsed, result.cpu
		return queryFigures(used, result.completed), nil
	})
}

// dnsperfResult is what dnsperf tells, and what it used.
type dnsperfResult struct {
	completed int
	elapsed   time.Duration
	cpu       time.Duration
}

// runDNSPerf runs dnsperf for as many seconds as there are in d, at least one.
func runDNSPerf(program string, addr netip.AddrPort, outstanding, clients int, d time.Duration) (dnsperfResult, error) {
	seconds := max(1, int(d.Round(time.Second).Seconds()))
	cmd := exec.Command(program, "-s", addr.Addr().String(), "-p", strconv.Itoa(int(addr.Port())),
		"-l", strconv.Itoa(seconds), "-q", strconv.Itoa(outstanding), "-c", strconv.Itoa(clients), "-T", "1", "-d", "/dev/stdin")
	file, err := namesFile()
	if err != nil {
		return dnsperfResult{}, err
	}
	defer file.Close()
	cmd.Stdin = file
	output, err := cmd.Output()
	if err != nil {
		return dnsperfResult{}, fmt.Errorf("dnsperf: %w", err)
	}
	result, err := parseDNSPerf(output)
	result.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return result, err
}

// namesFile returns the names to ask for, in a file, since dnsperf reads them
// again and again.
func namesFile() (*os.File, error) {
	var names bytes.Buffer
	for _, name := range benchNames(dnsServerNames) {
		fmt.Fprintln(&names, name, "A")
	}
	fd, err := unix.MemfdCreate("evbench", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	file := os.NewFile(uintptr(fd), "memfd")
	if _, err := file.WriteAt(names.Bytes(), 0); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// parseDNSPerf reads the statistics that dnsperf prints. A query that was lost
// makes a measurement worthless.
func parseDNSPerf(output []byte) (dnsperfResult, error) {
	values := make(map[string]float64)
	for line := range strings.Lines(string(output)) {
		name, text, ok := strings.Cut(strings.TrimSpace(line), ":")
		fields := strings.Fields(text)
		if !ok || len(fields) == 0 {
			continue
		}
		if v, err := strconv.ParseFloat(fields[0], 64); err == nil {
			values[name] = v
		}
	}
	completed, elapsed := values["Queries completed"], values["Run time (s)"]
	lost, told := values["Queries lost"]
	switch {
	case completed <= 0 || elapsed <= 0 || !told:
		return dnsperfResult{}, fmt.Errorf("dnsperf printed %q", output)
	case lost > completed/1000:
		return dnsperfResult{}, fmt.Errorf("dnsperf lost %g queries of %g", lost, completed+lost)
	}
	return dnsperfResult{completed: int(completed), elapsed: time.Duration(elapsed * float64(time.Second))}, nil
}
