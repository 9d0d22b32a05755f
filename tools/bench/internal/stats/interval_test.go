package stats

import (
	"math/rand/v2"
	"testing"
)

// The ranks are those of tables of the sign test for 95 %.
func TestRankOfTheIntervalOfAMedian(t *testing.T) {
	tests := []struct{ n, want int }{
		{6, 0}, {7, 0}, {8, 0}, {9, 1}, {10, 1}, {12, 2}, {15, 3}, {20, 5}, {25, 7}, {30, 9}, {50, 17}, {100, 39},
	}
	for _, tt := range tests {
		if got := intervalRank(tt.n); got != tt.want {
			t.Errorf("of %d values %d lie on either side, want %d", tt.n, got, tt.want)
		}
	}
}

func TestIntervalContainsTheMedianInNineteenOfTwentyCases(t *testing.T) {
	const cases, center = 4000, 3.0
	random := rand.New(rand.NewPCG(1, 2))
	contained := 0
	for range cases {
		values := make([]float64, 20)
		for i := range values {
			values[i] = center + random.NormFloat64()
		}
		median, low, high := MedianInterval(values)
		if median < low || median > high {
			t.Fatalf("median %g outside of %g–%g", median, low, high)
		}
		if low <= center && center <= high {
			contained++
		}
	}
	if share := float64(contained) / cases; share < 0.94 {
		t.Errorf("%g of the intervals contain the median, want at least 0.95", share)
	}
}
