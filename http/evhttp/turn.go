package evhttp

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// A turns is a set that knows in what order things were added to it, so that what is
// done with all of them is done in the same order each time.
type turns[K comparable] map[K]uint64

// inOrder visits what is in the set when it begins, from the first turn to the last, unless
// it has been removed by its turn.
func (s turns[K]) inOrder() iter.Seq[K] {
	return func(yield func(K) bool) {
		for _, k := range slices.SortedFunc(maps.Keys(s), func(a, b K) int { return cmp.Compare(s[a], s[b]) }) {
			if s.has(k) && !yield(k) {
				return
			}
		}
	}
}

// has reports whether something is in the set.
func (s turns[K]) has(k K) bool {
	_, ok := s[k]
	return ok
}
