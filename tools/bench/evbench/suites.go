package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/tools/bench/internal/cpeer"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
)

// suite is a set of cases that are measured on the same sides.
type suite struct {
	name   string
	sides  []side // the first is compared with the others
	tables []table
	cases  []benchCase

	// network says that a side is a server, with a processor of its own, and
	// that what the cases name is the load.
	network bool

	// counts says that figures differ between sides and rounds: what is missing
	// is zero.
	counts bool
}

// side is what a figure is measured of.
type side struct {
	name  string   // for the command line; empty if it cannot be left out
	title string   // the head of its column; the C peer's version is added to it
	peer  peerKind // the program is that C peer, or this one
	args  []string // before those of the case
}

// peerKind tells the C peers apart. Zero is none of them.
type peerKind int

const (
	runsLoop   peerKind = 1 + iota // and serves in clear
	speaksTLS                      // serves over TLS
	speaksDNS                      // serves and resolves names
	speaksHTTP                     // serves and asks
	speaksRPC                      // serves and calls
)

// buildPeer compiles the C peers.
var buildPeer = map[peerKind]func(ctx context.Context, dir string) (cpeer.Peer, error){
	runsLoop:   cpeer.Build,
	speaksTLS:  cpeer.BuildTLS,
	speaksDNS:  cpeer.BuildDNS,
	speaksHTTP: cpeer.BuildHTTP,
	speaksRPC:  cpeer.BuildRPC,
}

// table is what becomes of some of the figures of a suite.
type table struct {
	unit    string // of the figures; the rest of the title
	better  report.Better
	figures []string // their names; all if there are none
}

// benchCase is a workload with its numbers.
type benchCase struct {
	label string
	cpus  int      // how many processors all sides get
	args  []string // of the workload
	times int      // the measuring time, times this, is the last of args, unless zero

	// serverArgs are those of the server, in a network suite.
	serverArgs []string
}

// suites are all suites in the order in which they run.
var suites = slices.Concat(loopSuites, netSuites, httpSuites, rpcSuites, tlsSuites, dnsSuites)

// loopSuites are those of the event loop.
var loopSuites = []suite{
	{name: "timers", sides: oursAndC(), tables: times("ns"), cases: timerCases()},
	{name: "pipes", sides: oursAndC(), tables: times("µs"), cases: pipeCases()},
	{name: "activate", sides: oursAndC(), tables: times("ns"), cases: activateCases()},
	{name: "post", sides: oursAndC(), tables: times("ns"), cases: postCases()},
	{name: "idle", sides: idleSides(), tables: times("µs"), cases: idleCases()},
	waitSuite(),
}

// oursAndC are the sides of the workloads that the C peer has, too.
func oursAndC() []side {
	return []side{
		{name: "ours", title: "ours", args: []string{childMeasure}},
		{name: "c", title: "C libevent", peer: runsLoop},
	}
}

// times are the tables of a suite whose figures all are times.
func times(unit string) []table {
	return []table{{unit: unit, better: report.Less}}
}

// newCase returns a case with a workload and its numbers.
func newCase(label string, cpus int, workload string, numbers ...int) benchCase {
	return benchCase{label: label, cpus: cpus, args: append([]string{workload}, words(numbers...)...)}
}

// words writes numbers as arguments.
func words(numbers ...int) []string {
	var args []string
	for _, n := range numbers {
		args = append(args, strconv.Itoa(n))
	}
	return args
}

func timerCases() []benchCase {
	return []benchCase{
		newCase("1k timers", 1, "timers", 1_000),
		newCase("100k timers", 1, "timers", 100_000),
		newCase("1M timers", 1, "timers", 1_000_000),
	}
}

func pipeCases() []benchCase {
	const writes = 1000
	var cases []benchCase
	for _, pipes := range []int{100, 1000, 5000} {
		for _, active := range []int{1, 100} {
			label := fmt.Sprintf("n=%d a=%d w=%d", pipes, active, writes)
			cases = append(cases, newCase(label, 1, "pipes", pipes, active, writes))
		}
	}
	return cases
}

func activateCases() []benchCase {
	return []benchCase{
		newCase("1 event", 1, "activate", 1),
		newCase("100 events", 1, "activate", 100),
		newCase("10k events", 1, "activate", 10_000),
	}
}

func postCases() []benchCase {
	const callbacks = 500_000
	return []benchCase{
		newCase("1 CPU", 1, "post", callbacks),
		newCase("2 CPUs", 2, "post", callbacks),
	}
}

// idleSides take the samples of the case with and without a loop.
func idleSides() []side {
	return []side{
		{title: "with loop", args: []string{childMeasure, "idle", "1"}},
		{title: "without", args: []string{childMeasure, "idle", "0"}},
	}
}

func idleCases() []benchCase {
	return []benchCase{{label: "lateness", cpus: 1, args: words(1000)}}
}

// suiteNames lists the suites for the command's help.
func suiteNames() string {
	var names []string
	for _, s := range suites {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// findSuites returns the suites of a comma-separated list, without repetition
// and in the order in which they run. "loop" stands for all of the event loop,
// "net" for all that are servers, "http" for all that speak HTTP, "rpc" for all that make
// or answer calls, "tls" for all servers that speak TLS, "dns" for all that look up names.
func findSuites(list string) ([]suite, error) {
	wanted := make(map[string]bool)
	for _, name := range strings.Split(list, ",") {
		switch name {
		case "loop":
			markSuites(wanted, loopSuites)
		case "net":
			markSuites(wanted, netSuites)
		case "http":
			markSuites(wanted, httpSuites)
		case "rpc":
			markSuites(wanted, rpcSuites)
		case "tls":
			markSuites(wanted, tlsSuites)
		case "dns":
			markSuites(wanted, dnsSuites)
		default:
			wanted[name] = true
		}
	}
	var found []suite
	for _, s := range suites {
		if wanted[s.name] {
			found = append(found, s)
		}
		delete(wanted, s.name)
	}
	for name := range wanted {
		return nil, fmt.Errorf("no suite %q", name)
	}
	return found, nil
}

func markSuites(wanted map[string]bool, all []suite) {
	for _, s := range all {
		wanted[s.name] = true
	}
}

// sideNames are the names of all sides, in the order of their columns.
func sideNames() []string {
	var names []string
	for _, s := range suites {
		for _, side := range s.sides {
			if side.name != "" && !slices.Contains(names, side.name) {
				names = append(names, side.name)
			}
		}
	}
	return names
}

// peerKinds are the C peers that are sides of suites.
func peerKinds(all []suite) []peerKind {
	var kinds []peerKind
	for _, s := range all {
		for _, side := range s.sides {
			if side.peer != 0 && !slices.Contains(kinds, side.peer) {
				kinds = append(kinds, side.peer)
			}
		}
	}
	return kinds
}

// findSides returns the names of a comma-separated list, or none for an empty
// one.
func findSides(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if !slices.Contains(sideNames(), name) {
			return nil, fmt.Errorf("no side %q", name)
		}
	}
	return names, nil
}
