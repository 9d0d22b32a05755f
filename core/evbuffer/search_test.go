package evbuffer_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestSearch(t *testing.T) {
	tests := []struct {
		pieces []string
		what   string
		start  int
		want   int // -1: not found
	}{
		{nil, "a", 0, -1},
		{nil, "", 0, 0},
		{[]string{"abc"}, "", 2, 2},
		{[]string{"abc"}, "a", 0, 0},
		{[]string{"abc"}, "c", 0, 2},
		{[]string{"abc"}, "abc", 0, 0},
		{[]string{"abc"}, "abcd", 0, -1},
		{[]string{"abc"}, "a", 1, -1},
		{[]string{"abc"}, "c", 3, -1},
		{[]string{"ab", "cd", "ef"}, "bc", 0, 1},
		{[]string{"ab", "cd", "ef"}, "bcde", 0, 1},
		{[]string{"ab", "cd", "ef"}, "ef", 4, 4},
		{[]string{"ab", "cd", "ef"}, "fg", 0, -1},
		{[]string{"a", "a", "a", "b"}, "aab", 0, 1},
		{[]string{"aa", "ab"}, "aab", 0, 1},
		{[]string{"ab", "ab", "ac"}, "abac", 0, 2},
		{[]string{"x\x00", "\x00y"}, "\x00\x00", 0, 1},
		{[]string{"abab", "abab"}, "abab", 1, 2},
	}
	for _, tt := range tests {
		b := bufferOfPieces(t, tt.pieces...)
		var start evbuffer.Ptr
		ok(t, b.SetPtr(&start, tt.start, evbuffer.PtrSet))
		p, err := b.Search([]byte(tt.what), &start)
		if p.Pos() != tt.want {
			t.Errorf("%q in %q from %d: got %d, want %d", tt.what, tt.pieces, tt.start, p.Pos(), tt.want)
		}
		var wanted error
		if tt.want < 0 {
			wanted = evbuffer.ErrNotFound
		}
		wantError(t, tt.what, err, wanted)
	}
}

func TestSearchRangeEndsAtEnd(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cd", "ef")
	for end := range 7 {
		var to evbuffer.Ptr
		ok(t, b.SetPtr(&to, end, evbuffer.PtrSet))
		p, _ := b.SearchRange([]byte("cd"), nil, &to)
		wanted := -1
		if end >= 4 {
			wanted = 2
		}
		want(t, "found at", p.Pos(), wanted)
	}
}

func TestASearchGoesOnFromWhereItWas(t *testing.T) {
	b := bufferOfPieces(t, "one,two", ",three,fo", "ur")
	var found []int
	p, err := b.Search([]byte(","), nil)
	for err == nil {
		found = append(found, p.Pos())
		ok(t, b.SetPtr(&p, 1, evbuffer.PtrAdd))
		p, err = b.Search([]byte(","), &p)
	}
	wantError(t, "at last", err, evbuffer.ErrNotFound)
	want(t, "number of matches", len(found), 3)
	want(t, "last match", found[2], 13)
}

func TestSearchAgreesWithPackageBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := func(n int) string {
		return strings.Map(func(rune) rune { return rune('a' + r.IntN(2)) }, strings.Repeat("x", n))
	}
	for range 3000 {
		var pieces []string
		for range r.IntN(8) {
			pieces = append(pieces, letters(1+r.IntN(6)))
		}
		text := strings.Join(pieces, "")
		what := letters(1 + r.IntN(5))
		start := r.IntN(len(text) + 1)
		end := start + r.IntN(len(text)-start+1)
		b := bufferOfPieces(t, pieces...)
		var from, to evbuffer.Ptr
		ok(t, b.SetPtr(&from, start, evbuffer.PtrSet))
		ok(t, b.SetPtr(&to, end, evbuffer.PtrSet))
		wanted := bytes.Index([]byte(text[start:end]), []byte(what))
		if wanted >= 0 {
			wanted += start
		}
		if p, _ := b.SearchRange([]byte(what), &from, &to); p.Pos() != wanted {
			t.Fatalf("%q in %q from %d to %d: got %d, want %d", what, pieces, start, end, p.Pos(), wanted)
		}
	}
}
