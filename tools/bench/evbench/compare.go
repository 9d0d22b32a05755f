package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/load"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/pin"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

const (
	// compareWidth is how wide the interval of a ratio may be, unless -width
	// says otherwise.
	compareWidth = 0.06
	// compareMost is after how many rounds a case is given up, unless -most
	// says otherwise.
	compareMost = 100
)

// comparison is a case that is measured with two versions. What is measured is
// this program, as it was built with either.
type comparison struct {
	label  string
	figure string   // the processor time of a unit
	load   []string // the load's arguments, or none where the program measures itself
	timed  bool     // the measuring time is one more of the load's arguments
	args   []string // the program's
}

// comparisons are all of them.
func comparisons() []comparison {
	echo := func(conns int) comparison {
		return comparison{
			label: "echo, 64 B, " + connections(conns), figure: "server CPU", timed: true,
			load: append([]string{"echo"}, words(64, conns)...), args: []string{childServe, "ours"},
		}
	}
	http := func(label string, w load.HTTPWork) comparison {
		return comparison{
			label: label, figure: "server CPU", timed: true,
			load: append([]string{"http-server"}, words(httpNumbers(w)...)...), args: []string{childServe, "http-ours"},
		}
	}
	return []comparison{
		echo(100),
		echo(1000),
		http("HTTP hello, 100 connections", load.HTTPWork{Size: httpHello, Depth: 1, Conns: 100}),
		http("HTTP hello, 1000 connections", load.HTTPWork{Size: httpHello, Depth: 1, Conns: 1000}),
		http("HTTP hello, 16 pipelined", load.HTTPWork{Size: httpHello, Depth: 16, Conns: 100}),
		http("HTTP hello, a connection each", load.HTTPWork{Size: httpHello, Depth: 1, Conns: 100, Fresh: true}),
		{
			label: "TLS echo, 64 B, 100 connections", figure: "server CPU", timed: true,
			load: append([]string{"tls-echo"}, words(64, 100)...), args: []string{childServe, "tls-ours"},
		},
		{
			label: "DNS server, batches", figure: "server CPU", timed: true,
			load: append([]string{"dns-server"}, words(100)...), args: []string{childServe, "dns-ours"},
		},
		{
			label: "resolver, 100 lookups at a time", figure: "CPU",
			load: append([]string{"dns-resolver"}, words(100_000, 100)...), args: []string{childResolve, "ours"},
		},
		{label: "100k timers, add", figure: "add", args: []string{childMeasure, "timers", "100000"}},
		{label: "100k timers, re-add", figure: "re-add", args: []string{childMeasure, "timers", "100000"}},
		{label: "100k timers, fire", figure: "fire", args: []string{childMeasure, "timers", "100000"}},
	}
}

// compare measures two versions of the library, in rounds that it adds until the
// ratio of their processor times is known well enough.
func compare(ctx context.Context, o options, r *runner, dir string) (report.Report, error) {
	versions, closeAll, err := openVersions(ctx, o.versions, "evbench", dir)
	if err != nil {
		return report.Report{}, errors.Join(err, closeAll())
	}
	old, new := versions[0], versions[1]
	result := report.Report{About: fmt.Sprintf("%s, seed: %d\n%s", about(o), o.seed, aboutVersions(old, new))}
	random := rand.New(rand.NewPCG(o.seed, 0))
	table := report.Listing{
		Title: "compare, processor time of a unit",
		Head:  []string{"", "new", "old", "new / old", "95 % interval", "rounds", "verdict"},
	}
	var failures []error
	for _, c := range comparisons() {
		if ctx.Err() != nil {
			failures = append(failures, ctx.Err())
			break
		}
		fmt.Fprintf(r.log, "compare, %s\n", c.label)
		m := &match{comparison: c, old: old, new: new}
		if err := m.play(ctx, o, r, random); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", c.label, err))
			continue
		}
		table.Rows = append(table.Rows, m.row(o.width))
		fmt.Fprintf(r.log, "  %s\n", table.Rows[len(table.Rows)-1][3:])
	}
	result.Listings = append(result.Listings, table)
	return result, errors.Join(append(failures, closeAll())...)
}

// match is a comparison under way.
type match struct {
	comparison
	old, new version
	times    [2][]float64 // of the old and the new version, a value a round
	ratios   []float64
}

// play adds rounds until the interval is narrow enough, or there are too many.
// Which version comes first in a round is drawn by lot.
func (m *match) play(ctx context.Context, o options, r *runner, random *rand.Rand) error {
	cpus, err := pin.CPUs(m.cpus())
	if err != nil {
		return err
	}
	for len(m.ratios) < o.most && !m.decided(o.width) {
		first := random.IntN(2)
		for _, i := range []int{first, 1 - first} {
			value, err := m.measure(ctx, r, cpus, []version{m.old, m.new}[i], o.time)
			if err != nil {
				return err
			}
			m.times[i] = append(m.times[i], value)
		}
		last := len(m.times[0]) - 1
		m.ratios = append(m.ratios, m.times[1][last]/m.times[0][last])
	}
	return nil
}

// cpus returns how many processors the comparison needs.
func (m *match) cpus() int {
	if m.load == nil {
		return 1
	}
	return 2
}

func (m *match) decided(width float64) bool {
	if len(m.ratios) < stats.MinInterval {
		return false
	}
	_, low, high := stats.MedianInterval(m.ratios)
	return high-low <= width
}

// measure returns the processor time of a unit with a version.
func (m *match) measure(ctx context.Context, r *runner, cpus []int, v version, d time.Duration) (float64, error) {
	command := append([]string{v.program}, m.args...)
	if m.load != nil {
		if len(cpus) > 0 {
			command = r.pinned(cpus[1:], command)
			cpus = cpus[:1]
		}
		line := append([]string{r.self, childMeasure}, m.load...)
		if m.timed {
			line = append(line, strconv.FormatInt(d.Milliseconds(), 10))
		}
		command = append(append(line, endOfNumbers), command...)
	}
	figures, err := r.runChild(ctx, cpus, command)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", v.Version, err)
	}
	return valueOf(figures, m.figure)
}

// valueOf returns a figure's value.
func valueOf(figures []measure.Figure, name string) (float64, error) {
	for _, f := range figures {
		if f.Name == name && f.Value > 0 {
			return f.Value, nil
		}
	}
	return 0, fmt.Errorf("no figure %q among %v", name, figures)
}

// row returns the result as cells of a listing.
func (m *match) row(width float64) []string {
	ratio, low, high := math.NaN(), math.NaN(), math.NaN()
	if len(m.ratios) >= stats.MinInterval {
		ratio, low, high = stats.MedianInterval(m.ratios)
	}
	return []string{
		m.label,
		report.Number(stats.Summarize(m.times[1]).Median),
		report.Number(stats.Summarize(m.times[0]).Median),
		fmt.Sprintf("%.3f", ratio),
		fmt.Sprintf("%.3f–%.3f", low, high),
		strconv.Itoa(len(m.ratios)),
		judge(low, high, width),
	}
}

// judge says what an interval of ratios means, that should not be wider than
// width. Less is better.
func judge(low, high, width float64) string {
	switch {
	case low > 1:
		return "worse"
	case high < 1:
		return "better"
	case high-low <= width:
		return "not worse"
	}
	return "undecided"
}
