package load

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

// HTTP measures a server of HTTP.
func HTTP(command []string, w HTTPWork, d time.Duration) ([]measure.Figure, error) {
	return with(command, func(s *server) ([]measure.Figure, error) {
		x, err := newHTTPExchange(s, w)
		if err != nil {
			return nil, err
		}
		defer x.pool.close()
		return x.measure(d)
	})
}

// HTTPMemory measures the memory that a server has resident for each of many
// connections that have had a response and went idle.
func HTTPMemory(command []string, size, conns int) ([]measure.Figure, error) {
	return with(command, memory(conns, func(p *pool, s *server, conns int) error {
		first := len(p.fds)
		if err := p.open(s, conns, unix.EPOLLIN); err != nil {
			return err
		}
		return p.verifyHTTP(first, request(s.addr.String(), size, false), HTTPWork{Size: size})
	}))
}

// HTTPSyscalls counts the system calls of a server for each of a number of
// requests, as Syscalls does.
func HTTPSyscalls(command []string, w HTTPWork, requests int) ([]measure.Figure, error) {
	return countSyscalls(command, requests, func(s *server) (*turns, error) {
		x, err := newHTTPExchange(s, w)
		if err != nil {
			return nil, err
		}
		return &x.turns, nil
	})
}

// AskHTTP is a client that asks a server for bodies of a size, on a number of
// connections, until something is wrong: the ceiling of what a client in Go can
// do.
func AskHTTP(addr netip.AddrPort, size, conns int) error {
	x, err := newHTTPExchange(&server{addr: addr}, HTTPWork{Size: size, Depth: 1, Conns: conns})
	if err != nil {
		return err
	}
	defer x.pool.close()
	if err := x.begin(); err != nil {
		return err
	}
	for {
		if err := x.run(time.Second); err != nil {
			return err
		}
		x.latencies = x.latencies[:0]
	}
}

// measure asks for a while, after a warm-up. When the server is asked for its
// allocations nothing is under way.
func (x *httpExchange) measure(d time.Duration) ([]measure.Figure, error) {
	if err := x.begin(); err != nil {
		return nil, err
	}
	if err := x.run(warmup); err != nil {
		return nil, err
	}
	if err := x.end(); err != nil {
		return nil, err
	}
	before, err := x.server.allocations()
	if err != nil {
		return nil, err
	}
	x.latencies = make([]time.Duration, 0, int(d.Seconds()*fastest)*x.work.Depth)
	timed, used, err := x.timed(d)
	if err != nil {
		return nil, err
	}
	if err := x.end(); err != nil {
		return nil, err
	}
	after, err := x.server.allocations()
	if err != nil {
		return nil, err
	}
	allocations := float64(after-before) / float64(len(x.latencies))
	return httpFigures(x.latencies[:timed], used, allocations), nil
}

// timed asks for a while, and returns how many responses came meanwhile and what
// they took.
func (x *httpExchange) timed(d time.Duration) (int, usage, error) {
	m, err := newMeter(x.server)
	if err != nil {
		return 0, usage{}, err
	}
	if err := x.begin(); err != nil {
		return 0, usage{}, err
	}
	if err := x.run(d); err != nil {
		return 0, usage{}, err
	}
	if err := x.runMessages(1); err != nil {
		return 0, usage{}, err
	}
	used, err := m.stop()
	return len(x.latencies), used, err
}

func httpFigures(latencies []time.Duration, used usage, allocations float64) []measure.Figure {
	slices.Sort(latencies)
	n := float64(len(latencies))
	quantile := func(q float64) float64 { return microseconds(stats.Quantile(latencies, q)) }
	return append([]measure.Figure{
		{Name: "rate", Value: n / used.elapsed.Seconds() / 1000},
		{Name: "server CPU", Value: microseconds(used.server) / n},
		{Name: "median", Value: quantile(0.5)},
		{Name: "99th percentile", Value: quantile(0.99)},
		{Name: "99.9th percentile", Value: quantile(0.999)},
		{Name: "allocations", Value: allocations},
	}, used.figures()...)
}

// allocations asks the server how often it has allocated memory so far. It must
// be one that answers lines.
func (s *server) allocations() (int, error) {
	if _, err := s.stdin.Write([]byte("\n")); err != nil {
		return 0, fmt.Errorf("ask for allocations: %w", err)
	}
	line, err := s.stdout.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("read allocations: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(line))
}
