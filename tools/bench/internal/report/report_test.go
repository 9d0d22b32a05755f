package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

// sample has a table with ratios on both sides of one and one without a
// second side.
func sample() Report {
	other := func(median, least, most float64) *stats.Summary {
		return &stats.Summary{Median: median, Min: least, Max: most}
	}
	return Report{
		About: "go1 <test>, 5 rounds",
		Tables: []Table{{
			Title: "timers, ns",
			Ours:  "ours",
			Other: "C libevent 2.1",
			Rows: []Row{
				{"1k timers, add", stats.Summary{Median: 50, Min: 40.25, Max: 60}, other(100, 90, 1234)},
				{"1k timers, fire", stats.Summary{Median: 3, Min: 2, Max: 4}, other(2, 1, 3)},
			},
		}, {
			Title: "post, ns",
			Ours:  "ours",
			Other: "C libevent",
			Rows:  []Row{{Label: "a|b", Ours: stats.Summary{Median: 1, Min: 1, Max: 1}}},
		}},
	}
}

func TestTextIsAligned(t *testing.T) {
	var out strings.Builder
	if err := sample().WriteText(&out); err != nil {
		t.Fatal(err)
	}
	want := `go1 <test>, 5 rounds

timers, ns
                   ours    min–max  C libevent 2.1    min–max  ratio
  1k timers, add   50.0  40.2–60.0             100  90.0–1234   0.50
  1k timers, fire  3.00  2.00–4.00            2.00  1.00–3.00   1.50

post, ns
       ours    min–max  C libevent  min–max  ratio
  a|b  1.00  1.00–1.00           -        -      -
`
	if out.String() != want {
		t.Errorf("text:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestMarkdownHasATableForEachSuite(t *testing.T) {
	var out strings.Builder
	if err := sample().WriteMarkdown(&out); err != nil {
		t.Fatal(err)
	}
	want := `go1 <test>, 5 rounds

### timers, ns

|  | ours | min–max | C libevent 2.1 | min–max | ratio |
|---|---:|---:|---:|---:|---:|
| 1k timers, add | 50.0 | 40.2–60.0 | 100 | 90.0–1234 | 0.50 |
| 1k timers, fire | 3.00 | 2.00–4.00 | 2.00 | 1.00–3.00 | 1.50 |

### post, ns

|  | ours | min–max | C libevent | min–max | ratio |
|---|---:|---:|---:|---:|---:|
| a\|b | 1.00 | 1.00–1.00 | - | - | - |
`
	if out.String() != want {
		t.Errorf("Markdown:\n%s\nwant:\n%s", out.String(), want)
	}
}

// bar is a rectangle of the plot.
type bar struct {
	Class string  `xml:"class,attr"`
	Width string  `xml:"width,attr"`
	Left  float64 `xml:"x,attr"`
}

func TestPlotHasABarForEachRatio(t *testing.T) {
	var out strings.Builder
	if err := sample().WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	var plot struct {
		Bars  []bar    `xml:"rect"`
		Texts []string `xml:"text"`
	}
	if err := xml.Unmarshal([]byte(out.String()), &plot); err != nil {
		t.Fatalf("the plot is not XML: %v", err)
	}
	bars := plot.Bars[1:] // the first is the background
	if len(bars) != 2 {
		t.Fatalf("%d bars, want 2", len(bars))
	}
	if bars[0].Class != "less" || bars[0].Width != "140.0" {
		t.Errorf("bar of 0.5 is %+v, want a third of the longest", bars[0])
	}
	if bars[1].Class != "more" || bars[1].Width != "420.0" {
		t.Errorf("bar of 1.5 is %+v, want the longest", bars[1])
	}
	want := "go1 <test>, 5 rounds|timers, ns: ours / C libevent 2.1|1k timers, add|0.50|1k timers, fire|1.50"
	if got := strings.Join(plot.Texts, "|"); got != want {
		t.Errorf("texts %q, want %q", got, want)
	}
}

func TestRatioNeedsASecondSide(t *testing.T) {
	ours := stats.Summary{Median: 3}
	tests := []struct {
		name  string
		row   Row
		ratio float64
		ok    bool
	}{
		{"two sides", Row{Ours: ours, Other: &stats.Summary{Median: 2}}, 1.5, true},
		{"one side", Row{Ours: ours}, 0, false},
		{"a second side of zero", Row{Ours: ours, Other: &stats.Summary{}}, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if ratio, ok := test.row.Ratio(); ratio != test.ratio || ok != test.ok {
				t.Errorf("Ratio() = %g, %t, want %g, %t", ratio, ok, test.ratio, test.ok)
			}
		})
	}
}

func TestNumbersKeepAboutThreeDigits(t *testing.T) {
	for value, want := range map[float64]string{0: "0.00", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 12345: "12345"} {
		if got := number(value); got != want {
			t.Errorf("number(%g) = %q, want %q", value, got, want)
		}
	}
}

// brokenWriter refuses everything.
type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrorsAreReturned(t *testing.T) {
	for name, write := range map[string]func(Report, io.Writer) error{
		"text":     Report.WriteText,
		"Markdown": Report.WriteMarkdown,
		"SVG":      Report.WriteSVG,
	} {
		if err := write(sample(), brokenWriter{}); !errors.Is(err, errBroken) {
			t.Errorf("%s: error %v, want %v", name, err, errBroken)
		}
	}
}
