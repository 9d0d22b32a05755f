package main

import (
	"fmt"

	"github.com/go-libevent/libevent/tools/bench/internal/report"
)

// dnsSuites are those of DNS servers and resolvers.
var dnsSuites = []suite{
	{name: "dns-server", network: true, sides: dnsServerSides(), tables: dnsServerTables(), cases: dnsServerCases()},
	{name: "dns-resolver", network: true, sides: dnsResolverSides(), tables: dnsResolverTables(), cases: dnsResolverCases()},
	{name: "dns-memory", network: true, sides: dnsMemorySides(), tables: dnsMemoryTables(), cases: dnsMemoryCases()},
}

// goResolver is a side that is a resolver in this program, measured by a kind of
// child.
func goResolver(child, name, title, resolver string) side {
	return side{name: name, title: title, args: []string{child, resolver}}
}

// evdnsSide is a side in the C peer that speaks DNS.
func evdnsSide(workload string) side {
	return side{name: "c", title: "C libevent", peer: speaksDNS, args: []string{workload}}
}

func dnsServerSides() []side {
	return []side{
		goServer("ours", "ours", "dns-ours"),
		evdnsSide("serve"),
		goServer("miekg", "miekg/dns", "dns-miekg"),
	}
}

func dnsServerTables() []table {
	return append([]table{
		{unit: "thousand queries/s", better: report.More, figures: []string{"rate"}},
		{unit: "server CPU, µs a query", better: report.Less, figures: []string{"server CPU"}},
	}, busyTables()...)
}

// dnsServerCases are three loads, of which the last keeps every server busy.
func dnsServerCases() []benchCase {
	const outstanding = 100
	cases := []benchCase{
		newCase("dnsperf, 1 client", 2, "dnsperf", outstanding, 1),
		newCase("dnsperf, 20 clients", 2, "dnsperf", outstanding, 20),
		newCase("batches, 1 client", 2, "dns-server", outstanding),
	}
	for i := range cases {
		cases[i].times = 1
	}
	return cases
}

func dnsResolverSides() []side {
	return []side{
		goResolver(childResolve, "ours", "ours", "ours"),
		goResolver(childResolve, "ours", "ours, no cache", "ours-no-cache"),
		evdnsSide("resolve"),
		goResolver(childResolve, "net", "net.Resolver", "net"),
	}
}

func dnsResolverTables() []table {
	return []table{
		{unit: "thousand lookups/s", better: report.More, figures: []string{"rate"}},
		{unit: "resolver CPU, µs a lookup", better: report.Less, figures: []string{"CPU"}},
		{unit: "upstream's processor busy, %", better: report.Neither, figures: []string{"load busy"}},
	}
}

func dnsResolverCases() []benchCase {
	const lookups = 100_000
	var cases []benchCase
	for _, atOnce := range []int{1, 100} {
		cases = append(cases, newCase(fmt.Sprintf("100,000 names, %d at a time", atOnce), 2, "dns-resolver", lookups, atOnce))
	}
	return cases
}

func dnsMemorySides() []side {
	return []side{
		goResolver(childHold, "ours", "ours", "ours"),
		evdnsSide("hold"),
	}
}

func dnsMemoryTables() []table {
	return []table{{unit: "B a lookup", better: report.Less, figures: []string{"RSS", "heap"}}}
}

func dnsMemoryCases() []benchCase {
	return []benchCase{newCase("100,000 lookups outstanding", 2, "dns-memory", 100_000)}
}
