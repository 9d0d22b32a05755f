package evbuffer_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

var eolNames = map[evbuffer.EOL]string{
	evbuffer.EOLAny: "any", evbuffer.EOLCRLF: "CRLF", evbuffer.EOLCRLFStrict: "strict CRLF", evbuffer.EOLLF: "LF", evbuffer.EOLNUL: "NUL",
}

var lineTests = []struct {
	style evbuffer.EOL
	text  string
	lines []string
	rest  string
}{
	{evbuffer.EOLAny, "", nil, ""},
	{evbuffer.EOLAny, "one\rtwo\nthree\r\nfour\n\n\rfive", []string{"one", "two", "three", "four"}, "five"},
	{evbuffer.EOLAny, "\r\n\r\n", []string{""}, ""},
	{evbuffer.EOLAny, "a\x00b\n", []string{"a\x00b"}, ""},
	{evbuffer.EOLCRLF, "one\r\ntwo\n\nthree\rfour\r", []string{"one", "two", ""}, "three\rfour\r"},
	{evbuffer.EOLCRLF, "\n\r\n\r\r\n", []string{"", "", "\r"}, ""},
	{evbuffer.EOLCRLFStrict, "one\ntwo\r\nthree\r\rfour\r\n\r", []string{"one\ntwo", "three\r\rfour"}, "\r"},
	{evbuffer.EOLLF, "one\r\ntwo\n\nthree", []string{"one\r", "two", ""}, "three"},
	{evbuffer.EOLNUL, "one\x00\x00two\n", []string{"one", ""}, "two\n"},
}

func TestReadLine(t *testing.T) {
	for _, tt := range lineTests {
		for size := range 5 {
			t.Run(fmt.Sprintf("%s %q in pieces of %d", eolNames[tt.style], tt.text, size+1), func(t *testing.T) {
				b := evbuffer.New()
				for text := tt.text; text != ""; {
					n := min(size+1, len(text))
					ok(t, b.AddReference([]byte(text[:n]), nil))
					text = text[n:]
				}
				for _, line := range tt.lines {
					got, err := b.ReadLine(tt.style)
					ok(t, err)
					want(t, "line", got, line)
					mustCheck(t, b)
				}
				got, err := b.ReadLine(tt.style)
				wantError(t, "after the last line", err, evbuffer.ErrNotFound)
				want(t, "after the last line", got, "")
				wantContent(t, b, tt.rest)
			})
		}
	}
}

func TestAppendLine(t *testing.T) {
	for _, tt := range lineTests {
		for size := range 5 {
			t.Run(fmt.Sprintf("%s %q in pieces of %d", eolNames[tt.style], tt.text, size+1), func(t *testing.T) {
				b := evbuffer.New()
				for text := tt.text; text != ""; {
					n := min(size+1, len(text))
					ok(t, b.AddReference([]byte(text[:n]), nil))
					text = text[n:]
				}
				got, wanted := []byte("lines:"), "lines:"
				for _, line := range tt.lines {
					var err error
					got, err = b.AppendLine(got, tt.style)
					ok(t, err)
					wanted += line
					want(t, "lines", string(got), wanted)
					mustCheck(t, b)
				}
				got, err := b.AppendLine(got, tt.style)
				wantError(t, "after the last line", err, evbuffer.ErrNotFound)
				want(t, "after the last line", string(got), wanted)
				wantContent(t, b, tt.rest)
			})
		}
	}
}

func TestAppendLineRefuses(t *testing.T) {
	b := evbuffer.New()
	ok(t, b.AddString("line\n"))
	got, err := b.AppendLine([]byte("x"), evbuffer.EOL(99))
	wantError(t, "a style that does not exist", err, evbuffer.ErrFlag)
	want(t, "slice", string(got), "x")
	ok(t, b.Freeze(evbuffer.Front))
	got, err = b.AppendLine([]byte("x"), evbuffer.EOLLF)
	wantError(t, "a frozen front", err, evbuffer.ErrFrozen)
	want(t, "slice", string(got), "x")
	wantContent(t, b, "line\n")
}

func TestSearchEOL(t *testing.T) {
	tests := []struct {
		style       evbuffer.EOL
		start       int
		pos, length int
	}{
		// 0123 4 567 8 9
		// ab\r\ncd\n\x00\r\n
		{evbuffer.EOLAny, 0, 2, 2},
		{evbuffer.EOLAny, 3, 3, 1},
		{evbuffer.EOLAny, 4, 6, 1},
		{evbuffer.EOLCRLF, 0, 2, 2},
		{evbuffer.EOLCRLF, 3, 3, 1}, // the CR before is out of sight
		{evbuffer.EOLCRLF, 4, 6, 1},
		{evbuffer.EOLCRLFStrict, 3, 8, 2},
		{evbuffer.EOLLF, 0, 3, 1},
		{evbuffer.EOLLF, 7, 9, 1},
		{evbuffer.EOLNUL, 0, 7, 1},
		{evbuffer.EOLNUL, 8, -1, 0},
		{evbuffer.EOLAny, 10, -1, 0},
		{evbuffer.EOLCRLFStrict, 9, -1, 0},
	}
	for _, pieces := range [][]string{
		{"ab\r\ncd\n\x00\r\n"},
		{"ab\r", "\ncd", "\n\x00\r", "\n"},
	} {
		b := bufferOfPieces(t, pieces...)
		for _, tt := range tests {
			var start evbuffer.Ptr
			ok(t, b.SetPtr(&start, tt.start, evbuffer.PtrSet))
			p, n, err := b.SearchEOL(&start, tt.style)
			if p.Pos() != tt.pos || n != tt.length || (err == nil) != (tt.pos >= 0) {
				t.Errorf("%s in %q from %d: got %d, %d, %v, want %d, %d", eolNames[tt.style], pieces, tt.start, p.Pos(), n, err, tt.pos, tt.length)
			}
		}
	}
}

func TestReadLineOfManyPieces(t *testing.T) {
	var b evbuffer.Buffer
	for range 1000 {
		ok(t, b.AddReference([]byte("word "), nil))
	}
	ok(t, b.AddString("\r\n"))
	line, err := b.ReadLine(evbuffer.EOLCRLF)
	ok(t, err)
	want(t, "line", line, strings.Repeat("word ", 1000))
}

// Lines that all end with CR must not make each search run through everything
// that follows in vain. If they do, this does not finish within a test's time.
func TestManyLinesOfOneKindInOnePiece(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("it takes a while")
	}
	for _, ending := range []string{"\r", "\n"} {
		var b evbuffer.Buffer
		const lines = 8 << 20
		ok(t, b.AddReference(bytes.Repeat([]byte("a"+ending), lines), nil))
		for range lines {
			if line, err := b.ReadLine(evbuffer.EOLAny); line != "a" || err != nil {
				t.Fatal(line, err)
			}
		}
		want(t, "bytes left", b.Len(), 0)
	}
}

func TestLineEndingsAnywhereInALongPiece(t *testing.T) {
	for n := range 1100 {
		for _, ending := range []string{"\r", "\n"} {
			b := bufferOf(t, strings.Repeat("x", n)+ending+"x\r\n\r")
			p, _, err := b.SearchEOL(nil, evbuffer.EOLAny)
			ok(t, err)
			want(t, "position", p.Pos(), n)
		}
	}
}
