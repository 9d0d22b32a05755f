package evbuffer

import "math"

// fits reports whether n more bytes can be counted.
func (b *Buffer) fits(n int) bool { return n <= math.MaxInt-b.length }

// append puts a chunk with data behind the last one.
func (b *Buffer) append(c *chunk) { b.appendChain(c, c, c.len()) }

// appendChain puts the chunks from first to last, with n bytes in all, behind
// the last one, which is tightened. They come where the spare chunk was to be.
func (b *Buffer) appendChain(first, last *chunk, n int) {
	b.dropSpare()
	if b.last == nil {
		b.first = first
	} else {
		b.last.tighten()
		b.last.next = first
	}
	last.next = nil
	b.last = last
	b.length += n
}

// prependChain puts the chunks from first to last, with n bytes in all, before
// the first one.
func (b *Buffer) prependChain(first, last *chunk, n int) {
	if b.last == nil {
		b.last = last
	} else {
		last.tighten()
	}
	last.next = b.first
	b.first = first
	b.length += n
	b.epoch++
}

// detachAll takes all chunks out of the queue, to be released or to go
// elsewhere. The spare one is dropped, for a buffer without data keeps no memory.
func (b *Buffer) detachAll() (first, last *chunk, n int) {
	first, last, n = b.first, b.last, b.length
	b.first, b.last, b.length = nil, nil, 0
	b.epoch++
	b.dropSpare()
	return first, last, n
}

// detach takes whole chunks out of the front of the queue, as many as have no
// more than limit bytes together, which must be less than all that there are.
func (b *Buffer) detach(limit int) (first, last *chunk, n int) {
	c := b.first
	for n+c.len() <= limit {
		n += c.len()
		last, c = c, c.next
	}
	if last == nil {
		return nil, nil, 0
	}
	first, b.first = b.first, c
	last.next = nil
	b.length -= n
	b.epoch++
	return first, last, n
}

// drop takes n bytes, no more than there are, out of the front of the queue. It
// returns the chunks to release when that is safe.
func (b *Buffer) drop(n int) (dead *chunk) {
	if n == b.length {
		dead, _, _ = b.detachAll()
		return dead
	}
	dead, _, dropped := b.detach(n)
	b.advance(n - dropped)
	b.tightenFirst()
	return dead
}

// advance moves the start of the first chunk's data by n bytes, fewer than it
// has. The chunk is to be tightened after that.
func (b *Buffer) advance(n int) {
	b.first.r += n
	b.length -= n
	b.epoch++
}

// dropSpare gives back the memory that Expand or Reserve set aside.
func (b *Buffer) dropSpare() {
	if b.rare != nil {
		b.rare.dropSpare()
	}
}

func (x *rareFields) dropSpare() {
	if x.spare != nil {
		x.spare.recycle()
		x.spare = nil
	}
}

// room returns the free space behind the data of the last chunk.
func (b *Buffer) room() []byte {
	if b.last == nil {
		return nil
	}
	return b.last.room()
}

// realign makes room for n bytes in the last chunk by moving its data, if that
// pays.
func (b *Buffer) realign(n int) {
	if b.last != nil {
		b.last.realign(n)
	}
}

// grow returns an empty chunk to append, with n or more bytes: the spare one if
// it will do.
func (b *Buffer) grow(n int) *chunk {
	if c := b.spare(); c != nil && len(c.mem) >= n {
		b.rare.spare = nil
		return c
	}
	b.dropSpare()
	return newChunk(b.growth(n))
}

// growth returns how large a new chunk should be that needs n bytes. The more
// data there is, the more room it gets, so that many small additions make few
// chunks; but no more than twice as much as the chunk before it, and nothing
// extra behind memory that is not the buffer's own.
func (b *Buffer) growth(n int) int {
	if b.last == nil || b.last.owner != nil {
		return n
	}
	return max(n, min(b.length/2, 2*len(b.last.mem), maxClassSize))
}

// spare returns the chunk that was set aside, or nil.
func (b *Buffer) spare() *chunk {
	if b.rare == nil {
		return nil
	}
	return b.rare.spare
}

// setAside makes sure that the spare chunk has n or more bytes.
func (b *Buffer) setAside(n int) {
	if c := b.spare(); c == nil || len(c.mem) < n {
		b.dropSpare()
		b.needRare().spare = newChunk(n)
	}
}
