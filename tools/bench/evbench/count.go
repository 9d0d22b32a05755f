package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/go-libevent/libevent/tools/bench/internal/checkout"
	"github.com/go-libevent/libevent/tools/bench/internal/fixed"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

// countRounds is how often each piece of work is counted unless -rounds says
// otherwise: twice shows how exact it is.
const countRounds = 2

// version is a checkout and the programs that were built with its library.
type version struct {
	*checkout.Checkout
	program string
	own     bool // the program is the checkout's own, not this one
}

// openVersions opens two checkouts and builds a command of this module with
// each, in a folder.
func openVersions(ctx context.Context, names []string, command, dir string) (versions []version, closeAll func() error, err error) {
	closeAll = func() error {
		var failures []error
		for _, v := range versions {
			failures = append(failures, v.Close())
		}
		return errors.Join(failures...)
	}
	for i, name := range names {
		c, err := checkout.Open(ctx, name)
		if err != nil {
			return versions, closeAll, err
		}
		v := version{Checkout: c, program: filepath.Join(dir, fmt.Sprint("version", i))}
		versions = append(versions, v)
		versions[i].own, err = c.Build(ctx, command, v.program)
		if err != nil {
			return versions, closeAll, err
		}
	}
	return versions, closeAll, nil
}

// aboutVersions says what is compared.
func aboutVersions(old, new version) string {
	text := fmt.Sprintf("old: %s, new: %s", old.Version, new.Version)
	for _, v := range []version{old, new} {
		if v.own {
			text += fmt.Sprintf("; %s has other names, and its own program does the work", v.Version)
		}
	}
	return text
}

// count counts what pieces of work cost with two versions of the library.
func count(ctx context.Context, o options, dir string, log io.Writer) (report.Report, error) {
	versions, closeAll, err := openVersions(ctx, o.versions, "internal/fixed/evfixed", dir)
	if err != nil {
		return report.Report{}, errors.Join(err, closeAll())
	}
	old, new := versions[0], versions[1]
	result := report.Report{About: about(o) + "\n" + aboutVersions(old, new)}
	tables := costTables(old, new)
	widest := 0.0
	var failures []error
	for _, w := range fixed.Works {
		if ctx.Err() != nil {
			failures = append(failures, ctx.Err())
			break
		}
		fmt.Fprintf(log, "count, %s\n", w.Label)
		costs, err := countWork(o.rounds, w, new, old)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		widest = max(widest, addCosts(tables, w.Label, costs))
	}
	result.About += fmt.Sprintf("\nlargest difference of instructions between two runs of one checkout: %.2f %%", 100*widest)
	for _, t := range tables {
		result.Tables = append(result.Tables, *t)
	}
	return result, errors.Join(append(failures, closeAll())...)
}

// countWork counts a piece of work with versions in turns.
func countWork(rounds int, w fixed.Work, versions ...version) ([][]fixed.Cost, error) {
	costs := make([][]fixed.Cost, len(versions))
	for range rounds {
		for i, v := range versions {
			cost, err := fixed.Measure(v.program, w)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", w.Label, v.Version, err)
			}
			costs[i] = append(costs[i], cost)
		}
	}
	return costs, nil
}

// costFigures are the parts of a cost, a table each.
var costFigures = []struct {
	unit  string
	value func(fixed.Cost) float64
}{
	{"instructions in user mode", func(c fixed.Cost) float64 { return c.Instructions }},
	{"system calls", func(c fixed.Cost) float64 { return c.Calls }},
	{"allocations", func(c fixed.Cost) float64 { return c.Allocations }},
	{"bytes allocated", func(c fixed.Cost) float64 { return c.Bytes }},
}

func costTables(old, new version) []*report.Table {
	var tables []*report.Table
	for _, f := range costFigures {
		tables = append(tables, &report.Table{
			Title: "count, " + f.unit + " a unit", Better: report.Less,
			Sides: []string{"new " + new.Version, "old " + old.Version},
		})
	}
	return tables
}

// addCosts adds the costs of a piece of work, and returns by how much the
// instructions of one version differ between runs, at most.
func addCosts(tables []*report.Table, label string, costs [][]fixed.Cost) (widest float64) {
	for i, f := range costFigures {
		row := report.Row{Label: label}
		for _, runs := range costs {
			var values []float64
			for _, cost := range runs {
				values = append(values, f.value(cost))
			}
			s := stats.Summarize(values)
			row.Values = append(row.Values, &s)
			if i == 0 && s.Min > 0 {
				widest = max(widest, s.Max/s.Min-1)
			}
		}
		tables[i].Rows = append(tables[i].Rows, row)
	}
	return widest
}
