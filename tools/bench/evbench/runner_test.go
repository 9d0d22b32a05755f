package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/cpeer"
	"github.com/go-libevent/libevent/tools/bench/internal/loop"
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
	return &runner{self: self, rounds: 2, log: log}, log
}

// labels returns the labels of a table's rows.
func labels(table report.Table) string {
	var words []string
	for _, row := range table.Rows {
		words = append(words, row.Label)
	}
	return strings.Join(words, "; ")
}

func TestSuiteRunsOursAloneWithoutAPeer(t *testing.T) {
	r, log := newRunner(t)
	table, err := r.runSuite(t.Context(), suite{
		name: "activate", unit: "ns", ours: "ours",
		cases: []benchCase{againstC("many", 1, "activate", 100_000)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := labels(table), "many, activate"; got != want {
		t.Fatalf("rows %q, want %q", got, want)
	}
	if table.Rows[0].Other != nil {
		t.Error("there is a second side, want none")
	}
	if got, want := log.String(), "activate, many\n"; got != want {
		t.Errorf("log %q, want %q", got, want)
	}
}

func TestSuiteComparesWithTheCPeer(t *testing.T) {
	r, _ := newRunner(t)
	peer, err := cpeer.Build(t.Context(), t.TempDir())
	if errors.Is(err, cpeer.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.peer = peer
	table, err := r.runSuite(t.Context(), suite{cases: []benchCase{
		againstC("t", 1, "timers", 10_000),
		againstC("p", 1, "pipes", 4, 2, 1000),
		againstC("a", 1, "activate", 100_000),
		againstC("o", 1, "post", 5000),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := "t, add; t, re-add; t, delete; t, add in a callback; t, fire; p, run; a, activate; o, activate; o, post; o, round trip"
	if got := labels(table); got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
	if !strings.HasPrefix(table.Other, "C libevent 2.") {
		t.Errorf("second side is %q, want C libevent with its version", table.Other)
	}
	for _, row := range table.Rows {
		if _, ok := row.Ratio(); !ok {
			t.Errorf("%s has no ratio", row.Label)
		}
	}
}

func TestSuiteComparesTwoWorkloadsOfOurs(t *testing.T) {
	r, _ := newRunner(t)
	with, without := side{args: []string{"idle", "5", "1"}}, side{args: []string{"idle", "5", "0"}}
	table, err := r.runSuite(t.Context(), suite{
		ours: "with", other: "without",
		cases: []benchCase{{label: "l", cpus: 1, sides: [2]side{with, without}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := labels(table), "l, median; l, 99th percentile"; got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
	if table.Rows[0].Other == nil || table.Other != "without" {
		t.Errorf("second side %q is missing", table.Other)
	}
}

func TestSuiteLeavesOutWhatTheMachineCannotDo(t *testing.T) {
	r, log := newRunner(t)
	table, err := r.runSuite(t.Context(), suite{name: "s", cases: []benchCase{
		againstC("large", 1<<20, "activate", 1),
	}})
	if err != nil || len(table.Rows) != 0 {
		t.Errorf("rows %q, error %v, want neither", labels(table), err)
	}
	if !strings.Contains(log.String(), "s, large: not enough processors") {
		t.Errorf("log %q, want the reason in it", log)
	}
}

func TestChildSaysThatItIsUnable(t *testing.T) {
	r, _ := newRunner(t)
	_, err := runChild(t.Context(), r.self, nil, r.self, []string{childUnable})
	if !errors.Is(err, errUnable) || !strings.HasSuffix(err.Error(), "machine too small") {
		t.Errorf("error %v, want %v with the child's reason", err, errUnable)
	}
}

func TestChildEndsWithItsContext(t *testing.T) {
	r, _ := newRunner(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := runChild(ctx, r.self, nil, r.self, []string{childUnable})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestSuiteGoesOnAfterAFailure(t *testing.T) {
	r, _ := newRunner(t)
	table, err := r.runSuite(t.Context(), suite{name: "s", cases: []benchCase{
		againstC("bad", 1, "naps"),
		againstC("good", 1, "activate", 100_000),
	}})
	if err == nil || !strings.HasPrefix(err.Error(), "s, bad: ours: exit status 1: unknown workload") {
		t.Errorf("error %v, want that of the child", err)
	}
	if got, want := labels(table), "good, activate"; got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
}

func TestFiguresMustAgreeAcrossRounds(t *testing.T) {
	var s samples
	if err := s.add([]loop.Figure{{Name: "add", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := s.add([]loop.Figure{{Name: "delete", Value: 1}}); err == nil {
		t.Error("another figure was taken")
	}
	if err := s.add(nil); err == nil {
		t.Error("a round without figures was taken")
	}
}

func TestFiguresMustAgreeAcrossSides(t *testing.T) {
	ours := samples{names: []string{"add"}, values: [][]float64{{1}}}
	for _, other := range []samples{{}, {names: []string{"delete"}, values: [][]float64{{1}}}} {
		if _, err := makeRows("l", []samples{ours, other}); err == nil {
			t.Errorf("figures %q were compared with %q", ours.names, other.names)
		}
	}
}

func TestOutputThatIsNoFigureIsRefused(t *testing.T) {
	for _, output := range []string{"add\n", "add\tfast\n"} {
		if _, err := parseFigures(strings.NewReader(output)); err == nil {
			t.Errorf("output %q was taken", output)
		}
	}
}
