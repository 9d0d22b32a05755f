package evbuffer_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestReserveAndCommit(t *testing.T) {
	for _, before := range []int{0, 1, 500, 512, 5000} {
		for _, size := range []int{0, 1, 20, 600, 100000} {
			for vectors := 1; vectors <= 3; vectors++ {
				for _, fill := range []int{0, 1, size / 2, size} {
					name := fmt.Sprintf("%d with %d before in %d, filling %d", size, before, vectors, fill)
					t.Run(name, func(t *testing.T) { testReserve(t, before, size, vectors, fill) })
				}
			}
		}
	}
}

func testReserve(t *testing.T, before, size, vectors, fill int) {
	b := bufferOf(t, strings.Repeat("x", before))
	vecs := make([][]byte, vectors)
	n, err := b.Reserve(size, vecs)
	ok(t, err)
	mustCheck(t, b)
	if n < 1 || n > min(vectors, 2) {
		t.Fatalf("%d vectors", n)
	}
	if total := len(bytes.Join(vecs[:n], nil)); total < size {
		t.Fatalf("%d bytes", total)
	}
	want(t, "length before commit", b.Len(), before)
	data := bytes.Repeat([]byte("y"), min(fill, len(bytes.Join(vecs[:n], nil))))
	rest := data
	for i := range vecs[:n] {
		vecs[i] = vecs[i][:copy(vecs[i], rest)]
		rest = rest[len(vecs[i]):]
	}
	ok(t, b.Commit(vecs[:n]))
	wantContent(t, b, strings.Repeat("x", before)+string(data))
}

func TestReserveInOnePieceOnRequest(t *testing.T) {
	b := bufferOf(t, strings.Repeat("x", 500))
	var vecs [2][]byte
	n, err := b.Reserve(100, vecs[:1])
	ok(t, err)
	want(t, "vectors", n, 1)
	if len(vecs[0]) < 100 {
		t.Errorf("%d bytes", len(vecs[0]))
	}
	b = bufferOf(t, strings.Repeat("x", 500))
	n, err = b.Reserve(100, vecs[:])
	ok(t, err)
	want(t, "vectors", n, 2)
	want(t, "the rest of the first chunk", len(vecs[0]), evbuffer.MinClassSize-500)
}

func TestReserveGivesOutTheSameAgain(t *testing.T) {
	var b evbuffer.Buffer
	var first, second [1][]byte
	_, err := b.Reserve(100, first[:])
	ok(t, err)
	_, err = b.Reserve(50, second[:])
	ok(t, err)
	if &first[0][0] != &second[0][0] {
		t.Error("it gave out something else")
	}
}

func TestCommitOnlyWhatIsReserved(t *testing.T) {
	b := evbuffer.New()
	vecs := make([][]byte, 1)
	tests := []struct {
		name   string
		change func() error
	}{
		{"after Add", func() error { return b.AddString("x") }},
		{"after AddReference", func() error { return b.AddReference([]byte("x"), nil) }},
		{"after AddBuffer", func() error { return b.AddBuffer(bufferOf(t, "x")) }},
		{"after Drain", func() error { return b.Drain(100) }},
		{"after Pullup", func() error {
			ok(t, b.AddReference(make([]byte, 1000), nil))
			_, err := b.Pullup(-1)
			return err
		}},
		{"after Commit", func() error { return b.Commit(vecs[:1]) }},
		{"after giving it up", func() error { return b.Commit(nil) }},
		{"after Free", func() error { b.Free(); return nil }},
		{"after moving it away", func() error { return evbuffer.New().AddBuffer(b) }},
		{"grown", func() error { vecs[0] = make([]byte, len(vecs[0])+1); return nil }},
		{"not from the start", func() error { vecs[0] = vecs[0][1:]; return nil }},
		{"twice", func() error { vecs = append(vecs, vecs[0]); return nil }},
		{"and a third", func() error { vecs = append(vecs, vecs[0], vecs[0]); return nil }},
		{"and something else", func() error { vecs = append(vecs, make([]byte, 10)); return nil }},
		{"nothing", func() error { vecs[0] = nil; return nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, vecs = bufferOf(t, "content"), vecs[:1]
			_, err := b.Reserve(100, vecs)
			ok(t, err)
			ok(t, tt.change())
			before := b.Len()
			wantError(t, "commit", b.Commit(vecs), evbuffer.ErrNotReserved)
			want(t, "length", b.Len(), before)
			mustCheck(t, b)
		})
	}
}

func TestCommitOfSpareMemoryThatIsGone(t *testing.T) {
	for name, change := range map[string]func(b *evbuffer.Buffer) error{
		"AddReference":  func(b *evbuffer.Buffer) error { return b.AddReference([]byte("x"), nil) },
		"AddBuffer":     func(b *evbuffer.Buffer) error { return b.AddBuffer(bufferOf(t, strings.Repeat("x", 1000))) },
		"Add of much":   func(b *evbuffer.Buffer) error { return b.Add(make([]byte, 1000)) },
		"Drain":         func(b *evbuffer.Buffer) error { return b.Drain(100) },
		"moved away":    func(b *evbuffer.Buffer) error { return evbuffer.New().AddBuffer(b) },
		"given up":      func(b *evbuffer.Buffer) error { return b.Commit(nil) },
		"Compact":       func(b *evbuffer.Buffer) error { b.Compact(); return nil },
		"Free":          func(b *evbuffer.Buffer) error { b.Free(); return nil },
		"reserved more": func(b *evbuffer.Buffer) error { _, err := b.Reserve(200000, make([][]byte, 1)); return err },
	} {
		b := bufferOf(t, "content")
		var vecs [1][]byte
		_, err := b.Reserve(100000, vecs[:])
		ok(t, err)
		if _, ok := evbuffer.Spare(b); !ok {
			t.Fatal("the space is not spare memory")
		}
		ok(t, change(b))
		before := b.Len()
		wantError(t, name, b.Commit([][]byte{vecs[0][:5]}), evbuffer.ErrNotReserved)
		want(t, name+": length", b.Len(), before)
		mustCheck(t, b)
	}
}

func TestCommitInTwoPieces(t *testing.T) {
	reserve := func() (*evbuffer.Buffer, [2][]byte) {
		b := bufferOf(t, strings.Repeat("x", 500))
		var vecs [2][]byte
		n, err := b.Reserve(100, vecs[:])
		ok(t, err)
		want(t, "vectors", n, 2)
		copy(vecs[0], "first")
		copy(vecs[1], "second")
		return b, vecs
	}
	before := strings.Repeat("x", 500)

	b, vecs := reserve()
	ok(t, b.Commit([][]byte{vecs[0][:5]}))
	wantContent(t, b, before+"first")

	b, vecs = reserve()
	ok(t, b.Commit([][]byte{vecs[0][:0], vecs[1][:6]}))
	wantContent(t, b, before+"second")

	b, vecs = reserve()
	ok(t, b.Commit([][]byte{vecs[1][:6]}))
	wantContent(t, b, before+"second")

	b, vecs = reserve()
	ok(t, b.Commit([][]byte{vecs[0][:5], vecs[1][:6]}))
	wantContent(t, b, before+"firstsecond")

	b, vecs = reserve()
	wantError(t, "the wrong way round", b.Commit([][]byte{vecs[1], vecs[0]}), evbuffer.ErrNotReserved)
	wantContent(t, b, before)
}

// Whoever has reserved memory may write to it too late. That must not show in
// any other buffer.
func TestReservedMemoryIsNotGivenToOthers(t *testing.T) {
	var b evbuffer.Buffer
	vecs := make([][]byte, 1)
	_, err := b.Reserve(100, vecs)
	ok(t, err)
	b.Free()
	var others [100]evbuffer.Buffer
	for i := range others {
		ok(t, others[i].AddString("data"))
	}
	copy(vecs[0], "overwritten")
	for i := range others {
		wantContent(t, &others[i], "data")
	}
}

func TestExpandMakesRoom(t *testing.T) {
	for _, before := range []int{0, 1, 500, 512, 5000} {
		for _, n := range []int{0, 1, 20, 600, 100000} {
			b := bufferOf(t, strings.Repeat("x", before))
			ok(t, b.Expand(n))
			mustCheck(t, b)
			free := evbuffer.Room(b)
			if n, ok := evbuffer.Spare(b); ok {
				free = n
			}
			if free < n {
				t.Errorf("Expand(%d) with %d before: %d bytes in one piece", n, before, free)
			}
			ok(t, b.AddString(strings.Repeat("y", n)))
			wantContent(t, b, strings.Repeat("x", before)+strings.Repeat("y", n))
			if _, ok := evbuffer.Spare(b); ok {
				t.Errorf("Expand(%d) with %d before: the spare chunk was not used", n, before)
			}
		}
	}
}

// A little data moves to where there is room behind it, rather than leave most
// of its memory unused. What is much, or well filled, stays where it is.
func TestExpandMovesALittleData(t *testing.T) {
	tests := []struct {
		name                   string
		added, drained, expand int
		moves                  bool // to other memory
		spare                  bool
	}{
		{"there is room", 100, 0, 400, false, false},
		{"there is room in front", 400, 300, 400, false, false},
		{"a little data", 100, 0, 413, true, false},
		{"an eighth is free", 448, 0, 100, true, false},
		{"less than an eighth is free", 449, 0, 100, false, true},
		{"much data", 5000, 0, 5000, false, true},
		{"as much as is moved", 4096, 0, 0, false, false},
		{"the largest chunk would do", 400, 0, evbuffer.MaxClassSize - 400, true, false},
		{"too much space for a chunk", 400, 0, evbuffer.MaxClassSize - 399, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := bufferOf(t, strings.Repeat("x", tt.added))
			ok(t, b.Drain(tt.drained))
			mem := evbuffer.Chunks(b)[0].Memory
			ok(t, b.Expand(tt.expand))
			want(t, "moved", evbuffer.Chunks(b)[0].Memory != mem, tt.moves)
			_, spare := evbuffer.Spare(b)
			want(t, "there is a spare chunk", spare, tt.spare)
			wantContent(t, b, strings.Repeat("x", tt.added-tt.drained))
			if !tt.spare && evbuffer.Room(b) < tt.expand {
				t.Errorf("there is room for %d bytes", evbuffer.Room(b))
			}
		})
	}
}
