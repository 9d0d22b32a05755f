package stats

import (
	"slices"
	"testing"
)

func TestSummarize(t *testing.T) {
	tests := []struct {
		name   string
		values []float64
		want   Summary
	}{
		{"one value", []float64{3}, Summary{Median: 3, Min: 3, Max: 3}},
		{"an odd number", []float64{9, 1, 4}, Summary{Median: 4, Min: 1, Max: 9}},
		{"an even number", []float64{9, 1, 4, 2}, Summary{Median: 3, Min: 1, Max: 9}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			given := slices.Clone(test.values)
			if got := Summarize(given); got != test.want {
				t.Errorf("Summarize(%v) = %+v, want %+v", test.values, got, test.want)
			}
			if !slices.Equal(given, test.values) {
				t.Errorf("values became %v, want them unchanged", given)
			}
		})
	}
}

func TestQuantileIsAMember(t *testing.T) {
	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	tests := []struct {
		q    float64
		want float64
	}{{0, 1}, {0.5, 5}, {0.51, 6}, {0.9, 9}, {0.99, 10}, {1, 10}}
	for _, test := range tests {
		if got := Quantile(ten, test.q); got != test.want {
			t.Errorf("Quantile(%g) is %g, want %g", test.q, got, test.want)
		}
	}
}
