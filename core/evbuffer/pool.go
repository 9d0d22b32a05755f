package evbuffer

import (
	"math/bits"
	"sync"
)

// Memory for chunks comes in classes, each twice as large as the one before,
// and is kept in pools for reuse. What needs more than the largest class is
// allocated to measure and left to the garbage collector.
const (
	minClassBits = 9 // 512 bytes
	maxClassBits = 16
	minClassSize = 1 << minClassBits
	maxClassSize = 1 << maxClassBits
)

// A class says which pool a chunk's own memory belongs to.
type class int8

const (
	unpooled   class = iota // allocated to measure, or not its own
	firstClass              // of minClassSize
	classes    = firstClass + maxClassBits - minClassBits + 1
)

// classFor returns the smallest class that has n bytes, if any.
func classFor(n int) class {
	switch {
	case n <= minClassSize:
		return firstClass
	case n > maxClassSize:
		return unpooled
	}
	return firstClass + class(bits.Len(uint(n-1))-minClassBits)
}

func (k class) size() int { return minClassSize << (k - firstClass) }

var (
	pools   [classes]sync.Pool // of *chunk with memory of that class
	headers sync.Pool          // of *chunk without memory
)

// newChunk returns an empty chunk with n or more bytes of its own.
func newChunk(n int) *chunk {
	k := classFor(n)
	if k == unpooled {
		return &chunk{mem: make([]byte, n)}
	}
	if c, ok := pools[k].Get().(*chunk); ok {
		return c
	}
	return &chunk{mem: make([]byte, k.size()), class: k}
}

// isFarTooLargeFor reports whether n bytes would do with a quarter of the memory.
func (c *chunk) isFarTooLargeFor(n int) bool {
	if k := classFor(n); k != unpooled {
		n = k.size()
	}
	return n <= len(c.mem)/4
}

// newHeader returns a chunk without memory.
func newHeader() *chunk {
	if c, ok := headers.Get().(*chunk); ok {
		return c
	}
	return new(chunk)
}

// recycle puts a chunk of its own memory back into its pool.
func (c *chunk) recycle() {
	if c.class == unpooled || c.reserved {
		return
	}
	*c = chunk{mem: c.mem, class: c.class}
	pools[c.class].Put(c)
}

// recycleHeader puts a chunk back whose memory is not its own.
func (c *chunk) recycleHeader() {
	*c = chunk{}
	headers.Put(c)
}
