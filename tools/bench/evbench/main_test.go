package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// childUnable is the first argument of a child that cannot do its work.
const childUnable = "unable"

// TestMain lets the test's program be the children of the code under test.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case childMeasure, childPin, childServe, childFlood, childResolve, childHold, childAsk:
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	case childUnable:
		fmt.Fprintln(os.Stderr, "machine too small")
		os.Exit(exitUnable)
	}
	os.Exit(m.Run())
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		want   int
		stderr string
	}{
		{"help", []string{"-h"}, exitOK, "-suite"},
		{"unknown flag", []string{"-x"}, exitUsage, "-suite"},
		{"unknown suite", []string{"-suite", "timers,naps"}, exitUsage, `no suite "naps"`},
		{"unknown side", []string{"-sides", "ours,theirs"}, exitUsage, `no side "theirs"`},
		{"no time", []string{"-time", "0"}, exitUsage, "a time of 0s"},
		{"no rounds", []string{"-rounds", "0"}, exitUsage, "0 rounds"},
		{"argument", []string{"timers"}, exitUsage, `unexpected argument "timers"`},
		{"one version", []string{"-count", "."}, exitUsage, "1 arguments, want the old and the new"},
		{"two tasks", []string{"-count", "-compare", ".", "."}, exitUsage, "exclude each other"},
		{"no width", []string{"-compare", "-width", "0", ".", "."}, exitUsage, "a width of 0"},
		{"too few rounds for an interval", []string{"-compare", "-most", "5", ".", "."}, exitUsage, "want at least 6"},
		{"version that is none", []string{"-count", "/", "/"}, exitFailed, "no checkout"},
		{"unknown workload of a child", []string{childMeasure, "naps", "1"}, exitFailed, "unknown workload"},
		{"missing number of a child", []string{childMeasure, "pipes", "1"}, exitFailed, "unknown workload"},
		{"unknown load of a child", []string{childMeasure, "naps", endOfNumbers, "true"}, exitFailed, "unknown load"},
		{"missing number of a load", []string{childMeasure, "echo", "1", endOfNumbers, "true"}, exitFailed, "unknown load"},
		{"no server of a child", []string{childServe}, exitFailed, "no server"},
		{"unknown server of a child", []string{childServe, "naps"}, exitFailed, "unknown server"},
		{"missing number of a TLS load", []string{childMeasure, "tls-flood", "1", endOfNumbers, "true"}, exitFailed, "unknown load"},
		{"no address to flood", []string{childFlood}, exitFailed, "no address"},
		{"bad address to flood", []string{childFlood, "nowhere"}, exitFailed, "nowhere"},
		{"unknown resolver", []string{childResolve, "naps"}, exitFailed, "unknown resolver"},
		{"unknown resolver to hold", []string{childHold, "naps"}, exitFailed, "unknown resolver"},
		{"missing number of a DNS load", []string{childMeasure, "dns-resolver", "1", endOfNumbers, "true"}, exitFailed, "unknown load"},
		{"missing number of an HTTP load", []string{childMeasure, "http-client", "1", endOfNumbers, "true"}, exitFailed, "unknown load"},
		{"no client of a child", []string{childAsk}, exitFailed, "no client"},
		{"unknown client of a child", []string{childAsk, "naps"}, exitFailed, "unknown client"},
		{"no program to pin", []string{childPin, "0"}, exitFailed, "no program"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := run(test.args, &stdout, &stderr); got != test.want {
				t.Errorf("exit status %d, want %d", got, test.want)
			}
			if !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("stderr %q, want %q in it", stderr.String(), test.stderr)
			}
		})
	}
}

func TestSuitesAreFoundByName(t *testing.T) {
	tests := []struct {
		list string
		want string
	}{
		{"loop", "timers pipes activate post idle wait"},
		{"idle", "idle"},
		{"idle,timers,idle", "timers idle"},
		{"post,loop", "timers pipes activate post idle wait"},
		{"net", "echo throughput memory ratelimit syscalls"},
		{"tls", "tls-echo tls-handshake tls-throughput tls-memory tls-flood tls-flood-2"},
		{"dns", "dns-server dns-resolver dns-memory"},
		{"http", "http-server http-memory http-syscalls http-client"},
		{"rpc", "rpc-server rpc-client"},
		{"tls-echo,echo", "echo tls-echo"},
		{"echo,wait", "wait echo"},
	}
	for _, test := range tests {
		t.Run(test.list, func(t *testing.T) {
			found, err := findSuites(test.list)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, s := range found {
				names = append(names, s.name)
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("suites %q, want %q", got, test.want)
			}
		})
	}
}
