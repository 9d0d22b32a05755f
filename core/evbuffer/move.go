package evbuffer

import "github.com/go-libevent/libevent/core/event"

// maxCoalesce is the most data that is always copied rather than moved if it is
// to go next to other data in memory of the buffer's own. A chunk for each small
// message would waste most of its memory.
const maxCoalesce = 512

// maxCopy is the most data that RemoveBuffer always copies out of a chunk of
// which only a part is to go. Of larger pieces the memory is shared, unless they
// would keep much more of it than they need.
const maxCopy = 4096

// AddBuffer moves all data of src to the back of b. However much that is, it is
// not copied, small amounts excepted. The error is ErrFrozen if the back of b
// or the front of src is frozen, event.ErrNil if src is nil. An empty src, or b
// itself, changes nothing (evbuffer_add_buffer).
func (b *Buffer) AddBuffer(src *Buffer) error {
	const op = "add buffer"
	if src == nil {
		return opError(op, event.ErrNil)
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
	b.join(first, last, n)
	changedBoth(change{src, n, 0, n}, change{b, before, n, 0})
}

// join puts the chunks from first to last, with n bytes in all, behind the last
// one, or copies the data of the first of them there.
func (b *Buffer) join(first, last *chunk, n int) {
	for first != nil && b.last.coalesces(first) {
		c := first
		first = c.next
		n -= c.len()
		add(b, c.data())
		c.recycle()
	}
	if first != nil {
		b.appendChain(first, last, n)
	}
}

// coalesces reports whether the data of d, which is to come next to c, should be
// copied to memory that c has, or that follows, rather than d put there. It is so
// for little data, and for that which takes up much more memory than it needs: a
// peer that sends short messages and is slow to take the answers must not make
// those pile up in large chunks.
func (c *chunk) coalesces(d *chunk) bool {
	if c == nil || d.owner != nil {
		return false
	}
	return c.owner == nil && d.len() <= maxCoalesce || d.isFarTooLargeFor(d.len())
}

// PrependBuffer moves all data of src to before the front of b. However much that
// is, it is not copied, small amounts excepted. The error is ErrFrozen if either front is frozen, event.ErrNil if src is nil. An
// empty src, or b itself, changes nothing (evbuffer_prepend_buffer).
func (b *Buffer) PrependBuffer(src *Buffer) error {
	const op = "prepend buffer"
	if src == nil {
		return opError(op, event.ErrNil)
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
	if first == last && b.first.coalesces(first) {
		b.prepend(first.data())
		first.recycle()
	} else {
		b.prependChain(first, last, n)
	}
	changedBoth(change{src, n, 0, n}, change{b, before, n, 0})
	return nil
}

// RemoveBuffer moves n bytes from the front of b to the back of dst, or all if
// there are fewer, and returns how many it moved. It copies only small pieces.
// The error is ErrFrozen if the front of b or the back of dst is frozen,
// ErrRange if n is negative, event.ErrNil if dst is nil. Moving nothing, or to b
// itself, does nothing (evbuffer_remove_buffer).
func (b *Buffer) RemoveBuffer(dst *Buffer, n int) (int, error) {
	const op = "remove buffer"
	switch {
	case dst == nil:
		return 0, opError(op, event.ErrNil)
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
		b.join(first, last, moved)
	}
	if rest := n - moved; rest > 0 {
		b.takePart(src, rest)
	}
	changedBoth(change{b, before, n, 0}, change{src, srcBefore, 0, n})
}

// takePart moves n bytes, fewer than there are, from the first chunk of src to
// the back of b.
func (b *Buffer) takePart(src *Buffer, n int) {
	c := src.first
	if !c.onDisk() && (n <= maxCopy || c.wasteful(n)) {
		add(b, c.data()[:n])
		src.advance(n)
		src.tightenFirst()
		return
	}
	front := c.split(n)
	src.length -= n
	src.epoch++
	src.tightenFirst()
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
