//go:build !windows

package event

import "iter"

// ioMap finds the entry of a descriptor. Unix numbers descriptors from zero
// without great gaps, so a slice does.
type ioMap struct {
	entries []ioEntry
}

// load returns the entry of fd, which is zero if there is none.
func (m *ioMap) load(fd int) ioEntry {
	if uint(fd) >= uint(len(m.entries)) {
		return ioEntry{}
	}
	return m.entries[fd]
}

// store sets the entry of fd, which must not be negative.
func (m *ioMap) store(fd int, e ioEntry) {
	if fd >= len(m.entries) {
		size := max(32, 2*len(m.entries), fd+1)
		m.entries = append(m.entries, make([]ioEntry, size-len(m.entries))...)
	}
	m.entries[fd] = e
}

// all visits the entries that have events.
func (m *ioMap) all() iter.Seq2[int, ioEntry] {
	return func(yield func(int, ioEntry) bool) {
		for fd, e := range m.entries {
			if e.events != nil && !yield(fd, e) {
				return
			}
		}
	}
}
