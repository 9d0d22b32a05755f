package evbuffer

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
		b.pullUp(n)
	}
	p := b.first.data()
	return p[:n:n], nil
}

// pullUp makes the first chunk hold n bytes, more than it has.
func (b *Buffer) pullUp(n int) {
	c := b.first
	if c.owner == nil && len(c.mem) >= n {
		if len(c.mem)-c.r < n {
			copy(c.mem, c.data())
			c.r, c.w = 0, c.len()
		}
		b.gather(c, n)
		return
	}
	room := n
	if n > maxClassSize {
		room += n / 4 // it may grow; then the next call copies nothing
	}
	c = newChunk(room)
	c.next = b.first
	b.first = c
	b.gather(c, n)
}

// gather fills the first chunk c up to n bytes with data of those after it,
// which loses nothing but its place.
func (b *Buffer) gather(c *chunk, n int) {
	dead := c.next
	last, next := (*chunk)(nil), dead
	for c.len() < n {
		take := min(next.len(), n-c.len())
		c.w += copy(c.mem[c.w:], next.data()[:take])
		next.r += take
		if next.len() > 0 {
			break
		}
		last, next = next, next.next
	}
	c.next = next
	if next == nil {
		b.last = c
	}
	b.epoch++
	if last != nil {
		last.next = nil
		releaseAll(dead)
	}
}

// maxCompact is the most data that Compact copies.
const maxCompact = 2048

// Compact moves a little data that sits in much memory to where it needs less.
// It is for who keeps unfinished messages in very many buffers: what ReadFD or
// Reserve made room for and nobody filled goes back. It has no counterpart in
// C, where a read is preceded by the question how much there is.
func (b *Buffer) Compact() {
	defer b.enter().leave()
	b.dropSpare()
	c := b.first
	if c == nil || c != b.last || c.owner != nil || c.len() > maxCompact || len(c.mem) < 4*c.len() {
		return
	}
	if small := newChunk(c.len()); len(small.mem) < len(c.mem) {
		small.w = copy(small.mem, c.data())
		c.swap(small)
		small.recycle()
	} else {
		small.recycle()
	}
}

// swap exchanges all but the neighbours of two chunks that have their memory
// for themselves, so that positions in one of them remain valid.
func (c *chunk) swap(d *chunk) {
	*c, *d = *d, *c
	c.next, d.next = d.next, c.next
}
