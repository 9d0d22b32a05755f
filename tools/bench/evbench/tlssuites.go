package main

import (
	"crypto/tls"

	"github.com/go-libevent/libevent/tools/bench/internal/report"
)

// tlsSuites are those of servers that speak TLS.
var tlsSuites = []suite{
	{name: "tls-echo", network: true, sides: tlsSides("tls-net"), tables: echoTables(), cases: tlsEchoCases()},
	{name: "tls-handshake", network: true, sides: tlsSides("tls-net"), tables: handshakeTables(), cases: handshakeCases()},
	{name: "tls-throughput", network: true, sides: tlsSides("tls-net-stream"), tables: throughputTables(), cases: tlsThroughputCases()},
	{name: "tls-memory", network: true, sides: tlsSides("tls-net"), tables: memoryTables(), cases: tlsMemoryCases()},
	{name: "tls-flood", network: true, sides: floodSides(), tables: floodTables(), cases: floodCases(1)},
	{name: "tls-flood-2", network: true, sides: floodSides("2"), tables: floodTables(), cases: floodCases(2)},
}

// tlsSides are all servers that speak TLS, with one of those on net.
func tlsSides(onNet string) []side {
	return []side{
		goServer("ours", "ours", "tls-ours"),
		{name: "c", title: "C libevent", peer: speaksTLS, args: []string{"serve"}},
		goServer("net", "net, crypto/tls", onNet),
	}
}

// floodSides are the same, ours in two ways. Numbers are those of the servers in
// Go: C's, which has one thread, is of interest where they have one processor.
func floodSides(numbers ...string) []side {
	var sides []side
	sides = append(sides, goServer("ours", "ours, workers", "tls-workers"))
	for _, s := range tlsSides("tls-net") {
		if s.peer == 0 || len(numbers) == 0 {
			sides = append(sides, s)
		}
	}
	for i := range sides {
		sides[i].args = append(sides[i].args, numbers...)
	}
	return sides
}

func tlsEchoCases() []benchCase {
	c := newCase("64 B, 100 connections", 2, "tls-echo", 64, 100)
	c.times = 1
	return []benchCase{c}
}

func handshakeTables() []table {
	return append([]table{
		{unit: "handshakes/s", better: report.More, figures: []string{"handshakes"}},
		{unit: "server CPU, µs a handshake", better: report.Less, figures: []string{"server CPU"}},
	}, busyTables()...)
}

// handshakeCases are ways to exchange keys, and whether sessions are resumed.
func handshakeCases() []benchCase {
	return []benchCase{
		handshakeCase("full, X25519", tls.X25519, 0),
		handshakeCase("resumed, X25519", tls.X25519, 1),
		handshakeCase("full, X25519MLKEM768", tls.X25519MLKEM768, 0),
	}
}

func handshakeCase(label string, exchange tls.CurveID, resume int) benchCase {
	c := newCase(label, 2, "tls-handshake", int(exchange), resume)
	c.times = 1
	return c
}

func tlsThroughputCases() []benchCase {
	return []benchCase{newCase("1 GB, one stream", 2, "tls-throughput", 1_000_000_000)}
}

func tlsMemoryCases() []benchCase {
	return []benchCase{newCase("5000 idle connections", 2, "tls-memory", 5000)}
}

func floodTables() []table {
	return []table{
		{unit: "99th percentile of the latency, µs", better: report.Less, figures: []string{"quiet", "flooded"}},
		{unit: "the same, flooded divided by quiet", better: report.Less, figures: []string{"flooded/quiet"}},
		{unit: "thousand messages/s", better: report.Neither, figures: []string{"messages, quiet", "messages, flooded"}},
		{unit: "handshakes/s of the flood", better: report.Neither, figures: []string{"handshakes"}},
	}
}

// floodCases are those of servers that have so many processors, beside that of
// the load.
func floodCases(processors int) []benchCase {
	c := newCase("64 B, 100 connections", 1+processors, "tls-flood", 100)
	c.times = 1
	return []benchCase{c}
}
