// Package report prints what was measured: as aligned text, as Markdown and as
// a plot of ratios in SVG.
package report

import (
	"fmt"

	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

// Report is one run of the benchmark.
type Report struct {
	About  string // the machine and the way of measuring, one line
	Tables []Table
}

// Table is what was measured for one suite, on two sides.
type Table struct {
	Title string // suite and unit
	Ours  string // what the first side is
	Other string // what the second side is
	Rows  []Row
}

// Row is one figure. Without a second side Other is nil.
type Row struct {
	Label string
	Ours  stats.Summary
	Other *stats.Summary
}

// Ratio returns the first side's median divided by the second's, and whether
// there is one.
func (r Row) Ratio() (float64, bool) {
	if r.Other == nil || r.Other.Median == 0 {
		return 0, false
	}
	return r.Ours.Median / r.Other.Median, true
}

// header returns the heads of the columns.
func (t Table) header() []string {
	return []string{"", t.Ours, "min–max", t.Other, "min–max", "ratio"}
}

// cells returns the text of a row's columns.
func (r Row) cells() []string {
	cells := []string{r.Label, number(r.Ours.Median), span(r.Ours), "-", "-", "-"}
	if r.Other != nil {
		cells[3], cells[4] = number(r.Other.Median), span(*r.Other)
	}
	if ratio, ok := r.Ratio(); ok {
		cells[5] = fmt.Sprintf("%.2f", ratio)
	}
	return cells
}

// number writes a value with about three digits that mean something.
func number(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// span writes the range of a figure.
func span(s stats.Summary) string {
	return number(s.Min) + "–" + number(s.Max)
}
