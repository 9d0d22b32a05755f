package event

import (
	"iter"
	"maps"
	"slices"
)

// ioMap finds the entry of a descriptor. Windows' socket handles are numbers
// with great gaps, so it takes a map.
type ioMap struct {
	entries map[int]ioEntry
}

// load returns the entry of fd, which is zero if there is none.
func (m *ioMap) load(fd int) ioEntry { return m.entries[fd] }

// store sets the entry of fd; one without events is dropped.
func (m *ioMap) store(fd int, e ioEntry) {
	if e.events == nil {
		delete(m.entries, fd)
		return
	}
	if m.entries == nil {
		m.entries = make(map[int]ioEntry)
	}
	m.entries[fd] = e
}

// all visits the entries that have events, in the order of their descriptors, as on
// other systems.
func (m *ioMap) all() iter.Seq2[int, ioEntry] {
	return func(yield func(int, ioEntry) bool) {
		for _, fd := range slices.Sorted(maps.Keys(m.entries)) {
			if !yield(fd, m.entries[fd]) {
				return
			}
		}
	}
}
