package evbuffer

import (
	"sync/atomic"

	"github.com/go-libevent/libevent/core/event"
)

// A RefCleanup is called when memory that was added by reference is not needed
// any more, exactly once, with all of it. It runs inside the call that took the
// last byte away, from whatever goroutine that came, and after the callbacks of
// the buffer (evbuffer_ref_cleanup_cb).
type RefCleanup func(data []byte)

// AddReference appends data without copying it. The memory must not change until
// cleanup is called, which may be nil. That is when the last byte has left the
// last buffer: drained, written, freed, or copied to elsewhere by Pullup. It is
// called at once if data is empty or nil, and never if there is an error, which is
// ErrFrozen if the back is frozen (evbuffer_add_reference).
func (b *Buffer) AddReference(data []byte, cleanup RefCleanup) error {
	return b.AddReferenceWithOffset(data, 0, len(data), cleanup)
}

// AddReferenceWithOffset appends n bytes of data from offset, as AddReference
// does; cleanup still gets all of data. The error is ErrRange if there are no
// such n bytes (evbuffer_add_reference_with_offset).
func (b *Buffer) AddReferenceWithOffset(data []byte, offset, n int, cleanup RefCleanup) error {
	const op = "add reference"
	if offset < 0 || n < 0 || offset > len(data) || n > len(data)-offset {
		return opError(op, ErrRange)
	}
	defer b.enter().leave()
	if err := b.checkAdd(op, n); err != nil {
		return err
	}
	ref := &reference{data: data, cleanup: cleanup}
	ref.retain()
	if n == 0 {
		ref.release()
		return nil
	}
	c := newHeader()
	c.mem, c.r, c.w, c.owner = data, offset, offset+n, ref
	b.addBorrowed(c)
	return nil
}

// addBorrowed appends a chunk of memory that is not its own, and tells the
// callbacks.
func (b *Buffer) addBorrowed(c *chunk) {
	before := b.length
	b.append(c)
	b.changed(before, b.length-before, 0)
}

// A reference owns memory of the user's.
type reference struct {
	refs    atomic.Int32
	data    []byte
	cleanup RefCleanup
}

func (r *reference) retain() { r.refs.Add(1) }

func (r *reference) release() {
	if r.refs.Add(-1) == 0 && r.cleanup != nil {
		r.cleanup(r.data)
	}
}

// AddBufferReference appends the data of src, which keeps it, without copying:
// from now on both refer to the same memory. Only data that has much more memory
// than it needs is copied. What is added to src later is not seen. The error is ErrNested if data of src is itself from a buffer reference
// or from a file; ErrFrozen if the back of b is frozen, ErrRange if src is b,
// event.ErrNil if it is nil. An empty src changes nothing
// (evbuffer_add_buffer_reference).
func (b *Buffer) AddBufferReference(src *Buffer) error {
	const op = "add buffer reference"
	if src == nil {
		return opError(op, event.ErrNil)
	}
	defer enterBoth(b, src).leave()
	if src.length == 0 {
		return nil
	}
	if src == b {
		return opError(op, ErrRange)
	}
	if err := b.checkAdd(op, src.length); err != nil {
		return err
	}
	if src.hasNested() {
		return opError(op, ErrNested)
	}
	before := b.length
	for c := src.first; c != nil; c = c.next {
		b.append(c.refer())
	}
	b.changed(before, src.length, 0)
	return nil
}

// hasNested reports whether some data must not be referenced.
func (b *Buffer) hasNested() bool {
	for c := b.first; c != nil; c = c.next {
		if _, file := c.owner.(*FileSegment); file || c.nested {
			return true
		}
	}
	return false
}

// refer returns a chunk with the same data in the same memory; or with a copy, if
// that memory is much more than the data needs and would be kept for it.
func (c *chunk) refer() *chunk {
	if c.wasteful(c.len()) {
		d := newChunk(c.len())
		d.w = copy(d.mem, c.data())
		return d
	}
	d := c.alias()
	d.nested = true
	return d
}
