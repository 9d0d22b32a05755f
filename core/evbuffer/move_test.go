package evbuffer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestAddBufferMovesAll(t *testing.T) {
	for _, dst := range [][]string{{}, {"x"}, {"x", "y"}} {
		for _, src := range [][]string{{}, {"a"}, {"a", "b", "c"}} {
			t.Run(fmt.Sprint(src, " to ", dst), func(t *testing.T) {
				to, from := bufferOfPieces(t, dst...), bufferOfPieces(t, src...)
				ok(t, to.AddBuffer(from))
				wantContent(t, to, strings.Join(dst, "")+strings.Join(src, ""))
				wantContent(t, from, "")
				ok(t, to.AddString("!"))
				ok(t, from.AddString("?"))
				wantContent(t, to, strings.Join(dst, "")+strings.Join(src, "")+"!")
				wantContent(t, from, "?")
			})
		}
	}
}

func TestPrependBufferMovesAll(t *testing.T) {
	for _, dst := range [][]string{{}, {"x"}, {"x", "y"}} {
		for _, src := range [][]string{{}, {"a"}, {"a", "b", "c"}} {
			t.Run(fmt.Sprint(src, " to ", dst), func(t *testing.T) {
				to, from := bufferOfPieces(t, dst...), bufferOfPieces(t, src...)
				ok(t, to.PrependBuffer(from))
				wantContent(t, to, strings.Join(src, "")+strings.Join(dst, ""))
				wantContent(t, from, "")
				ok(t, to.AddString("!"))
				wantContent(t, to, strings.Join(src, "")+strings.Join(dst, "")+"!")
			})
		}
	}
}

func TestRemoveBufferMovesAPart(t *testing.T) {
	const text = "abcdef"
	for n := range 9 {
		for _, dst := range []string{"", "x"} {
			from, to := bufferOfPieces(t, "ab", "cd", "ef"), bufferOf(t, dst)
			moved, err := from.RemoveBuffer(to, n)
			ok(t, err)
			want(t, "moved", moved, min(n, len(text)))
			wantContent(t, to, dst+text[:moved])
			wantContent(t, from, text[moved:])
		}
	}
}

func TestMovingToItselfDoesNothing(t *testing.T) {
	b := bufferOf(t, "hello")
	b.AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) { t.Errorf("called: %v", info) })
	ok(t, b.AddBuffer(b))
	ok(t, b.PrependBuffer(b))
	n, err := b.RemoveBuffer(b, 3)
	ok(t, err)
	want(t, "moved", n, 0)
	wantContent(t, b, "hello")
}

// addresses returns where the data of a buffer lies.
func addresses(t *testing.T, b *evbuffer.Buffer) []*byte {
	t.Helper()
	vecs := make([][]byte, chunks(t, b))
	_, err := b.Peek(-1, nil, vecs)
	ok(t, err)
	var at []*byte
	for _, v := range vecs {
		at = append(at, &v[0])
	}
	return at
}

func TestMovingAGigabyteCopiesNothing(t *testing.T) {
	const piece, pieces = 1 << 20, 1 << 10
	memory := make([]byte, piece)
	cleaned := 0
	a, b, c := evbuffer.New(), evbuffer.New(), evbuffer.New()
	for range pieces {
		ok(t, a.AddReference(memory, func([]byte) { cleaned++ }))
	}
	want(t, "length", a.Len(), 1<<30)

	ok(t, b.AddBuffer(a))
	ok(t, a.PrependBuffer(b))
	n, err := a.RemoveBuffer(c, 700*piece)
	ok(t, err)
	want(t, "moved", n, 700*piece)
	// Even in the middle of a piece there is nothing to copy.
	n, err = a.RemoveBuffer(c, piece/2)
	ok(t, err)
	want(t, "moved", n, piece/2)
	ok(t, b.AddBuffer(c))
	ok(t, b.AddBuffer(a))
	mustCheck(t, a, b, c)
	want(t, "length", b.Len(), 1<<30)
	want(t, "chunks", chunks(t, b), pieces+1)
	for i, at := range addresses(t, b) {
		if at != &memory[0] && at != &memory[piece/2] {
			t.Fatalf("piece %d was copied", i)
		}
	}
	want(t, "cleanups before", cleaned, 0)
	ok(t, b.Drain(b.Len()))
	want(t, "cleanups", cleaned, pieces)
}

func TestMovingMuchOfOneChunkSharesIt(t *testing.T) {
	data := strings.Repeat("0123456789", 10000)
	from, to := bufferOf(t, data), evbuffer.New()
	start := addresses(t, from)[0]
	n, err := from.RemoveBuffer(to, 60000)
	ok(t, err)
	want(t, "moved", n, 60000)
	if addresses(t, to)[0] != start {
		t.Error("it was copied")
	}
	ok(t, to.AddString("!"))
	ok(t, from.AddString("?"))
	wantContent(t, to, data[:60000]+"!")
	wantContent(t, from, data[60000:]+"?")
}

// What a peer has sent in short messages, and another does not take, must not
// take up many times as much memory.
func TestMovedDataTakesMemoryInProportion(t *testing.T) {
	for _, size := range []int{1, 100, 513, 2000, 5000, 16000, 40000} {
		message := strings.Repeat("x", size)
		var queue evbuffer.Buffer
		for range 100 {
			var b evbuffer.Buffer
			var space [1][]byte
			_, err := b.Reserve(evbuffer.MaxClassSize, space[:])
			ok(t, err)
			ok(t, b.Commit([][]byte{space[0][:copy(space[0], message)]}))
			ok(t, queue.AddBuffer(&b))
		}
		wantContent(t, &queue, strings.Repeat(message, 100))
		if n := memory(&queue); n > 4*queue.Len()+evbuffer.MaxClassSize {
			t.Errorf("%d bytes of memory for 100 messages of %d", n, size)
		}
	}
}

func TestMovingMuchToAnEmptyBufferCopiesNothing(t *testing.T) {
	for _, size := range []int{1, 100, 5000} {
		from, to := evbuffer.New(), evbuffer.New()
		var space [1][]byte
		_, err := from.Reserve(evbuffer.MaxClassSize, space[:])
		ok(t, err)
		ok(t, from.Commit([][]byte{space[0][:size]}))
		ok(t, to.AddBuffer(from))
		want(t, "address", addresses(t, to)[0], &space[0][0])
	}
}

// Otherwise a reader of tiny messages would collect a chunk for each.
func TestMovingLittleToAChunkWithRoomCopiesIt(t *testing.T) {
	var b evbuffer.Buffer
	for range 100 {
		small := bufferOf(t, "message ")
		ok(t, b.AddBuffer(small))
		wantContent(t, small, "")
	}
	wantContent(t, &b, strings.Repeat("message ", 100))
	if n := chunks(t, &b); n > 3 {
		t.Errorf("%d chunks", n)
	}
}
