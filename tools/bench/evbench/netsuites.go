package main

import (
	"fmt"

	"github.com/go-libevent/libevent/tools/bench/internal/report"
)

// netSuites are those of servers.
var netSuites = []suite{
	{name: "echo", network: true, sides: echoSides(), tables: echoTables(), cases: echoCases()},
	{name: "throughput", network: true, sides: streamSides(), tables: throughputTables(), cases: throughputCases()},
	{name: "memory", network: true, sides: echoSides(), tables: memoryTables(), cases: memoryCases()},
	{name: "ratelimit", network: true, sides: limitedSides(), tables: ratelimitTables(), cases: ratelimitCases()},
	{name: "syscalls", network: true, counts: true, sides: echoSides()[:3], tables: syscallTables(), cases: syscallCases()},
}

// goServer is a side that is a server in this program.
func goServer(name, title, server string) side {
	return side{name: name, title: title, args: []string{childServe, server}}
}

// cServer is the side that is a server in the C peer.
func cServer() side {
	return side{name: "c", title: "C libevent", peer: runsLoop, args: []string{"serve"}}
}

// echoSides are all servers that echo.
func echoSides() []side {
	return []side{
		goServer("ours", "ours", "ours"),
		goServer("raw", "raw epoll", "raw"),
		cServer(),
		goServer("gnet", "gnet", "gnet"),
		goServer("netpoll", "netpoll", "netpoll"),
		goServer("evio", "evio", "evio"),
		goServer("nbio", "nbio", "nbio"),
		goServer("net", "net", "net"),
	}
}

// streamSides are the same, for long streams.
func streamSides() []side {
	sides := echoSides()
	sides[len(sides)-1] = goServer("net", "net", "net-stream")
	return sides
}

// limitedSides are those that can limit rates.
func limitedSides() []side {
	return []side{goServer("ours", "ours", "ours"), cServer()}
}

// busyTables explain the others: which of the two ends was the bottleneck.
func busyTables() []table {
	return []table{
		{unit: "server's processor busy, %", better: report.Neither, figures: []string{"server busy"}},
		{unit: "load's processor busy, %", better: report.Neither, figures: []string{"load busy"}},
	}
}

func echoTables() []table {
	return append([]table{
		{unit: "thousand messages/s", better: report.More, figures: []string{"rate"}},
		{unit: "server CPU, µs a message", better: report.Less, figures: []string{"server CPU"}},
		{unit: "median latency, µs", better: report.Less, figures: []string{"median"}},
		{unit: "99.9th percentile of the latency, µs", better: report.Less, figures: []string{"99.9th percentile"}},
	}, busyTables()...)
}

func echoCases() []benchCase {
	var cases []benchCase
	for _, size := range []int{64, 4096} {
		for _, conns := range []int{1, 100, 1000} {
			c := newCase(fmt.Sprintf("%d B, %s", size, connections(conns)), 2, "echo", size, conns)
			c.times = 1
			cases = append(cases, c)
		}
	}
	return cases
}

// connections writes a number of connections.
func connections(n int) string {
	if n == 1 {
		return "1 connection"
	}
	return fmt.Sprintf("%d connections", n)
}

func throughputTables() []table {
	return append([]table{
		{unit: "GB/s", better: report.More, figures: []string{"rate"}},
		{unit: "server CPU, ms a GB", better: report.Less, figures: []string{"server CPU"}},
	}, busyTables()...)
}

func throughputCases() []benchCase {
	return []benchCase{newCase("1 GB, one stream", 2, "throughput", 1_000_000_000)}
}

func memoryTables() []table {
	return []table{{unit: "B a connection", better: report.Less, figures: []string{"memory"}}}
}

func memoryCases() []benchCase {
	return []benchCase{newCase("15,000 idle connections", 2, "memory", 15_000)}
}

func ratelimitTables() []table {
	return []table{
		{unit: "rate, % of the limit", better: report.Neither, figures: []string{"rate", "slowest", "fastest"}},
		{unit: "server CPU, µs a MB", better: report.Less, figures: []string{"server CPU"}},
	}
}

// ratelimitCases are limits of a connection and of a group, in bytes a second.
func ratelimitCases() []benchCase {
	const mb = 1_000_000
	return []benchCase{
		limitedCase("1 connection of 10 MB/s", 1, 10*mb, 0, 10*mb),
		limitedCase("20 connections of 1 MB/s each", 20, 1*mb, 0, 20*mb),
		limitedCase("20 connections of 10 MB/s together", 20, 0, 10*mb, 10*mb),
		limitedCase("20 connections of 2 MB/s each, 10 MB/s together", 20, 2*mb, 10*mb, 10*mb),
	}
}

// limitedCase has connections that are limited each and together, to a total.
func limitedCase(label string, conns, each, together, total int) benchCase {
	const seconds = 5 // at the default measuring time
	c := newCase(label, 2, "ratelimit", conns, total)
	c.times = seconds
	c.serverArgs = words(each, together)
	return c
}

func syscallTables() []table {
	return []table{{unit: "calls a message", better: report.Neither}}
}

func syscallCases() []benchCase {
	const messages = 20_000
	return []benchCase{newCase("64 B, 100 connections", 2, "syscalls", 64, 100, messages)}
}

// waitSuite compares two ways in which the loop of an echo server can wait.
func waitSuite() suite {
	s := suite{
		name:    "wait",
		network: true,
		sides:   []side{goServer("", "parked goroutine", "parked"), goServer("", "blocked thread", "blocked")},
		tables: []table{{
			unit:    "µs",
			better:  report.Less,
			figures: []string{"server CPU", "median", "99.9th percentile"},
		}},
	}
	for _, conns := range []int{1, 4, 100, 1000} {
		c := newCase(connections(conns), 2, "echo", 64, conns)
		c.times = 1
		s.cases = append(s.cases, c)
	}
	return s
}
