package evbuffer

// Memory stays in proportion to the data. Of the chunks whose memory counts for
// the buffer, which is all but what was added by reference or is a file's, only
// the last one may have much more of it than data, because more data will come
// there. A chunk that stops being the last one, or from whose front data is
// taken while others follow, is moved to memory of its size if it is wasteful.
// Each such move copies less than what was taken before or what the memory can
// hold, and halves the memory, so that a byte is copied about once.
//
// So a buffer has no more memory than twice its data, plus slack for each piece
// that cannot be put together with others and for what follows it, plus one chunk.

// slack is how much memory a chunk may have beyond twice its data: the least that a
// chunk can have. A piece that stands apart and what comes after it have two.
const slack = minClassSize

// wasteful reports whether n bytes of data are much too few for the memory of c,
// provided that it counts for the buffers that c is in.
func (c *chunk) wasteful(n int) bool {
	if len(c.mem) <= 2*n+slack {
		return false
	}
	_, isShared := c.owner.(*shared)
	return isShared || c.owner == nil
}

// tighten moves the data of a wasteful chunk to memory of its size.
func (c *chunk) tighten() {
	if n := c.len(); c.wasteful(n) {
		c.rehome(n)
	}
}

// rehome moves the data to memory of n or more bytes that is the chunk's own.
// The chunk stays where it is in its queue, and positions in it remain valid.
func (c *chunk) rehome(n int) {
	home := newChunk(n)
	home.w = copy(home.mem, c.data())
	home.next = c.next
	*c, *home = *home, *c
	home.release()
}

// tightenFirst tightens the first chunk after data was taken from it. One that is
// also the last may be as wasteful as a last one may be, if it is of usual size.
func (b *Buffer) tightenFirst() {
	if c := b.first; c != b.last || len(c.mem) > maxClassSize {
		c.tighten()
	}
}
