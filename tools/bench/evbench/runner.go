package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/cpeer"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/pin"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
)

// runner measures suites with child processes.
type runner struct {
	self   string                  // path of this program
	peers  map[peerKind]cpeer.Peer // those that there are
	sides  []string                // names of those to measure; all if there are none
	rounds int
	time   time.Duration // of a measurement whose length is free
	log    io.Writer     // gets a line for each case
}

// runSuite measures all cases of a suite and returns its tables, without those
// that got no rows. Sides that fail in a case are missing from its rows and part
// of the error.
func (r *runner) runSuite(ctx context.Context, s suite) ([]report.Table, error) {
	s.sides = r.present(s.sides)
	if len(s.sides) == 0 {
		fmt.Fprintf(r.log, "%s: there is no side to measure\n", s.name)
		return nil, nil
	}
	tables := make([]report.Table, len(s.tables))
	for i, t := range s.tables {
		tables[i] = report.Table{Title: s.name + ", " + t.unit, Better: t.better, Sides: r.titles(s.sides)}
	}
	var failures []error
	for _, c := range s.cases {
		if ctx.Err() != nil {
			failures = append(failures, ctx.Err())
			break
		}
		fmt.Fprintf(r.log, "%s, %s\n", s.name, c.label)
		results, err := r.runCase(ctx, s, c)
		if err == nil {
			err = addRows(tables, s, c.label, results)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s, %s: %w", s.name, c.label, err))
		}
		for i := range results {
			if err := results[i].err; err != nil {
				failures = append(failures, r.note(s, c, s.sides[i], err))
			}
		}
	}
	tables = slices.DeleteFunc(tables, func(t report.Table) bool { return len(t.Rows) == 0 })
	return tables, errors.Join(failures...)
}

// present returns those of the sides that were asked for and can be measured.
func (r *runner) present(sides []side) []side {
	var found []side
	for _, s := range sides {
		asked := s.name == "" || len(r.sides) == 0 || slices.Contains(r.sides, s.name)
		if asked && (s.peer == 0 || r.peers[s.peer].Path != "") {
			found = append(found, s)
		}
	}
	return found
}

// titles returns the heads of the sides' columns.
func (r *runner) titles(sides []side) []string {
	var titles []string
	for _, s := range sides {
		if s.peer != 0 {
			s.title += " " + r.peers[s.peer].Version
		}
		titles = append(titles, s.title)
	}
	return titles
}

// note returns the failure of a side, or logs it if the machine is the reason.
func (r *runner) note(s suite, c benchCase, failed side, err error) error {
	err = fmt.Errorf("%s, %s: %s: %w", s.name, c.label, failed.title, err)
	if errors.Is(err, errUnable) {
		fmt.Fprintln(r.log, err)
		return nil
	}
	return err
}

// runCase measures all sides of a case by turns. A side that fails has no more
// turns.
func (r *runner) runCase(ctx context.Context, s suite, c benchCase) ([]samples, error) {
	cpus, err := pin.CPUs(c.cpus)
	if errors.Is(err, pin.ErrTooFew) {
		fmt.Fprintf(r.log, "%s, %s: %v\n", s.name, c.label, err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	results := make([]samples, len(s.sides))
	for round := range r.rounds {
		for i := range s.sides {
			turn := (round + i) % len(s.sides)
			result := &results[turn]
			if result.err != nil {
				continue
			}
			var figures []measure.Figure
			figures, result.err = r.runSide(ctx, cpus, s, c, s.sides[turn])
			if result.err == nil {
				result.err = result.add(figures, s.counts)
			}
		}
	}
	return results, nil
}

// runSide runs the child for one side of a case.
func (r *runner) runSide(ctx context.Context, cpus []int, s suite, c benchCase, measured side) ([]measure.Figure, error) {
	args := c.args
	if c.times > 0 {
		d := r.time * time.Duration(c.times)
		args = append(slices.Clone(args), strconv.FormatInt(d.Milliseconds(), 10))
	}
	if !s.network {
		return r.runChild(ctx, cpus, append([]string{r.program(measured)}, slices.Concat(measured.args, args)...))
	}
	server := append([]string{r.program(measured)}, slices.Concat(measured.args, c.serverArgs)...)
	if len(cpus) > 0 {
		server = r.pinned(cpus[1:], server)
		cpus = cpus[:1]
	}
	load := slices.Concat([]string{r.self, childMeasure}, args, []string{endOfNumbers}, server)
	return r.runChild(ctx, cpus, load)
}

// program returns the path of a side's program.
func (r *runner) program(s side) string {
	if s.peer != 0 {
		return r.peers[s.peer].Path
	}
	return r.self
}
