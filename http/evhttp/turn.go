package evhttp

import (
	"cmp"
	"maps"
	"slices"
)

// A turns is a set that knows in what order things were added to it, so that what is
// done with all of them is done in the same order each time.
type turns[K comparable] map[K]uint64

// inOrder returns what is in the set, from the first turn to the last.
func (s turns[K]) inOrder() []K {
	return slices.SortedFunc(maps.Keys(s), func(a, b K) int { return cmp.Compare(s[a], s[b]) })
}

// has reports whether something is in the set.
func (s turns[K]) has(k K) bool {
	_, ok := s[k]
	return ok
}
