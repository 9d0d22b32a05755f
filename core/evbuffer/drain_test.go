package evbuffer_test

import (
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestDrainTakesFromTheFront(t *testing.T) {
	for n, rest := range []string{"abcdef", "bcdef", "cdef", "def", "ef", "f", "", "", ""} {
		b := bufferOfPieces(t, "ab", "cd", "ef")
		ok(t, b.Drain(n))
		wantContent(t, b, rest)
	}
}

func TestRemoveMovesBytesOut(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cde", "f")
	p := make([]byte, 4)
	for _, wanted := range []string{"abcd", "ef", ""} {
		n, err := b.Remove(p)
		ok(t, err)
		want(t, "removed", string(p[:n]), wanted)
		mustCheck(t, b)
	}
}

func TestCopyOutLeavesTheBuffer(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cde", "f")
	for size := range 9 {
		p := make([]byte, size)
		n, err := b.CopyOut(p)
		ok(t, err)
		want(t, "copied", string(p[:n]), "abcdef"[:min(size, 6)])
	}
	wantContent(t, b, "abcdef")
}

func TestCopyOutFromStartsAnywhere(t *testing.T) {
	const text = "abcdef"
	b := bufferOfPieces(t, "ab", "cde", "f")
	for start := range len(text) + 1 {
		var at evbuffer.Ptr
		ok(t, b.SetPtr(&at, start, evbuffer.PtrSet))
		for size := range 9 {
			p := make([]byte, size)
			n, err := b.CopyOutFrom(&at, p)
			ok(t, err)
			want(t, "copied", string(p[:n]), text[start:min(start+size, len(text))])
		}
	}
}

func TestDrainedChunksAreUsedAgain(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	var b evbuffer.Buffer
	ok(t, b.AddString(strings.Repeat("x", 300)))
	c := evbuffer.Chunks(&b)[0].Identity
	ok(t, b.Drain(300))
	ok(t, b.AddString("y"))
	if evbuffer.Chunks(&b)[0].Identity != c {
		t.Error("the chunk was not used again")
	}
}
