package resolver

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/process"
)

// answer is what every name resolves to.
var answer = netip.AddrFrom4([4]byte{192, 0, 2, 1})

// resolvers are those that can be measured, by name. They look up a number of
// distinct names.
var resolvers = map[string]func(upstream netip.AddrPort, lookups, atOnce int) error{
	"ours": func(upstream netip.AddrPort, lookups, atOnce int) error {
		return resolveOurs(upstream, 0, lookups, atOnce)
	},
	"ours-no-cache": func(upstream netip.AddrPort, lookups, atOnce int) error {
		return resolveOurs(upstream, evdns.NoCache, lookups, atOnce)
	},
	"net": resolveNet,
}

// holders are those whose memory can be measured, by name. They call look before
// the first lookup is started, and again when a number of them has been outstanding
// for a while.
var holders = map[string]func(upstream netip.AddrPort, lookups int, look func()) error{
	"ours": holdOurs,
}

// Resolve runs a resolver: its arguments are a name, the upstream's address, the
// number of lookups and how many are under way.
func Resolve(args []string) ([]measure.Figure, error) {
	if len(args) != 4 || resolvers[args[0]] == nil {
		return nil, fmt.Errorf("unknown resolver %q", args)
	}
	upstream, numbers, err := parse(args[1:])
	if err != nil {
		return nil, err
	}
	runtime.GOMAXPROCS(1)
	used, err := process.CPU(os.Getpid())
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := resolvers[args[0]](upstream, numbers[0], numbers[1]); err != nil {
		return nil, err
	}
	elapsed := time.Since(began)
	after, err := process.CPU(os.Getpid())
	return []measure.Figure{
		{Name: "rate", Value: float64(numbers[0]) / (elapsed.Seconds() * 1e3)},
		{Name: "CPU", Value: (after - used).Seconds() * 1e6 / float64(numbers[0])},
	}, err
}

// Hold runs a resolver whose lookups stay outstanding: its arguments are a name,
// the upstream's address and the number of lookups.
func Hold(args []string) ([]measure.Figure, error) {
	if len(args) != 3 || holders[args[0]] == nil {
		return nil, fmt.Errorf("unknown resolver %q", args)
	}
	upstream, numbers, err := parse(args[1:])
	if err != nil {
		return nil, err
	}
	runtime.GOMAXPROCS(1)
	var looks []memory
	if err := holders[args[0]](upstream, numbers[0], func() { looks = append(looks, memoryNow()) }); err != nil {
		return nil, err
	}
	before, after := looks[0], looks[1]
	each := func(bytes int64) float64 { return float64(bytes) / float64(numbers[0]) }
	return []measure.Figure{
		{Name: "RSS", Value: each(after.resident - before.resident)},
		{Name: "heap", Value: each(after.heap - before.heap)},
	}, nil
}

// memory is what a process uses, in bytes.
type memory struct{ resident, heap int64 }

// memoryNow looks at the resident memory as it is, and at the heap without what
// could be collected.
func memoryNow() memory {
	resident, err := process.Resident(os.Getpid())
	if err != nil {
		panic(err) // the file is there for every process
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return memory{resident, int64(stats.HeapAlloc)}
}

// name returns the name of lookup i.
func name(i int) string { return "host-" + strconv.Itoa(i) + ".bench.example" }

// check says whether a lookup has led to the only address there is.
func check(name string, addrs []netip.Addr, err error) error {
	if err != nil {
		return err
	}
	if len(addrs) != 1 || addrs[0] != answer {
		return fmt.Errorf("%s has the addresses %v, want %v", name, addrs, answer)
	}
	return nil
}

// parse reads an address and numbers, of which none is below 1.
func parse(args []string) (netip.AddrPort, []int, error) {
	upstream, err := netip.ParseAddrPort(args[0])
	if err != nil {
		return netip.AddrPort{}, nil, err
	}
	var numbers []int
	for _, word := range args[1:] {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return netip.AddrPort{}, nil, fmt.Errorf("number %q, want at least 1", word)
		}
		numbers = append(numbers, n)
	}
	return upstream, numbers, nil
}
