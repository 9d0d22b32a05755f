// Package stats summarises the values that a figure had in several rounds.
package stats

import "slices"

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
