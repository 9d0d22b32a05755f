package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-libevent/libevent/tools/bench/internal/client"
	"github.com/go-libevent/libevent/tools/bench/internal/load"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
)

// httpSuites are those of servers and clients of HTTP.
var httpSuites = []suite{
	{name: "http-server", network: true, sides: httpServerSides(), tables: httpServerTables(), cases: httpServerCases()},
	{name: "http-memory", network: true, sides: httpServerSides(), tables: memoryTables(), cases: httpMemoryCases()},
	{name: "http-syscalls", network: true, counts: true, sides: httpServerSides(), tables: httpSyscallTables(), cases: httpSyscallCases()},
	{name: "http-client", network: true, sides: httpClientSides(), tables: httpClientTables(), cases: httpClientCases()},
}

// The lengths of the bodies that are asked for.
const (
	httpHello = 12
	httpPage  = 10_000
	httpFile  = 1_000_000
)

// evhttpSide is a side in the C peer that speaks HTTP.
func evhttpSide(workload string) side {
	return side{name: "c", title: "C libevent", peer: speaksHTTP, args: []string{workload}}
}

func httpServerSides() []side {
	return []side{
		goServer("ours", "ours", "http-ours"),
		goServer("raw", "raw epoll", "http-raw"),
		evhttpSide("serve"),
		goServer("fasthttp", "fasthttp", "http-fast"),
		goServer("net", "net/http", "http-net"),
	}
}

// goClient is a side that is a client in this program.
func goClient(name, title, client string) side {
	return side{name: name, title: title, args: []string{childAsk, client}}
}

func httpClientSides() []side {
	return []side{
		goClient("ours", "ours", "ours"),
		goClient("raw", "raw epoll", "raw"),
		evhttpSide("ask"),
		goClient("fasthttp", "fasthttp", "fast"),
		goClient("net", "net/http", "net"),
	}
}

func httpServerTables() []table {
	return append([]table{
		{unit: "thousand requests/s", better: report.More, figures: []string{"rate"}},
		{unit: "server CPU, µs a request", better: report.Less, figures: []string{"server CPU"}},
		{unit: "median latency, µs", better: report.Less, figures: []string{"median"}},
		{unit: "99th percentile of the latency, µs", better: report.Less, figures: []string{"99th percentile"}},
		{unit: "99.9th percentile of the latency, µs", better: report.Less, figures: []string{"99.9th percentile"}},
		{unit: "allocations a request", better: report.Neither, figures: []string{"allocations"}},
	}, busyTables()...)
}

func httpServerCases() []benchCase {
	hello := func(conns int) load.HTTPWork { return load.HTTPWork{Size: httpHello, Depth: 1, Conns: conns} }
	pipelined, page, file, fresh := hello(100), hello(100), hello(10), hello(100)
	pipelined.Depth = 16
	page.Size = httpPage
	file.Size = httpFile
	fresh.Fresh = true
	var cases []benchCase
	for _, c := range []struct {
		label string
		load.HTTPWork
	}{
		{"hello, 1 connection", hello(1)},
		{"hello, 100 connections", hello(100)},
		{"hello, 1000 connections", hello(1000)},
		{"hello, 100 connections, 16 pipelined", pipelined},
		{"10 kB, 100 connections", page},
		{"1 MB, 10 connections", file},
		{"hello, 100 at a time, each on a new connection", fresh},
	} {
		timed := newCase(c.label, 2, "http-server", httpNumbers(c.HTTPWork)...)
		timed.times = 1
		cases = append(cases, timed)
	}
	return cases
}

func httpMemoryCases() []benchCase {
	return []benchCase{newCase("15,000 idle connections", 2, "http-memory", httpHello, 15_000)}
}

func httpSyscallTables() []table {
	return []table{{unit: "calls a request", better: report.Neither}}
}

func httpSyscallCases() []benchCase {
	const requests = 20_000
	var cases []benchCase
	for _, c := range []struct {
		label string
		fresh bool
	}{{"hello, 100 connections", false}, {"hello, new connections", true}} {
		numbers := httpNumbers(load.HTTPWork{Size: httpHello, Depth: 1, Fresh: c.fresh, Conns: 100})
		cases = append(cases, newCase(c.label, 2, "http-syscalls", append(numbers, requests)...))
	}
	return cases
}

func httpClientTables() []table {
	return []table{
		{unit: "thousand requests/s", better: report.More, figures: []string{"rate"}},
		{unit: "client CPU, µs a request", better: report.Less, figures: []string{"client CPU"}},
		{unit: "allocations a request", better: report.Neither, figures: []string{"allocations"}},
		{unit: "client's processor busy, %", better: report.Neither, figures: []string{"server busy"}},
		{unit: "origin's processor busy, %", better: report.Neither, figures: []string{"load busy"}},
	}
}

func httpClientCases() []benchCase {
	var cases []benchCase
	for _, c := range []struct {
		size, conns int
		label       string
	}{
		{httpHello, 1, "hello, 1 connection"},
		{httpHello, 100, "hello, 100 connections"},
		{httpPage, 100, "10 kB, 100 connections"},
	} {
		timed := newCase(c.label, 2, "http-client", c.size, c.conns)
		timed.times = 1
		cases = append(cases, timed)
	}
	return cases
}

// httpNumbers writes what a server is asked for as runHTTPLoad reads it.
func httpNumbers(w load.HTTPWork) []int {
	fresh := 0
	if w.Fresh {
		fresh = 1
	}
	return []int{w.Size, w.Depth, fresh, w.Conns}
}

// runHTTPLoad runs the load on a server of HTTP, or the origin of a client.
func runHTTPLoad(workload string, n []int, command []string) ([]measure.Figure, error) {
	switch {
	case workload == "http-server" && len(n) == 5:
		return load.HTTP(command, httpWork(n), milliseconds(n[4]))
	case workload == "http-syscalls" && len(n) == 5:
		return load.HTTPSyscalls(command, httpWork(n), n[4])
	case workload == "http-memory" && len(n) == 2:
		return load.HTTPMemory(command, n[0], n[1])
	case workload == "http-client" && len(n) == 3:
		return load.HTTPClient(command, n[0], n[1], milliseconds(n[2]))
	}
	return nil, fmt.Errorf("unknown load %q %d", workload, n)
}

// httpWork reads what httpNumbers has written.
func httpWork(n []int) load.HTTPWork {
	return load.HTTPWork{Size: n[0], Depth: n[1], Fresh: n[2] != 0, Conns: n[3]}
}

// runAsk is the child that is a client, until its standard input ends.
func runAsk(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		return childFailed(errors.New("no client"), stderr)
	}
	if err := client.Run(args, stdin, stdout); err != nil {
		return childFailed(err, stderr)
	}
	return exitOK
}
