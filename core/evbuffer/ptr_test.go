package evbuffer_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestPositions(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cde", "f")
	for start := range 7 {
		for step := range 7 - start {
			var p evbuffer.Ptr
			want(t, "unset", p.Pos(), -1)
			ok(t, b.SetPtr(&p, start, evbuffer.PtrSet))
			want(t, "set", p.Pos(), start)
			ok(t, b.SetPtr(&p, step, evbuffer.PtrAdd))
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
	var p evbuffer.Ptr
	ok(t, b.SetPtr(&p, 2, evbuffer.PtrSet))
	wantError(t, "too far", b.SetPtr(&p, 2, evbuffer.PtrAdd), evbuffer.ErrRange)
	want(t, "position", p.Pos(), -1)
	wantError(t, "using it", b.SetPtr(&p, 0, evbuffer.PtrAdd), evbuffer.ErrPosition)
}

func TestPositionsStayValidWhileDataIsAdded(t *testing.T) {
	adds := map[string]func(b *evbuffer.Buffer) error{
		"a little":         func(b *evbuffer.Buffer) error { return b.AddString("xyz") },
		"much":             func(b *evbuffer.Buffer) error { return b.Add(make([]byte, 100000)) },
		"by reference":     func(b *evbuffer.Buffer) error { return b.AddReference([]byte("xyz"), nil) },
		"a buffer":         func(b *evbuffer.Buffer) error { return b.AddBuffer(bufferOfPieces(t, "x", "y")) },
		"reserved space":   func(b *evbuffer.Buffer) error { return reserveAndCommit(b, 10000) },
		"room":             func(b *evbuffer.Buffer) error { return b.Expand(2000) },
		"another's data":   func(b *evbuffer.Buffer) error { return b.AddBufferReference(bufferOf(t, "x")) },
		"room, not enough": func(b *evbuffer.Buffer) error { return reserveAndCommit(b, 500) },
	}
	for name, add := range adds {
		for pos := range 7 {
			t.Run(name, func(t *testing.T) {
				b := bufferOfPieces(t, "ab", "cd", "ef")
				var p evbuffer.Ptr
				ok(t, b.SetPtr(&p, pos, evbuffer.PtrSet))
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
func reserveAndCommit(b *evbuffer.Buffer, n int) error {
	var vecs [1][]byte
	if _, err := b.Reserve(n, vecs[:]); err != nil {
		return err
	}
	return b.Commit(vecs[:])
}

func TestAPositionInAnEmptyBufferIsItsFront(t *testing.T) {
	var b evbuffer.Buffer
	var p evbuffer.Ptr
	ok(t, b.SetPtr(&p, 0, evbuffer.PtrSet))
	ok(t, b.AddString("hello"))
	at, err := b.Search([]byte("l"), &p)
	ok(t, err)
	want(t, "found at", at.Pos(), 2)
}

func TestPositionsGetStale(t *testing.T) {
	makeStale := map[string]func(b *evbuffer.Buffer) error{
		"drained":        func(b *evbuffer.Buffer) error { return b.Drain(1) },
		"drained empty":  func(b *evbuffer.Buffer) error { return b.Drain(100) },
		"removed":        func(b *evbuffer.Buffer) error { _, err := b.Remove(make([]byte, 1)); return err },
		"read a line":    func(b *evbuffer.Buffer) error { _, err := b.ReadLine(evbuffer.EOLLF); return err },
		"prepended":      func(b *evbuffer.Buffer) error { return b.Prepend([]byte("x")) },
		"prepended much": func(b *evbuffer.Buffer) error { return b.Prepend(make([]byte, 1000)) },
		"prepended where there was room": func(b *evbuffer.Buffer) error {
			ok(t, b.Drain(1))
			var p evbuffer.Ptr
			ok(t, b.SetPtr(&p, 1, evbuffer.PtrSet))
			ok(t, b.Prepend([]byte("x")))
			_, err := b.Search([]byte("b"), &p)
			wantError(t, "using it", err, evbuffer.ErrPosition)
			return nil
		},
		"prepend buffer":  func(b *evbuffer.Buffer) error { return b.PrependBuffer(bufferOf(t, "x")) },
		"moved away":      func(b *evbuffer.Buffer) error { return evbuffer.New().AddBuffer(b) },
		"moved partly":    func(b *evbuffer.Buffer) error { _, err := b.RemoveBuffer(evbuffer.New(), 1); return err },
		"moved a chunk":   func(b *evbuffer.Buffer) error { _, err := b.RemoveBuffer(evbuffer.New(), 2); return err },
		"pulled together": func(b *evbuffer.Buffer) error { _, err := b.Pullup(3); return err },
		"freed":           func(b *evbuffer.Buffer) error { b.Free(); return nil },
	}
	for name, do := range makeStale {
		t.Run(name, func(t *testing.T) {
			b := bufferOfPieces(t, "ab", "c\n")
			var p evbuffer.Ptr
			ok(t, b.SetPtr(&p, 1, evbuffer.PtrSet))
			ok(t, do(b))
			_, err := b.Search([]byte("b"), &p)
			wantError(t, "using it", err, evbuffer.ErrPosition)
		})
	}
}
