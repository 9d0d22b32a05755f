package evbuffer

import (
	"fmt"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// What tests of this package see of the inside: how the data lies in memory, and the
// invariants of the queue.
const (
	MinClassSize = minClassSize
	MaxClassSize = maxClassSize
	MaxCopy      = maxCopy
	MaxCoalesce  = maxCoalesce
)

// A Chunk is a chunk of a buffer as it was when Chunks was called.
type Chunk struct {
	Identity any   // equal for the same chunk
	Memory   *byte // its first byte, or nil if a file has the data
	Len, Cap int
	Shared   bool // the memory is not the buffer's alone
	Borrowed bool // it is the user's or a file's
}

// Chunks returns the chunks of a buffer, in order.
func Chunks(b *Buffer) []Chunk {
	var all []Chunk
	for c := b.first; c != nil; c = c.next {
		view := Chunk{Identity: c, Len: c.len(), Cap: len(c.mem), Shared: c.owner != nil}
		switch c.owner.(type) {
		case *reference, *FileSegment:
			view.Borrowed = true
		}
		if len(c.mem) > 0 {
			view.Memory = &c.mem[0]
		}
		all = append(all, view)
	}
	return all
}

// Spare returns the length of the spare chunk, and whether there is one.
func Spare(b *Buffer) (n int, ok bool) {
	if c := b.spare(); c != nil {
		return len(c.mem), true
	}
	return 0, false
}

// Room returns how much there is room for behind the data, in its chunk.
func Room(b *Buffer) int { return len(b.room()) }

// NextMemory returns the first byte of the largest kind of chunk that is made next.
func NextMemory() *byte {
	c := newChunk(maxClassSize)
	defer c.recycle()
	return &c.mem[0]
}

// AppendChunks moves the chunks of from to the end of b, as they are.
func AppendChunks(b, from *Buffer) {
	first, last, n := from.detachAll()
	b.appendChain(first, last, n)
}

// OfLength returns a buffer that takes itself for one with n bytes.
func OfLength(n int) *Buffer { return &Buffer{length: n} }

// HasNested reports whether a part of b refers to the data of another buffer.
func HasNested(b *Buffer) bool { return b.hasNested() }

// Drains reports whether DrainsToFD is set, and Flags what is set of an entry.
func Drains(b *Buffer) bool                { return b.flags == drainsToFD }
func Flags(e *CallbackEntry) CallbackFlags { return e.flags }

// IsPlain reports whether a buffer has nothing but its data.
func IsPlain(b *Buffer) bool { return b.rare == nil && b.flags == 0 }

// Hold takes the lock of a buffer as an operation does. leave ends that, and holds
// returns how many there are, also when the buffer was freed.
func Hold(b *Buffer) (leave func(), holds func() int) {
	rare := b.rare
	held := rare.enter()
	return held.leave, func() int { return rare.holds }
}

// MappingOf returns what a segment has mapped.
func MappingOf(s *FileSegment) sysio.Mapping { return s.mapping }

// LocksItself reports whether the operations of a segment take its lock.
func LocksItself(s *FileSegment) bool {
	s.lock()
	defer s.unlock()
	free := s.mu.TryLock()
	if free {
		s.mu.Unlock()
	}
	return !free
}

// Check returns what is wrong with the structure of a buffer, or nil.
func Check(b *Buffer) error {
	sum := 0
	var last *chunk
	seen := map[*chunk]bool{}
	for c := b.first; c != nil; c = c.next {
		if seen[c] {
			return fmt.Errorf("the queue has a loop")
		}
		seen[c] = true
		if err := c.check(); err != nil {
			return err
		}
		if c.len() == 0 {
			return fmt.Errorf("an empty chunk is in the queue")
		}
		if c != b.last && c.wasteful(c.len()) {
			return fmt.Errorf("%d bytes of memory have %d bytes of data", len(c.mem), c.len())
		}
		sum += c.len()
		last = c
	}
	switch {
	case b.last != last:
		return fmt.Errorf("last is not the last chunk")
	case b.length != sum:
		return fmt.Errorf("length %d, but the chunks have %d bytes", b.length, sum)
	}
	for e := b.callbacks; e != nil; e = e.next {
		if e.removed || e.buffer != b {
			return fmt.Errorf("a removed callback is still there")
		}
	}
	if c := b.spare(); c != nil {
		switch {
		case c.r != 0 || c.w != 0 || c.next != nil || c.owner != nil:
			return fmt.Errorf("the spare chunk is in use: %+v", *c)
		case seen[c]:
			return fmt.Errorf("the spare chunk is in the queue")
		}
		return c.check()
	}
	return nil
}

func (c *chunk) check() error {
	switch {
	case c.r < 0 || c.r > c.w:
		return fmt.Errorf("chunk from %d to %d", c.r, c.w)
	case c.onDisk():
		if _, ok := c.owner.(*FileSegment); !ok {
			return fmt.Errorf("chunk without memory that is no part of a file")
		}
	case c.w > len(c.mem):
		return fmt.Errorf("chunk from %d to %d of %d bytes", c.r, c.w, len(c.mem))
	case c.class != unpooled && c.owner != nil:
		return fmt.Errorf("chunk of class %d does not own its memory", c.class)
	case c.class != unpooled && len(c.mem) != c.class.size():
		return fmt.Errorf("chunk of class %d has %d bytes", c.class, len(c.mem))
	}
	return nil
}
