package evbuffer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
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
		var start evbuffer.Ptr
		ok(t, b.SetPtr(&start, tt.start, evbuffer.PtrSet))
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

// pieces returns what Pieces yields, until its error.
func pieces(b *evbuffer.Buffer, each func(n int)) (seen []string, err error) {
	for piece, err := range b.Pieces() {
		if err != nil {
			return seen, err
		}
		seen = append(seen, string(piece))
		each(len(seen))
	}
	return seen, nil
}

func TestPieces(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cde", "f")
	for _, tt := range []struct {
		name string
		each func(n int) // what the body does after piece n
		seen string
		err  error
	}{
		{"nothing", func(int) {}, "ab,cde,f", nil},
		{"looks", func(int) { b.Peek(-1, nil, nil) }, "ab,cde,f", nil},
		{"adds to the back", func(int) { ok(t, b.AddString("xyz")) }, "ab,cde,f", nil},
		{"takes from the front", func(n int) { b.Drain(1) }, "ab", evbuffer.ErrPosition},
		{"prepends", func(n int) {
			if n == 2 {
				ok(t, b.Prepend([]byte("x")))
			}
		}, "ab,cde", evbuffer.ErrPosition},
		{"empties it", func(int) { b.Drain(b.Len()) }, "ab", evbuffer.ErrPosition},
	} {
		b.Drain(b.Len())
		b = bufferOfPieces(t, "ab", "cde", "f")
		seen, err := pieces(b, tt.each)
		want(t, "the body "+tt.name, strings.Join(seen, ","), tt.seen)
		wantError(t, "the body "+tt.name, err, tt.err)
	}
}

func TestPiecesEndEarly(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cde")
	for piece, err := range b.Pieces() {
		ok(t, err)
		want(t, "piece", string(piece), "ab")
		b.Drain(b.Len()) // which is allowed if the loop ends
		break
	}
	for range b.Pieces() {
		t.Error("an empty buffer has a piece")
	}
}
