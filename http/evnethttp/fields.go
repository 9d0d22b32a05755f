package evnethttp

import (
	"iter"
	"net/http"
	"slices"
)

// byName yields the fields of a header in the order of their names, in which net/http
// sends them, too.
func byName(h http.Header) iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		var room [24]string
		names := room[:0]
		for name := range h { // in any order: they are sorted
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if !yield(name, h[name]) {
				return
			}
		}
	}
}
