package main

import (
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

func TestIntervalsAreJudged(t *testing.T) {
	tests := []struct {
		low, high float64
		want      string
	}{
		{0.98, 1.03, "not worse"},
		{1.00, 1.02, "not worse"},
		{0.90, 0.99, "better"},
		{1.01, 1.04, "worse"},
		{1.01, 1.40, "worse"},
		{0.90, 1.10, "undecided"},
	}
	for _, tt := range tests {
		if got := judge(tt.low, tt.high, compareWidth); got != tt.want {
			t.Errorf("an interval of %g to %g is %q, want %q", tt.low, tt.high, got, tt.want)
		}
	}
}

func TestComparisonEndsWhenTheIntervalIsNarrow(t *testing.T) {
	tests := []struct {
		name   string
		ratios []float64
		want   bool
	}{
		{"too few rounds", []float64{1, 1, 1, 1, 1}, false},
		{"equal rounds", []float64{1, 1, 1, 1, 1, 1}, true},
		{"one round apart", []float64{1, 1, 1, 1, 1, 1.1}, false},
		{"one round apart of many", []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1.1}, true},
	}
	for _, tt := range tests {
		m := match{ratios: tt.ratios}
		if got := m.decided(0.06); got != tt.want {
			t.Errorf("%s: decided is %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestFiguresThatAreMissingAreErrors(t *testing.T) {
	figures := []measure.Figure{{Name: "CPU", Value: 2}, {Name: "rate", Value: 0}}
	if v, err := valueOf(figures, "CPU"); err != nil || v != 2 {
		t.Errorf("CPU is %g, %v, want 2", v, err)
	}
	for _, name := range []string{"rate", "naps"} {
		if v, err := valueOf(figures, name); err == nil {
			t.Errorf("%s is %g, want an error", name, v)
		}
	}
}

func TestComparisonsNameFiguresThatTheirLoadsHave(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range comparisons() {
		if seen[c.label] {
			t.Errorf("two comparisons are called %q", c.label)
		}
		seen[c.label] = true
		if len(c.args) == 0 || c.timed && c.load == nil {
			t.Errorf("%s: nothing is measured by %+v", c.label, c)
		}
	}
}
