package evbuffer

// maxCoalesce is the most data that is always copied rather than moved if it is
// to go behind other data, where there is room. A chunk for each small message
// would waste most of its memory.
const maxCoalesce = 512

// maxCopy is the most data that RemoveBuffer copies out of a chunk of which
// only a part is to go. Of larger pieces the memory is shared.
const maxCopy = 4096

// AddBuffer moves all data of src to the back of b. However much that is, it is
// not copied, small amounts excepted. The error is ErrFrozen if the back of b
// or the front of src is frozen, ErrNil if src is nil. An empty src, or b
// itself, changes nothing (evbuffer_add_buffer).
func (b *Buffer) AddBuffer(src *Buffer) error {
	const op = "add buffer"
	if src == nil {
		return opError(op, ErrNil)
	}
	defer enterBoth(b, src).leave()
	if src.length == 0 || src == b {
		return nil
	}
	if err := b.checkMove(op, Back, src, src.length); err != nil {
		return err
	}
	b.takeAll(src)
	return nil
}

// takeAll moves all data of src, which has some, to the back of b.
func (b *Buffer) takeAll(src *Buffer) {
	before := b.length
	first, last, n := src.detachAll()
	if first == last && b.coalesces(first) {
		add(b, first.data())
		first.recycle()
	} else {
		b.appendChain(first, last, n)
	}
	src.changed(n, 0, n)
	b.changed(before, n, 0)
}

// coalesces reports whether the data of a chunk should be copied to behind the
// data that there is, if any, rather than c put there. It is so for little data,
// and for that which takes up much more memory than it needs: a peer that sends
// short messages and is slow to take the answers must not make those pile up in
// large chunks.
func (b *Buffer) coalesces(c *chunk) bool {
	if b.last == nil || c.owner != nil {
		return false
	}
	return c.len() <= min(maxCoalesce, len(b.room())) || c.isFarTooLargeFor(c.len())
}

// PrependBuffer moves all data of src to before the front of b, without copying
// it. The error is ErrFrozen if either front is frozen, ErrNil if src is nil. An
// empty src, or b itself, changes nothing (evbuffer_prepend_buffer).
func (b *Buffer) PrependBuffer(src *Buffer) error {
	const op = "prepend buffer"
	if src == nil {
		return opError(op, ErrNil)
	}
	defer enterBoth(b, src).leave()
	if src.length == 0 || src == b {
		return nil
	}
	if err := b.checkMove(op, Front, src, src.length); err != nil {
		return err
	}
	before := b.length
	first, last, n := src.detachAll()
	b.prependChain(first, last, n)
	src.changed(n, 0, n)
	b.changed(before, n, 0)
	return nil
}

// RemoveBuffer moves n bytes from the front of b to the back of dst, or all if
// there are fewer, and returns how many it moved. It copies only small pieces.
// The error is ErrFrozen if the front of b or the back of dst is frozen,
// ErrRange if n is negative, ErrNil if dst is nil. Moving nothing, or to b
// itself, does nothing (evbuffer_remove_buffer).
func (b *Buffer) RemoveBuffer(dst *Buffer, n int) (int, error) {
	const op = "remove buffer"
	switch {
	case dst == nil:
		return 0, opError(op, ErrNil)
	case n < 0:
		return 0, opError(op, ErrRange)
	}
	defer enterBoth(b, dst).leave()
	if n == 0 || dst == b {
		return 0, nil
	}
	n = min(n, b.length)
	if err := dst.checkMove(op, Back, b, n); err != nil {
		return 0, err
	}
	switch n {
	case 0:
	case b.length:
		dst.takeAll(b)
	default:
		dst.take(b, n)
	}
	return n, nil
}

// take moves n bytes, fewer than there are, from the front of src to the back
// of b.
func (b *Buffer) take(src *Buffer, n int) {
	before, srcBefore := b.length, src.length
	first, last, moved := src.detach(n)
	if first != nil {
		b.appendChain(first, last, moved)
	}
	if rest := n - moved; rest > 0 {
		b.takePart(src, rest)
	}
	b.changed(before, n, 0)
	src.changed(srcBefore, 0, n)
}

// takePart moves n bytes, fewer than there are, from the first chunk of src to
// the back of b.
func (b *Buffer) takePart(src *Buffer, n int) {
	c := src.first
	if n <= maxCopy && !c.onDisk() {
		add(b, c.data()[:n])
		src.advance(n)
		return
	}
	front := c.split(n)
	src.length -= n
	src.epoch++
	b.append(front)
}

// checkMove returns the error of an operation that would move n bytes from the
// front of src to one end of b.
func (b *Buffer) checkMove(op string, to End, src *Buffer, n int) error {
	switch {
	case b.frozen(to), src.frozen(Front):
		return opError(op, ErrFrozen)
	case !b.fits(n):
		return opError(op, ErrRange)
	}
	return nil
}
