package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteText writes the report as aligned text.
func (r Report) WriteText(w io.Writer) error {
	var out strings.Builder
	out.WriteString(r.About + "\n")
	for _, t := range r.Tables {
		out.WriteString("\n" + t.heading() + "\n")
		writeAligned(&out, t.lines())
	}
	for _, l := range r.Listings {
		out.WriteString("\n" + l.Title + "\n")
		writeAligned(&out, l.lines())
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writeAligned writes rows of equal length: the first column flush left, the
// others flush right.
func writeAligned(out *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(out, "  %-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(out, "  %*s", widths[i+1], cell)
		}
		out.WriteString("\n")
	}
}
