package report

import (
	"io"
	"strings"
)

// WriteMarkdown writes the report as Markdown tables.
func (r Report) WriteMarkdown(w io.Writer) error {
	var out strings.Builder
	out.WriteString(r.About + "\n")
	for _, t := range r.Tables {
		writeMarkdownTable(&out, t.heading(), t.lines())
	}
	for _, l := range r.Listings {
		writeMarkdownTable(&out, l.Title, l.lines())
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func writeMarkdownTable(out *strings.Builder, title string, lines [][]string) {
	out.WriteString("\n### " + title + "\n\n")
	writeMarkdownRow(out, lines[0])
	out.WriteString("|---|" + strings.Repeat("---:|", len(lines[0])-1) + "\n")
	for _, cells := range lines[1:] {
		writeMarkdownRow(out, cells)
	}
}

func writeMarkdownRow(out *strings.Builder, cells []string) {
	for _, cell := range cells {
		out.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
	}
	out.WriteString("|\n")
}
