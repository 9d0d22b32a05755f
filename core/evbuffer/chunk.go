package evbuffer

// A chunk is a piece of memory in the queue of a buffer, some of which holds
// data: mem[r:w].
//
// A chunk without an owner has its memory for itself. Only then may anything
// be written to it, outside of the data, or the data be moved. Other memory is
// the owner's, is shared perhaps, and is never written to.
//
// A part of a file that is still on disk has no memory yet. Its r and w count
// from the start of the segment, as they will when it has.
type chunk struct {
	next  *chunk
	mem   []byte
	r, w  int
	owner owner
	class class
	// reserved: a writer has the free space, and may still write
	// after the chunk is released. So it must not be used again.
	reserved bool
	// nested: the data is another buffer's, which this one refers to.
	nested bool
}

// An owner has the memory of chunks that only borrow it, and counts them.
type owner interface {
	retain()  // for one more chunk
	release() // of one chunk; after the last one, the owner lets go
}

func (c *chunk) len() int { return c.w - c.r }

// data returns the data, without capacity beyond it: what is behind belongs to
// data that was or will be added, or to another chunk.
func (c *chunk) data() []byte { return c.mem[c.r:c.w:c.w] }

// onDisk reports whether the data must be loaded before it can be looked at.
func (c *chunk) onDisk() bool { return c.mem == nil }

// room returns the free space behind the data, unless the memory is not ours
// to write to.
func (c *chunk) room() []byte {
	if c.owner != nil {
		return nil
	}
	return c.mem[c.w:]
}

// maxRealign is the most data that is worth moving to make room behind it.
const maxRealign = 2048

// realign moves the data to the start of the memory if that makes room for n
// bytes and pays.
func (c *chunk) realign(n int) {
	size, used := len(c.mem), c.len()
	if c.owner != nil || size-c.w >= n || size-used < n || used > maxRealign || used >= size/2 {
		return
	}
	copy(c.mem, c.data())
	c.r, c.w = 0, used
}

// alias returns a chunk with the same data in the same memory, which is shared
// from now on.
func (c *chunk) alias() *chunk {
	c.share()
	c.owner.retain()
	d := newHeader()
	*d = *c
	d.next = nil
	return d
}

// split takes the first n bytes, fewer than there are, off into a chunk of
// their own that shares the memory.
func (c *chunk) split(n int) *chunk {
	front := c.alias()
	front.w = front.r + n
	c.r += n
	return front
}

// load brings a part of a file that is still on disk into memory.
func (c *chunk) load() error {
	if !c.onDisk() {
		return nil
	}
	data, err := c.owner.(*FileSegment).load()
	if err != nil {
		return err
	}
	c.mem = data
	return nil
}

// release gives the chunk up: its memory goes back to where it came from. The
// cleanup that this may run can do anything with any buffer, so they must all
// be in order by then.
func (c *chunk) release() {
	if o := c.owner; o != nil {
		c.recycleHeader()
		o.release()
		return
	}
	c.recycle()
}

// releaseAll releases a chain of chunks that are in no buffer any more.
func releaseAll(c *chunk) {
	for c != nil && c.owner == nil {
		next := c.next
		c.recycle()
		c = next
	}
	if c != nil {
		releaseBorrowed(c)
	}
}

// releaseBorrowed is releaseAll for chunks whose owners may run cleanups. One that
// panics does not keep the others from running.
func releaseBorrowed(c *chunk) {
	defer func() { releaseAll(c) }()
	for c != nil {
		dead := c
		c = c.next
		dead.release()
	}
}
