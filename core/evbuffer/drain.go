package evbuffer

// Drain removes n bytes from the front, or all if there are fewer. It fails
// with ErrRange if n is negative, and with ErrFrozen if the front is frozen and
// the buffer is not empty (evbuffer_drain).
func (b *Buffer) Drain(n int) error {
	if n < 0 {
		return opError("drain", ErrRange)
	}
	defer b.enter().leave()
	if b.length == 0 {
		return nil
	}
	if b.frozen(Front) {
		return opError("drain", ErrFrozen)
	}
	b.drain(min(n, b.length))
	return nil
}

// drain removes n bytes, no more than there are. Cleanups run last, also if a
// callback panics: what they do to the buffer is another change, of which callbacks
// are told after this one.
func (b *Buffer) drain(n int) {
	if n == 0 {
		return
	}
	before := b.length
	if dead := b.drop(n); dead != nil {
		defer releaseAll(dead)
	}
	b.changed(before, 0, n)
}

// Remove moves bytes from the front to p, as many as there are and p takes. It
// fails with ErrFrozen if the front is frozen and there is something to move
// (evbuffer_remove).
func (b *Buffer) Remove(p []byte) (int, error) {
	defer b.enter().leave()
	n, err := b.copyOut("remove", nil, p)
	b.drain(n)
	return n, err
}

// CopyOut copies bytes from the front to p, as many as there are and p takes,
// and leaves the buffer as it is. Even so it fails if the front is frozen, as
// Remove does (evbuffer_copyout).
func (b *Buffer) CopyOut(p []byte) (int, error) {
	defer b.enter().leave()
	return b.copyOut("copy out", nil, p)
}

// CopyOutFrom copies bytes as CopyOut does, but from pos on; nil is the front.
// It fails with ErrPosition if pos is not a position of the buffer
// (evbuffer_copyout_from).
func (b *Buffer) CopyOutFrom(pos *Ptr, p []byte) (int, error) {
	defer b.enter().leave()
	return b.copyOut("copy out", pos, p)
}

func (b *Buffer) copyOut(op string, pos *Ptr, p []byte) (int, error) {
	at, err := b.locate(pos)
	if err != nil {
		return 0, opError(op, err)
	}
	p = p[:min(len(p), b.length-at.pos)]
	if len(p) == 0 {
		return 0, nil
	}
	if b.frozen(Front) {
		return 0, opError(op, ErrFrozen)
	}
	if err := loadAll(at.chunk, at.off+len(p)); err != nil {
		return 0, opError(op, err)
	}
	n, off := 0, at.off
	for c := at.chunk; n < len(p); c = c.next {
		n += copy(p[n:], c.data()[off:])
		off = 0
	}
	return n, nil
}

// loadAll brings what is on disk of the n bytes from the start of c into
// memory.
func loadAll(c *chunk, n int) error {
	for ; c != nil && n > 0; c = c.next {
		if err := c.load(); err != nil {
			return err
		}
		n -= c.len()
	}
	return nil
}
