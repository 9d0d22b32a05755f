package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-libevent/libevent/tools/bench/internal/cpeer"
	"github.com/go-libevent/libevent/tools/bench/internal/loop"
	"github.com/go-libevent/libevent/tools/bench/internal/pin"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

// runner measures suites with child processes.
type runner struct {
	self   string     // path of this program
	peer   cpeer.Peer // without a path if there is none
	rounds int
	log    io.Writer // gets a line for each case
}

// runSuite measures all cases of a suite. Cases that fail are missing from the
// table and part of the error.
func (r *runner) runSuite(ctx context.Context, s suite) (report.Table, error) {
	table := report.Table{Title: s.name + ", " + s.unit, Ours: s.ours, Other: s.other}
	if table.Other == "" {
		table.Other = "C libevent " + r.peer.Version
	}
	var failures []error
	for _, c := range s.cases {
		if ctx.Err() != nil {
			return table, ctx.Err()
		}
		fmt.Fprintf(r.log, "%s, %s\n", s.name, c.label)
		rows, err := r.runCase(ctx, c)
		switch {
		case errors.Is(err, errUnable), errors.Is(err, pin.ErrTooFew):
			fmt.Fprintf(r.log, "%s, %s: %v\n", s.name, c.label, err)
		case err != nil:
			failures = append(failures, fmt.Errorf("%s, %s: %w", s.name, c.label, err))
		}
		table.Rows = append(table.Rows, rows...)
	}
	return table, errors.Join(failures...)
}

// runCase measures both sides of a case, or only ours if the other one is a
// peer that is missing, by turns.
func (r *runner) runCase(ctx context.Context, c benchCase) ([]report.Row, error) {
	cpus, err := pin.CPUs(c.cpus)
	if err != nil {
		return nil, err
	}
	sides := c.sides[:]
	if c.sides[1].peer && r.peer.Path == "" {
		sides = sides[:1]
	}
	results := make([]samples, len(sides))
	for round := range r.rounds {
		for i := range sides {
			turn := (round + i) % len(sides)
			figures, err := r.runSide(ctx, cpus, sides[turn])
			if err != nil {
				return nil, err
			}
			if err := results[turn].add(figures); err != nil {
				return nil, err
			}
		}
	}
	return makeRows(c.label, results)
}

// runSide runs the child for one side of a case.
func (r *runner) runSide(ctx context.Context, cpus []int, s side) ([]loop.Figure, error) {
	if s.peer {
		figures, err := runChild(ctx, r.self, cpus, r.peer.Path, s.args)
		return figures, wrap("C libevent", err)
	}
	figures, err := runChild(ctx, r.self, cpus, r.self, append([]string{childMeasure}, s.args...))
	return figures, wrap("ours", err)
}

// wrap adds to an error, if there is one, where it comes from.
func wrap(from string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", from, err)
}

// samples holds the values of a side's figures, one of each figure a round.
type samples struct {
	names  []string
	values [][]float64
}

// add adds the figures of a round, which must be those of the rounds before.
func (s *samples) add(figures []loop.Figure) error {
	if s.names == nil {
		for _, f := range figures {
			s.names = append(s.names, f.Name)
		}
		s.values = make([][]float64, len(figures))
	}
	if len(figures) != len(s.names) {
		return fmt.Errorf("%d figures, want %q", len(figures), s.names)
	}
	for i, f := range figures {
		if f.Name != s.names[i] {
			return fmt.Errorf("figure %q, want %q", f.Name, s.names[i])
		}
		s.values[i] = append(s.values[i], f.Value)
	}
	return nil
}

// makeRows makes a row of each figure of one or two sides.
func makeRows(label string, results []samples) ([]report.Row, error) {
	ours := results[0]
	var rows []report.Row
	for i, name := range ours.names {
		row := report.Row{Label: label + ", " + name, Ours: stats.Summarize(ours.values[i])}
		if len(results) > 1 {
			other := results[1]
			if i >= len(other.names) || other.names[i] != name {
				return nil, fmt.Errorf("figures %q and %q differ", ours.names, other.names)
			}
			summary := stats.Summarize(other.values[i])
			row.Other = &summary
		}
		rows = append(rows, row)
	}
	return rows, nil
}
