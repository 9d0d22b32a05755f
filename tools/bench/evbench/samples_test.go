package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

func TestFiguresMustAgreeAcrossRounds(t *testing.T) {
	var s samples
	if err := s.add([]measure.Figure{{Name: "add", Value: 1}}, false); err != nil {
		t.Fatal(err)
	}
	if err := s.add([]measure.Figure{{Name: "delete", Value: 1}}, false); err == nil {
		t.Error("another figure was taken")
	}
	if err := s.add(nil, false); err == nil {
		t.Error("a round without figures was taken")
	}
}

func TestFiguresMustAgreeAcrossSides(t *testing.T) {
	ours := samples{names: []string{"add"}}
	for _, other := range []samples{{}, {names: []string{"delete"}}} {
		if _, err := figureNames([]samples{ours, other}, false); err == nil {
			t.Errorf("figures %q were compared with %q", ours.names, other.names)
		}
	}
	failed := samples{err: errors.New("failed")}
	names, err := figureNames([]samples{failed, ours}, false)
	if err != nil || !slices.Equal(names, ours.names) {
		t.Errorf("figures %q, %v beside a side that failed, want %q", names, err, ours.names)
	}
}

func TestMissingCountsAreZero(t *testing.T) {
	var ours, other samples
	for _, figures := range [][]measure.Figure{
		{{Name: "all", Value: 1}, {Name: "read", Value: 1}},
		{{Name: "all", Value: 4}, {Name: "futex", Value: 3}, {Name: "read", Value: 1}},
	} {
		if err := ours.add(figures, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.add([]measure.Figure{{Name: "all", Value: 1}, {Name: "readv", Value: 1}}, true); err != nil {
		t.Fatal(err)
	}
	want := stats.Summary{Median: 1.5, Min: 0, Max: 3}
	if got := ours.summary("futex"); got == nil || *got != want {
		t.Errorf("a count that was missing in a round is %v, want %v", got, want)
	}
	tables := make([]report.Table, 1)
	s := suite{counts: true, tables: []table{{}}}
	if err := addRows(tables, s, "l", []samples{ours, other}); err != nil {
		t.Fatal(err)
	}
	if got := describe(tables); got != ": \n  l, all 2\n  l, read 1\n  l, futex 1\n  l, readv 1\n" {
		t.Errorf("rows:\n%s", got)
	}
}
