package evtag_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
)

// FuzzDecode decodes any bytes, in two pieces, by each function. A failure takes
// nothing; what a strict decoder takes is written again as it was.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		q := randomRecord(f, r)
		f.Add(q.input, q.tag, q.cut)
	}
	f.Fuzz(func(t *testing.T, input []byte, tag uint32, cut int) {
		q := request{tag: tag, fixed: 3, input: input, cut: max(0, min(cut, len(input)))}
		for i := range operations {
			q.answer(t, i)
		}
		strictly(t, input)
	})
}

// strictly checks that a record that a strict decoder takes is written in one way.
func strictly(t *testing.T, input []byte) {
	var d evtag.Decoder
	d.SetStrict(true)
	b := bufferOf(t, input)
	tag, _, err := d.Peek(b)
	if err != nil {
		return
	}
	var again evbuffer.Buffer
	if v, err := d.UnmarshalInt64(bufferOf(t, input), tag); err == nil {
		ok(t, evtag.MarshalInt64(&again, tag, v))
		isPrefix(t, &again, input)
	}
	if v, err := d.UnmarshalTimeval(bufferOf(t, input), tag); err == nil {
		ok(t, evtag.MarshalTimeval(&again, tag, v))
		isPrefix(t, &again, input)
	}
	if s, err := d.UnmarshalString(b, tag); err == nil {
		ok(t, evtag.MarshalString(&again, tag, s))
		isPrefix(t, &again, input)
	}
}

// isPrefix takes all from b, with which the input must begin.
func isPrefix(t *testing.T, b *evbuffer.Buffer, input []byte) {
	t.Helper()
	p := content(t, b)
	ok(t, b.Drain(len(p)))
	if !bytes.HasPrefix(input, p) {
		t.Errorf("% x is written as % x", input, p)
	}
}

// FuzzReader walks through records in records as deep as it may.
func FuzzReader(f *testing.F) {
	f.Add([]byte{9, 5, 1, 1, 5, 2, 0, 3, 1, 7})
	f.Add(bytes.Repeat([]byte{1, 0x1f, 0xf0}, 100))
	f.Fuzz(func(t *testing.T, input []byte) {
		b := bufferOf(t, input)
		r := evtag.NewReader(b)
		budget := 10000
		walk(t, &r, 0, &budget)
		if left := r.Len(); r.Drain() != nil || b.Len() != left {
			t.Errorf("%d bytes are left, %d were not read", b.Len(), left)
		}
	})
}

func walk(t *testing.T, r *evtag.Reader, depth int, budget *int) {
	if depth > evtag.DefaultMaxDepth {
		t.Fatal("too deep")
	}
	for r.Len() > 0 && *budget > 0 {
		*budget--
		before := r.Len()
		tag, _, err := r.PeekTag()
		if err != nil {
			return
		}
		if inner, err := r.Nested(tag); err == nil {
			walk(t, &inner, depth+1, budget)
		} else if _, err := r.Skip(); err != nil {
			if r.Len() != before {
				t.Fatalf("failed, and went from %d to %d", before, r.Len())
			}
			return
		}
		if r.Len() >= before {
			t.Fatalf("went from %d to %d", before, r.Len())
		}
	}
}
