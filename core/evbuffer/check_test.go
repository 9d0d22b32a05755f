package evbuffer

import (
	"bytes"
	"fmt"
	"testing"
)

// check returns what is wrong with the structure of a buffer, or nil.
func (b *Buffer) check() error {
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

// mustCheck fails the test if there is something wrong with a buffer.
func mustCheck(t testing.TB, buffers ...*Buffer) {
	t.Helper()
	for i, b := range buffers {
		if err := b.check(); err != nil {
			t.Fatalf("buffer %d: %v", i, err)
		}
	}
}

// content returns a copy of all that is in b, without changing it.
func content(t testing.TB, b *Buffer) []byte {
	t.Helper()
	n, err := b.Peek(-1, nil, nil)
	ok(t, err)
	vecs := make([][]byte, n)
	_, err = b.Peek(-1, nil, vecs)
	ok(t, err)
	return bytes.Join(vecs, nil)
}

// wantContent fails the test unless b is well-formed and has this content.
func wantContent(t testing.TB, b *Buffer, want string) {
	t.Helper()
	mustCheck(t, b)
	if got := content(t, b); string(got) != want {
		t.Fatalf("buffer has %.100q (%d bytes), want %.100q (%d bytes)", got, len(got), want, len(want))
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
