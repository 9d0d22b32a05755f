package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/cpeer"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
)

// newRunner returns a runner whose children are this test's program.
func newRunner(t *testing.T) (*runner, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	return &runner{self: self, rounds: 2, time: 10 * time.Millisecond, log: log, peers: make(map[peerKind]cpeer.Peer)}, log
}

// withPeer returns a runner that has the C peer, or skips the test.
func withPeer(t *testing.T) *runner {
	t.Helper()
	r, _ := newRunner(t)
	peer, err := cpeer.Build(t.Context(), t.TempDir())
	if errors.Is(err, cpeer.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.peers[runsLoop] = peer
	return r
}

// describe writes the tables of a suite: titles, sides and labels of the rows,
// with the number of their values.
func describe(tables []report.Table) string {
	var out strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&out, "%s: %s\n", t.Title, strings.Join(t.Sides, ", "))
		for _, row := range t.Rows {
			values := 0
			for _, v := range row.Values {
				if v != nil {
					values++
				}
			}
			fmt.Fprintf(&out, "  %s %d\n", row.Label, values)
		}
	}
	return out.String()
}

func TestSuiteRunsOursAloneWithoutAPeer(t *testing.T) {
	r, log := newRunner(t)
	tables, err := r.runSuite(t.Context(), suite{
		name: "activate", sides: oursAndC(), tables: times("ns"),
		cases: []benchCase{newCase("many", 1, "activate", 100_000)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(tables), "activate, ns: ours\n  many, activate 1\n"; got != want {
		t.Errorf("tables:\n%swant:\n%s", got, want)
	}
	if got, want := log.String(), "activate, many\n"; got != want {
		t.Errorf("log %q, want %q", got, want)
	}
}

func TestSuiteComparesWithTheCPeer(t *testing.T) {
	r := withPeer(t)
	tables, err := r.runSuite(t.Context(), suite{name: "s", sides: oursAndC(), tables: times("ns"), cases: []benchCase{
		newCase("t", 1, "timers", 10_000),
		newCase("p", 1, "pipes", 4, 2, 1000),
		newCase("a", 1, "activate", 100_000),
		newCase("o", 1, "post", 5000),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := "s, ns: ours, C libevent " + r.peers[runsLoop].Version + `
  t, add 2
  t, re-add 2
  t, delete 2
  t, add in a callback 2
  t, fire 2
  p, run 2
  a, activate 2
  o, activate 2
  o, post 2
  o, round trip 2
`
	if got := describe(tables); got != want {
		t.Errorf("tables:\n%swant:\n%s", got, want)
	}
}

func TestSuiteComparesTwoWorkloadsOfOurs(t *testing.T) {
	r, _ := newRunner(t)
	tables, err := r.runSuite(t.Context(), suite{
		name: "idle", sides: idleSides(), tables: times("µs"),
		cases: []benchCase{{label: "l", cpus: 1, args: words(5)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "idle, µs: with loop, without\n  l, median 2\n  l, 99th percentile 2\n"
	if got := describe(tables); got != want {
		t.Errorf("tables:\n%swant:\n%s", got, want)
	}
}

// echoSuite has a short case for some of the servers.
func echoSuite() suite {
	c := newCase("c", 2, "echo", 64, 3)
	c.times = 1
	return suite{name: "echo", network: true, sides: echoSides(), tables: echoTables()[:2], cases: []benchCase{c}}
}

// skipUnlessMeasured skips a test of servers where they cannot be measured.
func skipUnlessMeasured(t *testing.T, tables []report.Table, log *bytes.Buffer) {
	t.Helper()
	if len(tables) == 0 && (strings.Contains(log.String(), measure.ErrUnable.Error()) || strings.Contains(log.String(), "not enough processors")) {
		t.Skip(log)
	}
}

func TestSuiteMeasuresTheSidesThatWereAskedFor(t *testing.T) {
	r, log := newRunner(t)
	r.sides = []string{"net", "raw"}
	tables, err := r.runSuite(t.Context(), echoSuite())
	if err != nil {
		t.Fatal(err)
	}
	skipUnlessMeasured(t, tables, log)
	want := `echo, thousand messages/s: raw epoll, net
  c 2
echo, server CPU, µs a message: raw epoll, net
  c 2
`
	if got := describe(tables); got != want {
		t.Errorf("tables:\n%swant:\n%s", got, want)
	}
}

// short returns a suite with one case, whose numbers do not take long.
func short(name string, timed bool, workload string, numbers ...int) suite {
	i := slices.IndexFunc(suites, func(s suite) bool { return s.name == name })
	s := suites[i]
	c := newCase("c", 2, workload, numbers...)
	if timed {
		c.times = 1
	}
	s.cases = []benchCase{c}
	return s
}

// shortSuites are suites of servers that speak TLS, and of DNS, but short ones,
// and without those that wait for something to be idle.
func shortSuites() []suite {
	return []suite{
		short("tls-echo", true, "tls-echo", 64, 3),
		short("tls-handshake", true, "tls-handshake", int(tls.X25519), 1),
		short("tls-throughput", false, "tls-throughput", 1_000_000),
		short("tls-flood", true, "tls-flood", 3),
		short("dns-server", true, "dns-server", 10),
		short("dns-resolver", false, "dns-resolver", 1000, 10),
	}
}

func TestSuitesMeasureAllSides(t *testing.T) {
	r, log := newRunner(t)
	r.time, r.rounds = 100*time.Millisecond, 1
	if err := r.buildPeers(t.Context(), t.TempDir(), shortSuites()); err != nil {
		t.Fatal(err)
	}
	for _, s := range shortSuites() {
		t.Run(s.name, func(t *testing.T) {
			tables, err := r.runSuite(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			skipUnlessMeasured(t, tables, log)
			if len(tables) != len(s.tables) {
				t.Fatalf("%d tables, want %d:\n%s", len(tables), len(s.tables), describe(tables))
			}
			for _, table := range tables {
				for _, row := range table.Rows {
					if slices.Contains(row.Values, nil) || len(row.Values) != len(r.present(s.sides)) {
						t.Errorf("%s, %s: a side has no value", table.Title, row.Label)
					}
				}
			}
		})
	}
}

func TestASuiteOfTLSNeedsThePeerThatSpeaksIt(t *testing.T) {
	r, _ := newRunner(t)
	r.peers[runsLoop] = cpeer.Peer{Path: "/plain", Version: "1"}
	if got := r.titles(r.present(tlsSides("tls-net"))); !slices.Equal(got, []string{"ours", "net, crypto/tls"}) {
		t.Errorf("sides %q, want none in C", got)
	}
	r.peers[speaksTLS] = cpeer.Peer{Path: "/tls", Version: "2"}
	sides := r.present(tlsSides("tls-net"))
	if got := r.titles(sides); !slices.Equal(got, []string{"ours", "C libevent 2", "net, crypto/tls"}) {
		t.Errorf("sides %q, want one in C", got)
	}
	if got := r.program(sides[1]); got != "/tls" {
		t.Errorf("the program is %q, want %q", got, "/tls")
	}
}

func TestSuiteGoesOnWithoutASideThatFails(t *testing.T) {
	r, log := newRunner(t)
	s := echoSuite()
	s.sides = []side{goServer("bad", "bad", "naps"), goServer("raw", "raw", "raw")}
	tables, err := r.runSuite(t.Context(), s)
	skipUnlessMeasured(t, tables, log)
	if err == nil || !strings.HasPrefix(err.Error(), "echo, c: bad: ") || !strings.Contains(err.Error(), `unknown server "naps"`) {
		t.Errorf("error %v, want that of the server", err)
	}
	want := `echo, thousand messages/s: bad, raw
  c 1
echo, server CPU, µs a message: bad, raw
  c 1
`
	if got := describe(tables); got != want {
		t.Errorf("tables:\n%swant:\n%s", got, want)
	}
}

func TestSuiteWithoutSidesHasNoTables(t *testing.T) {
	r, log := newRunner(t)
	r.sides = []string{"c"}
	tables, err := r.runSuite(t.Context(), echoSuite())
	if err != nil || len(tables) != 0 {
		t.Errorf("tables %q, error %v, want neither", describe(tables), err)
	}
	if want := "echo: there is no side to measure\n"; log.String() != want {
		t.Errorf("log %q, want %q", log, want)
	}
}

func TestSuiteLeavesOutWhatTheMachineCannotDo(t *testing.T) {
	r, log := newRunner(t)
	tables, err := r.runSuite(t.Context(), suite{name: "s", sides: oursAndC(), tables: times("ns"), cases: []benchCase{
		newCase("large", 1<<20, "activate", 1),
	}})
	if err != nil || len(tables) != 0 {
		t.Errorf("tables %q, error %v, want neither", describe(tables), err)
	}
	if !strings.Contains(log.String(), "s, large: not enough processors") {
		t.Errorf("log %q, want the reason in it", log)
	}
}

func TestSuiteLeavesOutWhatAChildIsUnableTo(t *testing.T) {
	r, log := newRunner(t)
	tables, err := r.runSuite(t.Context(), suite{
		name: "s", tables: times("ns"),
		sides: []side{{title: "small", args: []string{childUnable}}},
		cases: []benchCase{{label: "c", cpus: 1}},
	})
	if err != nil || len(tables) != 0 {
		t.Errorf("tables %q, error %v, want neither", describe(tables), err)
	}
	if !strings.HasSuffix(log.String(), "s, c: small: skipped: machine too small\n") {
		t.Errorf("log %q, want the reason in it", log)
	}
}

func TestChildEndsWithItsContext(t *testing.T) {
	r, _ := newRunner(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.runChild(ctx, nil, []string{r.self, childUnable})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestSuiteGoesOnAfterAFailure(t *testing.T) {
	r, _ := newRunner(t)
	tables, err := r.runSuite(t.Context(), suite{name: "s", sides: oursAndC(), tables: times("ns"), cases: []benchCase{
		newCase("bad", 1, "naps"),
		newCase("good", 1, "activate", 100_000),
	}})
	if err == nil || !strings.HasPrefix(err.Error(), "s, bad: ours: exit status 1: unknown workload") {
		t.Errorf("error %v, want that of the child", err)
	}
	if got, want := describe(tables), "s, ns: ours\n  good, activate 1\n"; got != want {
		t.Errorf("tables:\n%swant:\n%s", got, want)
	}
}

func TestOutputThatIsNoFigureIsRefused(t *testing.T) {
	for _, output := range []string{"add\n", "add\tfast\n"} {
		if _, err := measure.Parse(strings.NewReader(output)); err == nil {
			t.Errorf("output %q was taken", output)
		}
	}
}
