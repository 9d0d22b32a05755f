package evbuffer

import "testing"

func TestPositions(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cde", "f")
	for start := range 7 {
		for step := range 7 - start {
			var p Ptr
			want(t, "unset", p.Pos(), -1)
			ok(t, b.SetPtr(&p, start, PtrSet))
			want(t, "set", p.Pos(), start)
			ok(t, b.SetPtr(&p, step, PtrAdd))
			want(t, "moved", p.Pos(), start+step)
			rest := make([]byte, 10)
			n, err := b.CopyOutFrom(&p, rest)
			ok(t, err)
			want(t, "behind it", string(rest[:n]), "abcdef"[start+step:])
		}
	}
}

func TestAPositionIsUnsetAfterAnError(t *testing.T) {
	b := bufferOf(t, "abc")
	var p Ptr
	ok(t, b.SetPtr(&p, 2, PtrSet))
	wantError(t, "too far", b.SetPtr(&p, 2, PtrAdd), ErrRange)
	want(t, "position", p.Pos(), -1)
	wantError(t, "using it", b.SetPtr(&p, 0, PtrAdd), ErrPosition)
}

func TestPositionsStayValidWhileDataIsAdded(t *testing.T) {
	adds := map[string]func(b *Buffer) error{
		"a little":         func(b *Buffer) error { return b.AddString("xyz") },
		"much":             func(b *Buffer) error { return b.Add(make([]byte, 100000)) },
		"by reference":     func(b *Buffer) error { return b.AddReference([]byte("xyz"), nil) },
		"a buffer":         func(b *Buffer) error { return b.AddBuffer(bufferOfPieces(t, "x", "y")) },
		"reserved space":   func(b *Buffer) error { return reserveAndCommit(b, 10000) },
		"room":             func(b *Buffer) error { return b.Expand(2000) },
		"another's data":   func(b *Buffer) error { return b.AddBufferReference(bufferOf(t, "x")) },
		"room, not enough": func(b *Buffer) error { return reserveAndCommit(b, 500) },
	}
	for name, add := range adds {
		for pos := range 7 {
			t.Run(name, func(t *testing.T) {
				b := bufferOfPieces(t, "ab", "cd", "ef")
				var p Ptr
				ok(t, b.SetPtr(&p, pos, PtrSet))
				ok(t, add(b))
				mustCheck(t, b)
				rest := make([]byte, b.Len())
				n, err := b.CopyOutFrom(&p, rest)
				ok(t, err)
				want(t, "bytes behind it", n, b.Len()-pos)
				want(t, "what is behind it", string(rest[:6-pos]), "abcdef"[pos:])
			})
		}
	}
}

// reserveAndCommit reserves n bytes and commits as many as there are in one
// piece.
func reserveAndCommit(b *Buffer, n int) error {
	var vecs [1][]byte
	if _, err := b.Reserve(n, vecs[:]); err != nil {
		return err
	}
	return b.Commit(vecs[:])
}

func TestAPositionInAnEmptyBufferIsItsFront(t *testing.T) {
	var b Buffer
	var p Ptr
	ok(t, b.SetPtr(&p, 0, PtrSet))
	ok(t, b.AddString("hello"))
	at, err := b.Search([]byte("l"), &p)
	ok(t, err)
	want(t, "found at", at.Pos(), 2)
}

func TestPositionsGetStale(t *testing.T) {
	makeStale := map[string]func(b *Buffer) error{
		"drained":        func(b *Buffer) error { return b.Drain(1) },
		"drained empty":  func(b *Buffer) error { return b.Drain(100) },
		"removed":        func(b *Buffer) error { _, err := b.Remove(make([]byte, 1)); return err },
		"read a line":    func(b *Buffer) error { _, err := b.ReadLine(EOLLF); return err },
		"prepended":      func(b *Buffer) error { return b.Prepend([]byte("x")) },
		"prepended much": func(b *Buffer) error { return b.Prepend(make([]byte, 1000)) },
		"prepended where there was room": func(b *Buffer) error {
			ok(t, b.Drain(1))
			var p Ptr
			ok(t, b.SetPtr(&p, 1, PtrSet))
			ok(t, b.Prepend([]byte("x")))
			_, err := b.Search([]byte("b"), &p)
			wantError(t, "using it", err, ErrPosition)
			return nil
		},
		"prepend buffer":  func(b *Buffer) error { return b.PrependBuffer(bufferOf(t, "x")) },
		"moved away":      func(b *Buffer) error { return New().AddBuffer(b) },
		"moved partly":    func(b *Buffer) error { _, err := b.RemoveBuffer(New(), 1); return err },
		"moved a chunk":   func(b *Buffer) error { _, err := b.RemoveBuffer(New(), 2); return err },
		"pulled together": func(b *Buffer) error { _, err := b.Pullup(3); return err },
		"freed":           func(b *Buffer) error { b.Free(); return nil },
	}
	for name, do := range makeStale {
		t.Run(name, func(t *testing.T) {
			b := bufferOfPieces(t, "ab", "c\n")
			var p Ptr
			ok(t, b.SetPtr(&p, 1, PtrSet))
			ok(t, do(b))
			_, err := b.Search([]byte("b"), &p)
			wantError(t, "using it", err, ErrPosition)
		})
	}
}
