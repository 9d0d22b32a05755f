package evbuffer

import (
	"fmt"
	"math"
)

// Add appends a copy of p. It fails with ErrFrozen if the back is frozen
// (evbuffer_add).
func (b *Buffer) Add(p []byte) error {
	defer b.enter().leave()
	if err := b.checkAdd("add", len(p)); err != nil {
		return err
	}
	before := b.length
	add(b, p)
	b.changed(before, len(p), 0)
	return nil
}

// AddString appends the bytes of s, as Add does.
func (b *Buffer) AddString(s string) error {
	defer b.enter().leave()
	if err := b.checkAdd("add", len(s)); err != nil {
		return err
	}
	before := b.length
	add(b, s)
	b.changed(before, len(s), 0)
	return nil
}

// AddIOVec appends copies of several pieces of memory, and tells callbacks only
// once. It returns the number of bytes appended: all, or none and ErrFrozen if
// the back is frozen (evbuffer_add_iovec).
func (b *Buffer) AddIOVec(vecs [][]byte) (int, error) {
	defer b.enter().leave()
	total := 0
	for _, v := range vecs {
		if len(v) > math.MaxInt-total {
			return 0, opError("add iovec", ErrRange)
		}
		total += len(v)
	}
	if err := b.checkAdd("add iovec", total); err != nil {
		return 0, err
	}
	before := b.length
	b.realign(total)
	if room := len(b.room()); room < total {
		b.setAside(total - room)
	}
	for _, v := range vecs {
		fill(b, v)
	}
	b.changed(before, total, 0)
	return total, nil
}

// Printf appends what fmt.Sprintf(format, args...) returns. It returns the
// number of bytes appended; the error is as for Add (evbuffer_add_printf).
func (b *Buffer) Printf(format string, args ...any) (int, error) {
	return fmt.Fprintf(b, format, args...)
}

// checkAdd returns the error of an operation that would append n bytes.
func (b *Buffer) checkAdd(op string, n int) error {
	switch {
	case b.frozen(Back):
		return opError(op, ErrFrozen)
	case !b.fits(n):
		return opError(op, ErrRange)
	}
	return nil
}

// add appends a copy of p.
func add[T []byte | string](b *Buffer, p T) {
	b.realign(len(p))
	fill(b, p)
}

// fill puts a copy of p into the last chunk and, from where that is full, into
// new ones. Large data goes to many chunks rather than one that measures: filling
// memory from a pool is ten times as fast as getting it from the allocator.
func fill[T []byte | string](b *Buffer, p T) {
	if b.last != nil {
		n := copy(b.last.room(), p)
		b.last.w += n
		b.length += n
		p = p[n:]
	}
	for len(p) > 0 {
		c := b.grow(min(len(p), maxClassSize))
		c.w = copy(c.mem, p)
		b.append(c)
		p = p[c.w:]
	}
}

// Prepend puts a copy of p before the front. It fails with ErrFrozen if the
// front is frozen, unless p is empty (evbuffer_prepend).
func (b *Buffer) Prepend(p []byte) error {
	defer b.enter().leave()
	switch {
	case len(p) == 0:
		return nil
	case b.frozen(Front):
		return opError("prepend", ErrFrozen)
	case !b.fits(len(p)):
		return opError("prepend", ErrRange)
	}
	before := b.length
	b.prepend(p)
	b.changed(before, len(p), 0)
	return nil
}

// prepend puts what fits into the free space before the data of the first
// chunk, and the rest at the end of a new one, so that there is free space
// again for the next time.
func (b *Buffer) prepend(p []byte) {
	if c := b.first; c != nil && c.owner == nil && c.r > 0 {
		n := min(c.r, len(p))
		rest := len(p) - n
		c.r -= n
		copy(c.mem[c.r:], p[rest:])
		b.length += n
		b.epoch++
		p = p[:rest]
	}
	if len(p) > 0 {
		c := newChunk(len(p))
		c.r, c.w = len(c.mem)-len(p), len(c.mem)
		copy(c.mem[c.r:], p)
		b.prependChain(c, c, len(p))
	}
}
