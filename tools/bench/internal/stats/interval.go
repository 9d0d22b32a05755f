package stats

import (
	"math"
	"slices"
)

// MinInterval is how many values a 95 % interval of their median needs.
const MinInterval = 6

// MedianInterval returns the median of at least MinInterval values and an
// interval that contains the median of what they are drawn from with a
// probability of at least 95 %, whatever their distribution: it lies between two
// of the values, as far from the ends as the binomial distribution allows.
func MedianInterval(values []float64) (median, low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	k := intervalRank(len(sorted))
	return Summarize(sorted).Median, sorted[k], sorted[len(sorted)-1-k]
}

// intervalRank returns how many of n values may lie on either side of the
// interval: the most for which a fair coin shows heads that rarely, or less
// often, in 2.5 % of all cases.
func intervalRank(n int) int {
	const tail = 0.025
	sum, k := 0.0, 0
	for ; k < n/2; k++ {
		sum += binomial(n, k)
		if sum > tail {
			break
		}
	}
	return max(k-1, 0)
}

// binomial returns the probability that n tosses of a fair coin show k heads.
func binomial(n, k int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	heads, _ := math.Lgamma(float64(k + 1))
	tails, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(all - heads - tails - float64(n)*math.Ln2)
}
