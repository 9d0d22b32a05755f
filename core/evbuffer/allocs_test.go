package evbuffer_test

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// TestSteadyStateDoesNotAllocate does again and again what servers do.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	pair := socketPair(t)
	message := []byte(strings.Repeat("x", 64))
	page := make([]byte, 4096)
	p := make([]byte, 100)
	lines, line := []byte(strings.Repeat("a line\r\n", 10)), make([]byte, 0, 100)
	var a, b evbuffer.Buffer
	counted := 0
	b.AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) { counted += info.Added })
	tests := []struct {
		name string
		do   func()
	}{
		{"Add and Drain", func() { b.Add(message); b.Drain(64) }},
		{"Add and Remove", func() { b.Add(message); b.Remove(p) }},
		{"AddString and Read", func() { b.AddString("hello"); b.Read(p) }},
		{"a byte", func() { b.WriteByte('x'); b.ReadByte() }},
		{"Prepend and Drain", func() { b.Prepend(message); b.Drain(64) }},
		{"Reserve and Commit", func() {
			var vecs [2][]byte
			n, _ := b.Reserve(2000, vecs[:])
			vecs[0] = vecs[0][:copy(vecs[0], message)]
			b.Commit(vecs[:n])
			b.Drain(64)
		}},
		{"Reserve and Commit in two pieces", func() {
			b.Add(page[:400])
			var vecs [2][]byte
			n, _ := b.Reserve(2000, vecs[:])
			b.Commit(vecs[:n])
			b.Drain(b.Len())
		}},
		{"Reserve in vain", func() {
			b.Add(message)
			var vecs [2][]byte
			b.Reserve(2000, vecs[:])
			b.Commit(nil)
			b.Drain(b.Len())
		}},
		{"move", func() { a.Add(page); b.AddBuffer(&a); a.PrependBuffer(&b); a.Drain(4096) }},
		{"move a part", func() { a.Add(page); a.RemoveBuffer(&b, 1000); a.Drain(4096); b.Drain(1000) }},
		{"echo", func() {
			a.Add(message)
			a.WriteFD(pair[0])
			b.ReadFD(pair[1], -1)
			a.AddBuffer(&b)
			a.Drain(64)
		}},
		{"echo in many pieces", func() {
			for range 5 {
				a.Add(page)
			}
			a.WriteFD(pair[0])
			b.Add(message)
			for b.Len() < 5*4096 {
				b.ReadFD(pair[1], -1)
			}
			b.Drain(b.Len())
		}},
		{"nothing to read", func() {
			if runtime.GOOS != "windows" { // where x/sys allocates the error
				b.ReadFD(pair[1], -1)
			}
		}},
		{"search and pull up", func() {
			a.Add(page)
			b.Add(page)
			b.AddBuffer(&a)
			var at evbuffer.Ptr
			b.SetPtr(&at, 4000, evbuffer.PtrSet)
			b.Search(message, &at)
			b.SearchEOL(nil, evbuffer.EOLCRLF)
			b.Pullup(5000)
			var vecs [4][]byte
			b.Peek(-1, nil, vecs[:])
			b.Drain(b.Len())
		}},
		{"lines and pieces", func() {
			a.Add(lines)
			for piece, err := range a.Pieces() {
				if err != nil || len(piece) == 0 {
					t.Fatal(piece, err)
				}
			}
			for {
				var err error
				if line, err = a.AppendLine(line[:0], evbuffer.EOLCRLF); err != nil {
					break
				}
			}
			a.Drain(a.Len())
		}},
		{"Expand", func() { b.Expand(1000); b.Add(message); b.Drain(64) }},
		{"Compact", func() {
			b.Add(page)
			b.Drain(4000)
			b.Compact()
			b.Drain(96)
		}},
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it empties the pools
	for _, tt := range tests {
		if n := testing.AllocsPerRun(100, tt.do); n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
		if a.Len() > 0 || b.Len() > 0 {
			t.Fatalf("%s has left %d and %d bytes", tt.name, a.Len(), b.Len())
		}
	}
}
