package report

import (
	"fmt"
	"html"
	"io"
	"strings"
)

// Measures of the plot, in pixels.
const (
	svgLabels = 260 // width of the labels
	svgBars   = 420 // width of the longest bar
	svgValues = 60  // width of the values to the right of the bars
	svgLine   = 20  // height of a line
	svgMargin = 10
)

// WriteSVG draws a bar for each ratio, with a line where both sides are equal;
// the bars of sides that are compared with form a group. Rows without a ratio
// are left out, and so are groups without any.
func (r Report) WriteSVG(w io.Writer) error {
	p := plot{scale: svgBars / r.longest(), y: svgMargin}
	p.text(svgMargin, "about", "start", r.About)
	p.y += svgLine
	for _, t := range r.Tables {
		for side := range t.Sides {
			p.group(t, side)
		}
	}
	_, err := io.WriteString(w, p.document())
	return err
}

// longest returns the longest bar's ratio, at least one that leaves room behind
// the line.
func (r Report) longest() float64 {
	longest := 1.25
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			for side := range t.Sides {
				ratio, _ := t.Ratio(row, side)
				longest = max(longest, ratio)
			}
		}
	}
	return longest
}

// plot is a drawing in progress, which grows downward.
type plot struct {
	body  strings.Builder
	scale float64 // pixels of a ratio of one
	y     int     // top of the next line
}

// group draws the title and the bars of a table's ratios to one side.
func (p *plot) group(t Table, side int) {
	titled := false
	for _, row := range t.Rows {
		ratio, ok := t.Ratio(row, side)
		if !ok {
			continue
		}
		if !titled {
			p.y += svgLine / 2
			p.text(svgMargin, "title", "start", t.heading()+": "+t.Sides[0]+" / "+t.Sides[side])
			p.y += svgLine
			titled = true
		}
		p.bar(row.Label, ratio, t.Better.wins(ratio))
		p.y += svgLine
	}
}

// bar draws label, bar and value into the line at y, and the mark of equality.
func (p *plot) bar(label string, ratio float64, wins bool) {
	class := "worse"
	if wins {
		class = "better"
	}
	const left = svgMargin + svgLabels
	fmt.Fprintf(&p.body, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
		class, left, p.y+3, ratio*p.scale, svgLine-6)
	fmt.Fprintf(&p.body, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n",
		left+p.scale, p.y, left+p.scale, p.y+svgLine)
	p.text(left-6, "label", "end", label)
	p.text(left+svgBars+svgValues, "value", "end", fmt.Sprintf("%.2f", ratio))
}

// text writes into the line at y.
func (p *plot) text(x int, class, anchor, s string) {
	fmt.Fprintf(&p.body, "<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
		class, x, p.y+svgLine-6, anchor, html.EscapeString(s))
}

// document returns the finished drawing.
func (p *plot) document() string {
	width := 2*svgMargin + svgLabels + svgBars + svgValues
	height := p.y + svgMargin
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">
<style>
text { font: 12px sans-serif; fill: #222 }
.title { font-weight: bold }
.better { fill: #3a8f5c }
.worse { fill: #c8712f }
line { stroke: #222 }
</style>
<rect width="100%%" height="100%%" fill="#fff"/>
%s</svg>
`, width, height, width, height, p.body.String())
}
