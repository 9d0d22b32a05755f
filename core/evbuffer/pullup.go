package evbuffer

import "math"

// Pullup brings the first n bytes together in memory, copying them only if they
// are not, and returns them; a negative n means all. What it returns is valid
// until the next change to the buffer. It may be written to unless it was added
// by reference or from a file. The error is ErrRange if there are fewer than n
// bytes (evbuffer_pullup).
func (b *Buffer) Pullup(n int) ([]byte, error) {
	defer b.enter().leave()
	if n < 0 {
		n = b.length
	}
	return b.pullup(n)
}

func (b *Buffer) pullup(n int) ([]byte, error) {
	if n > b.length {
		return nil, opError("pull up", ErrRange)
	}
	if n == 0 {
		return nil, nil
	}
	if err := loadAll(b.first, n); err != nil {
		return nil, opError("pull up", err)
	}
	if b.first.len() < n {
		dead := b.pullUp(n)
		epoch := b.epoch
		releaseAll(dead)
		if b.epoch != epoch { // by a cleanup
			return b.pullup(n)
		}
	}
	return b.first.data()[:n:n], nil
}

// pullUp makes the first chunk hold n bytes, more than it has. It returns the
// chunks to release.
func (b *Buffer) pullUp(n int) (dead *chunk) {
	c := b.first
	if c.owner != nil || len(c.mem) < n {
		room := n
		if n > maxClassSize {
			room += min(n/4, math.MaxInt-n) // so that the next bytes need no new memory
		}
		c = newChunk(room)
		c.next = b.first
		b.first = c
	}
	if len(c.mem)-c.r < n {
		copy(c.mem, c.data())
		c.r, c.w = 0, c.len()
	}
	return b.gather(c, n)
}

// gather fills c, the first chunk, up to n bytes with data of those after it.
// It returns the chunks that this has emptied.
func (b *Buffer) gather(c *chunk, n int) (dead *chunk) {
	end := &dead
	next := c.next
	for c.len() < n {
		taken := copy(c.mem[c.w:c.r+n], next.data())
		c.w += taken
		next.r += taken
		if next.len() == 0 {
			*end, end, next = next, &next.next, next.next
		}
	}
	*end = nil
	c.next = next
	if next == nil {
		b.last = c
	} else if next != b.last {
		next.tighten()
	}
	b.epoch++
	return dead
}

// Compact moves data that fills less than a quarter of its memory to where it
// needs less, and gives unused memory back. It is for programs that keep unfinished
// messages in very many buffers and do not expect the rest soon: after a
// large read of which almost all was drained, the little that is left still has
// all of the memory. It has no counterpart in C.
func (b *Buffer) Compact() {
	defer b.enter().leave()
	b.dropSpare()
	if c := b.last; c != nil && c.owner == nil && c.isFarTooLargeFor(c.len()) {
		c.rehome(c.len())
	}
}
