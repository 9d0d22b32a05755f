package main

import (
	"fmt"
	"strconv"
	"strings"
)

// suite is a set of figures that share a table.
type suite struct {
	name  string
	unit  string
	ours  string // what the first side is
	other string // what the second side is; empty for the C peer
	cases []benchCase
}

// benchCase is a workload with its numbers, on two sides.
type benchCase struct {
	label string
	cpus  int // how many processors both sides get
	sides [2]side
}

// side is what runs as a child: a workload of this library or of the C peer.
type side struct {
	peer bool
	args []string
}

// suites are all suites in the order in which they run.
var suites = []suite{
	{name: "timers", unit: "ns", ours: "ours", cases: timerCases()},
	{name: "pipes", unit: "µs", ours: "ours", cases: pipeCases()},
	{name: "activate", unit: "ns", ours: "ours", cases: activateCases()},
	{name: "post", unit: "ns", ours: "ours", cases: postCases()},
	{name: "idle", unit: "µs", ours: "with loop", other: "without", cases: idleCases()},
	{name: "wait", unit: "µs", ours: "parked goroutine", other: "blocked thread", cases: waitCases()},
}

// againstC returns a case with the same workload on our side and the C peer's.
func againstC(label string, cpus int, workload string, numbers ...int) benchCase {
	args := []string{workload}
	for _, n := range numbers {
		args = append(args, strconv.Itoa(n))
	}
	return benchCase{label: label, cpus: cpus, sides: [2]side{{args: args}, {peer: true, args: args}}}
}

func timerCases() []benchCase {
	return []benchCase{
		againstC("1k timers", 1, "timers", 1_000),
		againstC("100k timers", 1, "timers", 100_000),
		againstC("1M timers", 1, "timers", 1_000_000),
	}
}

func pipeCases() []benchCase {
	const writes = 1000
	var cases []benchCase
	for _, pipes := range []int{100, 1000, 5000} {
		for _, active := range []int{1, 100} {
			label := fmt.Sprintf("n=%d a=%d w=%d", pipes, active, writes)
			cases = append(cases, againstC(label, 1, "pipes", pipes, active, writes))
		}
	}
	return cases
}

func activateCases() []benchCase {
	return []benchCase{
		againstC("1 event", 1, "activate", 1),
		againstC("100 events", 1, "activate", 100),
		againstC("10k events", 1, "activate", 10_000),
	}
}

func postCases() []benchCase {
	const callbacks = 500_000
	return []benchCase{
		againstC("1 CPU", 1, "post", callbacks),
		againstC("2 CPUs", 2, "post", callbacks),
	}
}

func idleCases() []benchCase {
	with := side{args: []string{"idle", "1000", "1"}}
	without := side{args: []string{"idle", "1000", "0"}}
	return []benchCase{{label: "lateness", cpus: 1, sides: [2]side{with, without}}}
}

func waitCases() []benchCase {
	var cases []benchCase
	for _, conns := range []int{1, 4, 100, 1000} {
		parked := side{args: []string{"wait", strconv.Itoa(conns), "0"}}
		blocked := side{args: []string{"wait", strconv.Itoa(conns), "1"}}
		label := fmt.Sprintf("%d connections", conns)
		cases = append(cases, benchCase{label: label, cpus: 2, sides: [2]side{parked, blocked}})
	}
	return cases
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
// and in the order in which they run. "loop" stands for all that there are.
func findSuites(list string) ([]suite, error) {
	wanted := make(map[string]bool)
	for _, name := range strings.Split(list, ",") {
		wanted[name] = true
	}
	all := wanted["loop"]
	delete(wanted, "loop")
	var found []suite
	for _, s := range suites {
		if all || wanted[s.name] {
			found = append(found, s)
		}
		delete(wanted, s.name)
	}
	for name := range wanted {
		return nil, fmt.Errorf("no suite %q", name)
	}
	return found, nil
}
