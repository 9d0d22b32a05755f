package evbuffer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestPullupBringsTogether(t *testing.T) {
	const text = "abcdefghi"
	for n := range len(text) + 1 {
		b := bufferOfPieces(t, "ab", "cde", "fg", "hi")
		p, err := b.Pullup(n)
		ok(t, err)
		want(t, "pulled up", string(p), text[:n])
		wantContent(t, b, text)
		if b.ContiguousSpace() < n {
			t.Errorf("%d contiguous bytes after Pullup(%d)", b.ContiguousSpace(), n)
		}
		ok(t, b.AddString("!"))
		ok(t, b.Prepend([]byte("?")))
		wantContent(t, b, "?"+text+"!")
	}
}

func TestPullupOfAll(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cde", "fg")
	p, err := b.Pullup(-1)
	ok(t, err)
	want(t, "pulled up", string(p), "abcdefg")
	want(t, "chunks", chunks(t, b), 1)
	p, err = evbuffer.New().Pullup(-1)
	ok(t, err)
	want(t, "pulled up from nothing", string(p), "")
}

func TestPullupOfWhatIsTogetherMovesNothing(t *testing.T) {
	b := bufferOfPieces(t, "abc", "def")
	at := addresses(t, b)
	p, err := b.Pullup(3)
	ok(t, err)
	if &p[0] != at[0] || chunks(t, b) != 2 {
		t.Error("something was moved")
	}
	var pos evbuffer.Ptr
	ok(t, b.SetPtr(&pos, 4, evbuffer.PtrSet))
	_, err = b.Pullup(2)
	ok(t, err)
	ok(t, b.SetPtr(&pos, 1, evbuffer.PtrAdd)) // it is not stale
}

func TestPullupOfMuch(t *testing.T) {
	var b evbuffer.Buffer
	var all strings.Builder
	for i := range 300 {
		s := strings.Repeat(string(rune('a'+i%26)), 1000)
		all.WriteString(s)
		ok(t, b.AddReference([]byte(s), nil))
	}
	p, err := b.Pullup(-1)
	ok(t, err)
	want(t, "pulled up", string(p), all.String())
	wantContent(t, &b, all.String())
}

// A parser that pulls up more and more must not copy all of it each time.
func TestPullupLeavesRoomToGrow(t *testing.T) {
	var b evbuffer.Buffer
	piece := make([]byte, 1000)
	moves := 0
	var at *byte
	for range 2000 {
		ok(t, b.AddReference(piece, nil))
		p, err := b.Pullup(-1)
		ok(t, err)
		if &p[0] != at {
			moves++
			at = &p[0]
		}
	}
	if moves > 40 {
		t.Errorf("the data was moved %d times", moves)
	}
}

func TestThePulledUpIsLimited(t *testing.T) {
	b := bufferOf(t, "abcdef")
	p, err := b.Pullup(3)
	ok(t, err)
	_ = append(p, "XYZ"...) // must not reach what follows
	wantContent(t, b, "abcdef")
}

func TestCompactGivesMemoryBack(t *testing.T) {
	b := bufferOf(t, strings.Repeat("x", 60000)+"message")
	ok(t, b.Drain(60000))
	want(t, "memory before", memory(b), evbuffer.MaxClassSize)
	var pos evbuffer.Ptr
	ok(t, b.SetPtr(&pos, 3, evbuffer.PtrSet))
	b.Compact()
	wantContent(t, b, "message")
	want(t, "memory", memory(b), evbuffer.MinClassSize)
	at, err := b.Search([]byte("age"), &pos)
	ok(t, err)
	want(t, "position", at.Pos(), 4)
}

func TestCompactDropsTheSpareChunk(t *testing.T) {
	var b evbuffer.Buffer
	ok(t, b.Expand(1000))
	b.Compact()
	if _, ok := evbuffer.Spare(&b); ok {
		t.Error("it is still there")
	}
}

func TestCompactLeavesAloneWhatFits(t *testing.T) {
	reference := evbuffer.New()
	ok(t, reference.AddReferenceWithOffset(make([]byte, 5000), 0, 10, nil))
	for name, b := range map[string]*evbuffer.Buffer{
		"an empty buffer":      evbuffer.New(),
		"a small chunk":        bufferOf(t, "x"),
		"much data":            bufferOf(t, strings.Repeat("x", 3000)),
		"a well filled chunk":  bufferOf(t, strings.Repeat("x", 500)),
		"several chunks":       bufferOfPieces(t, "a", "b"),
		"a piece by reference": reference,
	} {
		chunks, before := evbuffer.Chunks(b), string(content(t, b))
		b.Compact()
		wantContent(t, b, before)
		if !slices.Equal(evbuffer.Chunks(b), chunks) {
			t.Errorf("%s was moved", name)
		}
	}
}
