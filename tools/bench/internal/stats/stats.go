// Package stats summarises many values: those of one measurement by quantiles,
// those that a figure had in several rounds by their middle and range.
package stats

import (
	"cmp"
	"math"
	"slices"
)

// Summary is the middle and the range of a figure.
type Summary struct {
	Median, Min, Max float64
}

// Summarize summarises at least one value. The median of an even number of
// values is the mean of the two in the middle.
func Summarize(values []float64) Summary {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Summary{
		Median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		Min:    sorted[0],
		Max:    sorted[n-1],
	}
}

// Quantile returns the smallest of the sorted values, of which there is at
// least one, that a share q of them does not exceed.
func Quantile[V cmp.Ordered](sorted []V, q float64) V {
	rank := math.Ceil(q * float64(len(sorted)))
	return sorted[max(int(rank)-1, 0)]
}
