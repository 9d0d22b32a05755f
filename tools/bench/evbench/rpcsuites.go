package main

import (
	"fmt"

	"github.com/go-libevent/libevent/tools/bench/internal/load"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
)

// rpcSuites are those of servers and clients of RPC.
var rpcSuites = []suite{
	{name: "rpc-server", network: true, sides: rpcServerSides(), tables: rpcServerTables(), cases: rpcCases("rpc-server", 1, 100, 1000)},
	{name: "rpc-client", network: true, sides: rpcClientSides(), tables: rpcClientTables(), cases: rpcCases("rpc-client", 1, 10, 100)},
}

func evrpcSide(workload string) side {
	return side{name: "c", title: "C libevent", peer: speaksRPC, args: []string{workload}}
}

func rpcServerSides() []side {
	return []side{
		goServer("ours", "ours", "rpc-ours"),
		evrpcSide("serve"),
		goServer("net", "net/rpc", "rpc-net"),
	}
}

func rpcClientSides() []side {
	return []side{
		goClient("ours", "ours", "rpc-ours"),
		evrpcSide("call"),
		goClient("net", "net/rpc", "rpc-net"),
	}
}

func rpcServerTables() []table {
	return append([]table{
		{unit: "thousand calls/s", better: report.More, figures: []string{"rate"}},
		{unit: "server CPU, µs a call", better: report.Less, figures: []string{"server CPU"}},
		{unit: "median latency, µs", better: report.Less, figures: []string{"median"}},
		{unit: "99th percentile of the latency, µs", better: report.Less, figures: []string{"99th percentile"}},
		{unit: "allocations a call", better: report.Neither, figures: []string{"allocations"}},
	}, busyTables()...)
}

func rpcClientTables() []table {
	return []table{
		{unit: "thousand calls/s", better: report.More, figures: []string{"rate"}},
		{unit: "client CPU, µs a call", better: report.Less, figures: []string{"client CPU"}},
		{unit: "allocations a call", better: report.Neither, figures: []string{"allocations"}},
		{unit: "client's processor busy, %", better: report.Neither, figures: []string{"server busy"}},
		{unit: "origin's processor busy, %", better: report.Neither, figures: []string{"load busy"}},
	}
}

// rpcCases has small calls on several numbers of connections, and large ones on one of them.
func rpcCases(workload string, one, some, many int) []benchCase {
	var cases []benchCase
	for _, c := range []struct {
		label        string
		lines, conns int
	}{
		{"small", 1, one},
		{"small", 1, some},
		{"small", 1, many},
		{"100 strings", 100, some},
	} {
		plural := "s"
		if c.conns == 1 {
			plural = ""
		}
		timed := newCase(fmt.Sprintf("%s, %d connection%s", c.label, c.conns, plural), 2, workload, c.lines, c.conns)
		timed.times = 1
		cases = append(cases, timed)
	}
	return cases
}

// runRPCLoad runs the load on a server of RPC, or the origin of a client.
func runRPCLoad(workload string, n []int, command []string) ([]measure.Figure, error) {
	switch {
	case workload == "rpc-server" && len(n) == 3:
		return load.RPC(command, n[0], n[1], milliseconds(n[2]))
	case workload == "rpc-client" && len(n) == 3:
		return load.RPCClient(command, n[0], n[1], milliseconds(n[2]))
	}
	return nil, fmt.Errorf("unknown load %q %d", workload, n)
}
