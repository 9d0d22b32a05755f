package evbuffer

// MaxReserve is the most space that Expand and Reserve make, in bytes. Beyond
// that, a number is more likely wrong than memory to be had.
const MaxReserve = 1 << 30

// Expand makes sure that n more bytes can be appended without allocating memory.
// The error is ErrRange if n is negative or more than MaxReserve, or if that
// many more could not be counted (evbuffer_expand).
func (b *Buffer) Expand(n int) error {
	defer b.enter().leave()
	if n < 0 || n > MaxReserve || !b.fits(n) {
		return opError("expand", ErrRange)
	}
	if n > 0 {
		b.expand(n)
	}
	return nil
}

// expand returns the chunk to be written to next, with n or more bytes of free
// space: the last one, whose data may move to larger memory for that, or the
// spare one.
func (b *Buffer) expand(n int) *chunk {
	b.realign(n)
	c := b.last
	if c != nil && len(c.room()) >= n {
		return c
	}
	if c.worthMoving() && c.len()+n <= maxClassSize {
		c.rehome(c.len() + n)
		return c
	}
	b.setAside(n)
	return b.spare()
}

// worthMoving reports whether a chunk has little data, and would leave much of
// its memory unused if another one followed it.
func (c *chunk) worthMoving() bool {
	const most = 4096
	return c != nil && c.owner == nil && c.len() <= most && len(c.mem)-c.w >= len(c.mem)/8
}

// Reserve makes free space of n or more bytes and points vecs at it, for the
// caller to write to. It returns the number of vecs used: no more than two, and
// one is enough if the space should be in one piece. Nothing is in the buffer
// before [Buffer.Commit].
//
//	var space [2][]byte
//	n, err := b.Reserve(size, space[:])
//	... fill space[:n]; shorten the last ones to what was filled ...
//	err = b.Commit(space[:n])
//
// The space is good until the next change to the buffer, or the next Reserve,
// which may give out the same again. The error is ErrFrozen if the back is
// frozen, ErrRange if vecs is empty or n is as Expand does not take it
// (evbuffer_reserve_space).
func (b *Buffer) Reserve(n int, vecs [][]byte) (int, error) {
	defer b.enter().leave()
	switch {
	case b.frozen(Back):
		return 0, opError("reserve", ErrFrozen)
	case n < 0 || n > MaxReserve || len(vecs) == 0 || !b.fits(n):
		return 0, opError("reserve", ErrRange)
	}
	n = max(n, 1)
	b.realign(n)
	if room := len(b.room()); room > 0 && room < n && len(vecs) > 1 {
		b.setAside(n - room)
		vecs[0], vecs[1] = b.last.reserve(), b.spare().reserve()
		return 2, nil
	}
	vecs[0] = b.expand(n).reserve()
	return 1, nil
}

// reserve returns the free space of c for a writer, which may go on
// even when c is gone.
func (c *chunk) reserve() []byte {
	c.reserved = true
	return c.mem[c.w:len(c.mem):len(c.mem)]
}

// Commit appends the space that Reserve has pointed vecs at, as far as their
// lengths go, which may be less than reserved but not more; later ones may be
// left out. That ends the reservation, so Commit(nil) gives up all of it. The
// error is ErrNotReserved if vecs are anything else, or if a change to the buffer
// has moved or used the space since; then nothing is appended. It is ErrFrozen if
// the back is frozen (evbuffer_commit_space).
func (b *Buffer) Commit(vecs [][]byte) error {
	defer b.enter().leave()
	if b.frozen(Back) {
		return opError("commit", ErrFrozen)
	}
	chunks, ok := b.reservation(vecs)
	if !ok {
		return opError("commit", ErrNotReserved)
	}
	b.endReservation()
	before := b.length
	for i, v := range vecs {
		b.commit(chunks[i], len(v))
	}
	b.changed(before, b.length-before, 0)
	return nil
}

// reservation returns the chunks whose free space vecs are.
func (b *Buffer) reservation(vecs [][]byte) (chunks [2]*chunk, ok bool) {
	candidates := [2]*chunk{b.last, b.spare()}
	next := 0
	for i, v := range vecs {
		for next < len(candidates) && !candidates[next].reservedAt(v) {
			next++
		}
		if next == len(candidates) {
			return chunks, false
		}
		chunks[i] = candidates[next]
		next++
	}
	return chunks, true
}

// reservedAt reports whether v is the start of c's free space, and was given
// out.
func (c *chunk) reservedAt(v []byte) bool {
	if c == nil || !c.reserved || cap(v) == 0 {
		return false
	}
	room := c.room()
	return len(room) > 0 && len(v) <= len(room) && &v[:1][0] == &room[0]
}

// commit makes the first n bytes of the free space of c data.
func (b *Buffer) commit(c *chunk, n int) {
	c.w += n
	switch {
	case n == 0:
	case c == b.spare():
		b.rare.spare = nil
		b.append(c)
	default:
		b.length += n
	}
}

// endReservation ends what reserve began: free space is not written to any more.
func (b *Buffer) endReservation() {
	if b.last != nil {
		b.last.reserved = false
	}
	if c := b.spare(); c != nil {
		c.reserved = false
	}
}
