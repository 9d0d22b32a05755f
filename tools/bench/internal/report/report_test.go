package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

func summary(median, least, most float64) *stats.Summary {
	return &stats.Summary{Median: median, Min: least, Max: most}
}

// sample has a table with ratios on both sides of one, one with a missing side
// and one with three sides.
func sample() Report {
	return Report{
		About: "go1 <test>, 5 rounds",
		Tables: []Table{{
			Title: "timers, ns",
			Sides: []string{"ours", "C libevent 2.1"},
			Rows: []Row{
				{"1k timers, add", []*stats.Summary{summary(50, 40.25, 60), summary(100, 90, 1234)}},
				{"1k timers, fire", []*stats.Summary{summary(3, 2, 4), summary(2, 1, 3)}},
			},
		}, {
			Title: "post, ns",
			Sides: []string{"ours", "C libevent"},
			Rows:  []Row{{"a|b", []*stats.Summary{summary(1, 1, 1), nil}}},
		}, {
			Title:  "echo, messages/s",
			Better: More,
			Sides:  []string{"ours", "raw", "net"},
			Rows: []Row{
				{"64 B", []*stats.Summary{summary(200, 190, 210), summary(250, 240, 260), summary(100, 90, 110)}},
				{"4 KB", []*stats.Summary{summary(100, 100, 100), nil, summary(50, 50, 50)}},
			},
		}, {
			Title:  "echo, server busy, %",
			Better: Neither,
			Sides:  []string{"ours", "raw"},
			Rows:   []Row{{"64 B", []*stats.Summary{summary(99, 98, 100), summary(90, 80, 100)}}},
		}},
	}
}

func TestTextIsAligned(t *testing.T) {
	var out strings.Builder
	if err := sample().WriteText(&out); err != nil {
		t.Fatal(err)
	}
	want := `go1 <test>, 5 rounds

timers, ns (less is better)
                   ours    min–max  C libevent 2.1    min–max  ratio
  1k timers, add   50.0  40.2–60.0             100  90.0–1234   0.50
  1k timers, fire  3.00  2.00–4.00            2.00  1.00–3.00   1.50

post, ns (less is better)
       ours    min–max  C libevent  min–max  ratio
  a|b  1.00  1.00–1.00           -        -      -

echo, messages/s (more is better)
                ours      raw       net
  64 B           200      250       100
  — min–max  190–210  240–260  90.0–110
  — ratio          -     0.80      2.00
  4 KB           100        -      50.0
  — ratio          -        -      2.00

echo, server busy, %
        ours   min–max   raw   min–max
  64 B  99.0  98.0–100  90.0  80.0–100
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

### timers, ns (less is better)

|  | ours | min–max | C libevent 2.1 | min–max | ratio |
|---|---:|---:|---:|---:|---:|
| 1k timers, add | 50.0 | 40.2–60.0 | 100 | 90.0–1234 | 0.50 |
| 1k timers, fire | 3.00 | 2.00–4.00 | 2.00 | 1.00–3.00 | 1.50 |

### post, ns (less is better)

|  | ours | min–max | C libevent | min–max | ratio |
|---|---:|---:|---:|---:|---:|
| a\|b | 1.00 | 1.00–1.00 | - | - | - |

### echo, messages/s (more is better)

|  | ours | raw | net |
|---|---:|---:|---:|
| 64 B | 200 | 250 | 100 |
| — min–max | 190–210 | 240–260 | 90.0–110 |
| — ratio | - | 0.80 | 2.00 |
| 4 KB | 100 | - | 50.0 |
| — ratio | - | - | 2.00 |

### echo, server busy, %

|  | ours | min–max | raw | min–max |
|---|---:|---:|---:|---:|
| 64 B | 99.0 | 98.0–100 | 90.0 | 80.0–100 |
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
	want := []struct{ class, width string }{
		{"better", "105.0"}, // 0.5 of a time
		{"worse", "315.0"},  // 1.5 of a time
		{"worse", "168.0"},  // 0.8 of a rate
		{"better", "420.0"}, // 2 of a rate, the longest
		{"better", "420.0"},
	}
	if len(bars) != len(want) {
		t.Fatalf("%d bars, want %d", len(bars), len(want))
	}
	for i, w := range want {
		if bars[i].Class != w.class || bars[i].Width != w.width {
			t.Errorf("bar %d is %+v, want %+v", i, bars[i], w)
		}
	}
	texts := "go1 <test>, 5 rounds" +
		"|timers, ns (less is better): ours / C libevent 2.1|1k timers, add|0.50|1k timers, fire|1.50" +
		"|echo, messages/s (more is better): ours / raw|64 B|0.80" +
		"|echo, messages/s (more is better): ours / net|64 B|2.00|4 KB|2.00"
	if got := strings.Join(plot.Texts, "|"); got != texts {
		t.Errorf("texts %q, want %q", got, texts)
	}
}

func TestRatioNeedsTwoSides(t *testing.T) {
	ours, other := summary(3, 3, 3), summary(2, 2, 2)
	tests := []struct {
		name   string
		better Better
		values []*stats.Summary
		side   int
		ratio  float64
		ok     bool
	}{
		{"another side", Less, []*stats.Summary{ours, other}, 1, 1.5, true},
		{"a third side", More, []*stats.Summary{ours, nil, other}, 2, 1.5, true},
		{"itself", Less, []*stats.Summary{ours, other}, 0, 0, false},
		{"the other is missing", Less, []*stats.Summary{ours, nil}, 1, 0, false},
		{"the first is missing", Less, []*stats.Summary{nil, other}, 1, 0, false},
		{"the other is zero", Less, []*stats.Summary{ours, summary(0, 0, 0)}, 1, 0, false},
		{"nothing is better", Neither, []*stats.Summary{ours, other}, 1, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table := Table{Better: test.better}
			if ratio, ok := table.Ratio(Row{Values: test.values}, test.side); ratio != test.ratio || ok != test.ok {
				t.Errorf("Ratio() = %g, %t, want %g, %t", ratio, ok, test.ratio, test.ok)
			}
		})
	}
}

func TestNumbersKeepAboutThreeDigits(t *testing.T) {
	for value, want := range map[float64]string{0: "0.00", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 12345: "12345", 9.999: "10.0", 99.99: "100"} {
		if got := Number(value); got != want {
			t.Errorf("Number(%g) = %q, want %q", value, got, want)
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
