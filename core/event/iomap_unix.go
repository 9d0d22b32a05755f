//go:build !windows

package event

import "iter"

// ioPageSize is how many descriptors share a page.
const ioPageSize = 64

// ioPage has the entries of neighbouring descriptors.
type ioPage [ioPageSize]ioEntry

// ioMap finds the entry of a descriptor. Unix numbers descriptors from zero
// without great gaps, so a slice does; one of pages, because those stay where
// they are when there are more: growing to a million descriptors copies little,
// and leaves little behind.
type ioMap struct {
	pages []*ioPage // nil where there never was an entry
}

// load returns the entry of fd, which is zero if there is none.
func (m *ioMap) load(fd int) ioEntry {
	page := uint(fd) / ioPageSize
	if page >= uint(len(m.pages)) || m.pages[page] == nil {
		return ioEntry{}
	}
	return m.pages[page][uint(fd)%ioPageSize]
}

// store sets the entry of fd, which must not be negative.
func (m *ioMap) store(fd int, e ioEntry) {
	page := fd / ioPageSize
	if page >= len(m.pages) {
		m.pages = append(m.pages, make([]*ioPage, page+1-len(m.pages))...)
	}
	if m.pages[page] == nil {
		m.pages[page] = new(ioPage)
	}
	m.pages[page][fd%ioPageSize] = e
}

// all visits the entries that have events.
func (m *ioMap) all() iter.Seq2[int, ioEntry] {
	return func(yield func(int, ioEntry) bool) {
		for i, page := range m.pages {
			if page == nil {
				continue
			}
			for j, e := range page {
				if e.events != nil && !yield(i*ioPageSize+j, e) {
					return
				}
			}
		}
	}
}
