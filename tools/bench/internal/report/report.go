// Package report prints what was measured: as aligned text, as Markdown and as
// a plot of ratios in SVG.
package report

import (
	"fmt"
	"slices"

	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

// Report is one run of the benchmark.
type Report struct {
	About  string // the machine and the way of measuring, one line
	Tables []Table

	Listings []Listing // after the tables
}

// Listing is a table of words.
type Listing struct {
	Title string
	Head  []string
	Rows  [][]string
}

// lines returns the cells of the listing, its head first.
func (l Listing) lines() [][]string { return append([][]string{l.Head}, l.Rows...) }

// Better says which of two values is the better one.
type Better int

const (
	Less    Better = iota // times, memory
	More                  // rates
	Neither               // values that explain others; there are no ratios
)

// Table is what was measured for one suite, or one figure of it, on one or more
// sides.
type Table struct {
	Title  string // suite and unit
	Better Better
	Sides  []string // what they are; the first is compared with the others
	Rows   []Row
}

// Row is one figure. It has a value for each side, or nil.
type Row struct {
	Label  string
	Values []*stats.Summary
}

// Ratio returns the first side's median divided by that of another, and whether
// there is one.
func (t Table) Ratio(r Row, side int) (float64, bool) {
	if t.Better == Neither || side == 0 || r.Values[0] == nil || r.Values[side] == nil || r.Values[side].Median == 0 {
		return 0, false
	}
	return r.Values[0].Median / r.Values[side].Median, true
}

// wins tells whether a ratio says that the first side is the better one, or no
// worse.
func (b Better) wins(ratio float64) bool {
	if b == More {
		return ratio >= 1
	}
	return ratio <= 1
}

// heading returns the title with what is better.
func (t Table) heading() string {
	switch t.Better {
	case Less:
		return t.Title + " (less is better)"
	case More:
		return t.Title + " (more is better)"
	}
	return t.Title
}

// lines returns the cells of the table, its head first. Up to two sides share a
// line for each figure. More have up to three lines: the medians, the ranges, if
// there was more than one round, and the ratios.
func (t Table) lines() [][]string {
	if len(t.Sides) <= 2 {
		return t.pairLines()
	}
	return t.crowdLines()
}

func (t Table) pairLines() [][]string {
	head := []string{""}
	for _, side := range t.Sides {
		head = append(head, side, "min–max")
	}
	if len(t.Sides) == 2 && t.Better != Neither {
		head = append(head, "ratio")
	}
	lines := [][]string{head}
	for _, row := range t.Rows {
		cells := []string{row.Label}
		for _, value := range row.Values {
			cells = append(cells, median(value), span(value))
		}
		if len(cells) < len(head) {
			cells = append(cells, t.ratio(row, 1))
		}
		lines = append(lines, cells)
	}
	return lines
}

func (t Table) crowdLines() [][]string {
	lines := [][]string{append([]string{""}, t.Sides...)}
	for _, row := range t.Rows {
		medians, spans, ratios := []string{row.Label}, []string{"— min–max"}, []string{"— ratio"}
		for side, value := range row.Values {
			medians = append(medians, median(value))
			spans = append(spans, span(value))
			ratios = append(ratios, t.ratio(row, side))
		}
		lines = append(lines, medians)
		if row.varies() {
			lines = append(lines, spans)
		}
		if t.Better != Neither {
			lines = append(lines, ratios)
		}
	}
	return lines
}

// ratio writes the ratio of the first side to another, if there is one.
func (t Table) ratio(row Row, side int) string {
	ratio, ok := t.Ratio(row, side)
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.2f", ratio)
}

// varies tells whether any side's value differed between rounds.
func (r Row) varies() bool {
	return slices.ContainsFunc(r.Values, func(s *stats.Summary) bool { return s != nil && s.Min != s.Max })
}

// median writes the middle of a figure.
func median(s *stats.Summary) string {
	if s == nil {
		return "-"
	}
	return Number(s.Median)
}

// span writes the range of a figure.
func span(s *stats.Summary) string {
	if s == nil {
		return "-"
	}
	return Number(s.Min) + "–" + Number(s.Max)
}

// Number writes a value with about three digits that mean something.
func Number(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
