package main

import (
	"fmt"
	"slices"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

// samples holds the values of a side's figures, one of each figure a round, or
// why there are none.
type samples struct {
	names  []string
	values [][]float64
	rounds int
	err    error
}

// add adds the figures of a round. They must be those of the rounds before,
// unless they are counts: then what is missing is zero.
func (s *samples) add(figures []measure.Figure, counts bool) error {
	if s.rounds > 0 && !counts {
		if err := s.check(figures); err != nil {
			return err
		}
	}
	for _, f := range figures {
		i := s.index(f.Name)
		s.values[i] = append(s.values[i], f.Value)
	}
	s.rounds++
	for i, values := range s.values {
		if len(values) < s.rounds {
			s.values[i] = append(values, 0)
		}
	}
	return nil
}

// check compares the names of figures with those of the rounds before.
func (s *samples) check(figures []measure.Figure) error {
	if len(figures) != len(s.names) {
		return fmt.Errorf("%d figures, want %q", len(figures), s.names)
	}
	for i, f := range figures {
		if f.Name != s.names[i] {
			return fmt.Errorf("figure %q, want %q", f.Name, s.names[i])
		}
	}
	return nil
}

// index returns the place of a figure, which it makes if there is none.
func (s *samples) index(name string) int {
	if i := slices.Index(s.names, name); i >= 0 {
		return i
	}
	s.names = append(s.names, name)
	s.values = append(s.values, make([]float64, s.rounds))
	return len(s.names) - 1
}

// summary returns what is known of a figure, or nil.
func (s *samples) summary(name string) *stats.Summary {
	i := slices.Index(s.names, name)
	if i < 0 || s.err != nil {
		return nil
	}
	summary := stats.Summarize(s.values[i])
	return &summary
}

// addRows adds a row to the tables for each figure of a case.
func addRows(tables []report.Table, s suite, label string, results []samples) error {
	names, err := figureNames(results, s.counts)
	if err != nil {
		return err
	}
	for i, t := range s.tables {
		for _, name := range names {
			if len(t.figures) > 0 && !slices.Contains(t.figures, name) {
				continue
			}
			row := report.Row{Label: label}
			if len(t.figures) != 1 {
				row.Label += ", " + name
			}
			for side := range results {
				row.Values = append(row.Values, results[side].summary(name))
			}
			tables[i].Rows = append(tables[i].Rows, row)
		}
	}
	return nil
}

// figureNames returns the figures that all sides have, save those that failed,
// or that any side has, if they are counts.
func figureNames(results []samples, counts bool) ([]string, error) {
	var names []string
	for _, result := range results {
		switch {
		case result.err != nil:
		case names == nil:
			names = slices.Clone(result.names)
		case counts:
			names = union(names, result.names)
		case !slices.Equal(names, result.names):
			return nil, fmt.Errorf("figures %q and %q differ", names, result.names)
		}
	}
	return names, nil
}

// union returns the names in both lists, those of the first one first.
func union(a, b []string) []string {
	more := slices.DeleteFunc(slices.Clone(b), func(name string) bool { return slices.Contains(a, name) })
	return append(a, more...)
}
