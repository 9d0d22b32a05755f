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
		out.WriteString("\n### " + t.Title + "\n\n")
		header := t.header()
		writeMarkdownRow(&out, header)
		out.WriteString("|---|" + strings.Repeat("---:|", len(header)-1) + "\n")
		for _, row := range t.Rows {
			writeMarkdownRow(&out, row.cells())
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func writeMarkdownRow(out *strings.Builder, cells []string) {
	for _, cell := range cells {
		out.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
	}
	out.WriteString("|\n")
}
