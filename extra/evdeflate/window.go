package evdeflate

import (
	"math/bits"
	"sync"
)

// Windows have 2^minWindowBits to 2^maxWindowBits bytes.
const (
	minWindowBits = 9
	maxWindowBits = 15
)

// A window is the end of what was inflated, which matches refer to. It begins small and
// grows with what is in it, so that a stream on which little has come keeps little; once
// it is as large as it may become, it is a ring.
type window struct {
	memory  *memory // of buf
	buf     []byte
	pos     int // where the next byte goes
	given   int // up to here the bytes were given to the user
	maxBits int
	wrapped bool // all of buf is in use
}

// A memory is what a window is in.
type memory struct{ buf []byte }

// memories are those that no window has, by the bits of their size.
var memories [maxWindowBits + 1]sync.Pool

func newMemory(bits int) *memory {
	if m, ok := memories[bits].Get().(*memory); ok {
		return m
	}
	return &memory{make([]byte, 1<<bits)}
}

func (m *memory) free() {
	if m != nil {
		memories[bits.Len(uint(len(m.buf)))-1].Put(m)
	}
}

// A taker is given what was inflated.
type taker interface{ given(p []byte) error }

// reset forgets everything, and gives the memory back.
func (w *window) reset() {
	w.memory.free()
	*w = window{maxBits: w.maxBits}
}

// history returns how far back a match may reach.
func (w *window) history() int {
	if w.wrapped {
		return len(w.buf)
	}
	return w.pos
}

// room returns how many bytes fit before makeRoom has to be called.
func (w *window) room() int { return len(w.buf) - w.pos }

// makeRoom makes room when there is none: it enlarges the window, or begins to overwrite
// its oldest bytes, after it has given what is new in it.
func (w *window) makeRoom(to taker) error {
	if err := w.give(to); err != nil {
		return err
	}
	n := len(w.buf)
	if n == 1<<w.maxBits {
		w.pos, w.given, w.wrapped = 0, 0, true
		return nil
	}
	size := min(minWindowBits+1, w.maxBits)
	if n > 0 {
		size = bits.Len(uint(n))
	}
	larger := newMemory(size)
	copy(larger.buf, w.buf)
	w.memory.free()
	w.memory, w.buf = larger, larger.buf
	return nil
}

// give gives what was not given yet.
func (w *window) give(to taker) error {
	if w.given == w.pos {
		return nil
	}
	p := w.buf[w.given:w.pos]
	w.given = w.pos
	return to.given(p)
}

// copyMatch copies up to n bytes from a distance back, as far as there is room, and returns
// how many it has. The distance is within the history.
func (w *window) copyMatch(distance, n int) int {
	n = min(n, w.room())
	from, end := w.pos-distance, w.pos+n
	if from < 0 { // the match begins before the place where the ring does
		from += len(w.buf)
		w.pos += copy(w.buf[w.pos:end], w.buf[from:])
		from = 0
	}
	for w.pos < end { // twice as much each time, if the match overlaps itself
		w.pos += copy(w.buf[w.pos:end], w.buf[from:w.pos])
	}
	return n
}
