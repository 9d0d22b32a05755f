package evbuffer

import (
	"bytes"
	"strings"
	"testing"
)

func TestPeek(t *testing.T) {
	tests := []struct {
		n, start, vectors int
		need              int
		seen              string
	}{
		{-1, 0, 0, 3, ""},
		{-1, 3, 0, 2, ""},
		{-1, 6, 0, 0, ""},
		{-1, 0, 2, 2, "ab,cde"}, // as much as they can show
		{-1, 0, 9, 3, "ab,cde,f"},
		{-1, 4, 9, 2, "e,f"},
		{0, 0, 9, 0, ""},
		{1, 0, 9, 1, "ab"},
		{2, 0, 9, 1, "ab"},
		{3, 0, 9, 2, "ab,cde"},
		{3, 1, 9, 2, "b,cde"},
		{100, 0, 9, 3, "ab,cde,f"},
		{100, 0, 1, 3, "ab"}, // it would take three
		{100, 6, 9, 0, ""},
	}
	for _, tt := range tests {
		b := bufferOfPieces(t, "ab", "cde", "f")
		var start Ptr
		ok(t, b.SetPtr(&start, tt.start, PtrSet))
		vecs := make([][]byte, tt.vectors)
		need, err := b.Peek(tt.n, &start, vecs)
		ok(t, err)
		seen := string(bytes.Join(vecs[:min(need, len(vecs))], []byte(",")))
		if need != tt.need || seen != tt.seen {
			t.Errorf("%d from %d in %d: got %d, %q, want %d, %q", tt.n, tt.start, tt.vectors, need, seen, tt.need, tt.seen)
		}
		wantContent(t, b, "abcdef")
	}
}

func TestPeekFromTheFrontNeedsNoPosition(t *testing.T) {
	b := bufferOf(t, strings.Repeat("x", 10))
	vecs := make([][]byte, 1)
	n, err := b.Peek(5, nil, vecs)
	ok(t, err)
	want(t, "pieces", n, 1)
	want(t, "bytes", len(vecs[0]), 10)
}
