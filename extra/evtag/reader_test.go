package evtag_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
)

func TestReaderReadsAMessageOrNothing(t *testing.T) {
	b := evbuffer.New()
	ok(t, evtag.MarshalInt(b, 1, 7))
	ok(t, evtag.MarshalInt64(b, 2, 1<<40))
	ok(t, evtag.MarshalString(b, 3, "three"))
	ok(t, evtag.MarshalTimeval(b, 4, evtag.Timeval{Sec: 4}))
	ok(t, evtag.Marshal(b, 5, []byte("five")))
	ok(t, evtag.Marshal(b, 6, []byte("six")))
	ok(t, evtag.Marshal(b, 7, []byte("seven")))
	ok(t, b.AddString("rest"))
	length := b.Len()

	r := evtag.NewReader(b)
	n, err := r.Int(1)
	ok(t, err)
	n64, err := r.Int64(2)
	ok(t, err)
	s, err := r.String(3)
	ok(t, err)
	tv, err := r.Timeval(4)
	ok(t, err)
	five := make([]byte, 4)
	ok(t, r.Fixed(5, five))
	six, err := r.AppendBytes([]byte("<"), 6)
	ok(t, err)
	seven, err := r.Skip()
	ok(t, err)
	if n != 7 || n64 != 1<<40 || s != "three" || tv.Sec != 4 || string(five) != "five" || string(six) != "<six" || seven != 7 {
		t.Error(n, n64, s, tv, five, six, seven)
	}
	if r.Len() != 4 || b.Len() != length {
		t.Errorf("%d bytes are not read, %d are in the buffer", r.Len(), b.Len())
	}
	ok(t, r.Drain())
	ok(t, r.Drain())
	if string(content(t, b)) != "rest" || r.Len() != 4 {
		t.Errorf("%q is left, of which %d bytes are not read", content(t, b), r.Len())
	}
}

func TestReaderStaysWhereItWasAfterAnError(t *testing.T) {
	b := bufferOf(t, unhex(t, "01 03 616263"))
	r := evtag.NewReader(b)
	dst, err := r.AppendBytes([]byte("x"), 2)
	if !errors.Is(err, evtag.ErrTag) || string(dst) != "x" {
		t.Errorf("AppendBytes() = %q, %v", dst, err)
	}
	if err := r.Fixed(1, make([]byte, 2)); !errors.Is(err, evtag.ErrLength) {
		t.Errorf("Fixed() = %v", err)
	}
	if _, err := r.Nested(2); !errors.Is(err, evtag.ErrTag) {
		t.Errorf("Nested() = %v", err)
	}
	if s, err := r.String(1); s != "abc" || err != nil {
		t.Errorf("String() = %q, %v", s, err)
	}
	if _, err := r.Skip(); err != evtag.ErrIncomplete {
		t.Errorf("Skip() at the end = %v", err)
	}
}

func TestReaderEndsWithAChangeOfTheFront(t *testing.T) {
	b := bufferOf(t, unhex(t, "01 01 05 02 01 06"))
	r := evtag.NewReader(b)
	first := r
	_, err := r.Int(1)
	ok(t, err)
	ok(t, b.Drain(1))
	if _, err := r.Int(2); !errors.Is(err, evbuffer.ErrPosition) {
		t.Errorf("Int() = %v", err)
	}
	if err := r.Drain(); !errors.Is(err, evbuffer.ErrPosition) || b.Len() != 5 {
		t.Errorf("Drain() = %v", err)
	}
	if _, err := first.Skip(); !errors.Is(err, evbuffer.ErrPosition) {
		t.Errorf("Skip() of what was the first = %v", err)
	}
}

func TestReaderDoesNotSeeWhatIsAddedLater(t *testing.T) {
	b := bufferOf(t, unhex(t, "01 01"))
	r := evtag.NewReader(b)
	ok(t, b.AddString("\x05"))
	if _, err := r.Int(1); err != evtag.ErrIncomplete {
		t.Errorf("Int() = %v", err)
	}
}

func TestNested(t *testing.T) {
	// A record 9 of a record 1 with 5, and a record 2 of nothing.
	b := bufferOf(t, unhex(t, "09 05 010105 0200 03 01 07"))
	r := evtag.NewReader(b)
	inner, err := r.Nested(9)
	ok(t, err)
	if v, err := inner.Int(1); v != 5 || err != nil {
		t.Errorf("the inner number is %d, %v", v, err)
	}
	empty, err := inner.Nested(2)
	ok(t, err)
	if empty.Len() != 0 || inner.Len() != 0 {
		t.Errorf("%d and %d bytes are left", empty.Len(), inner.Len())
	}
	if err := inner.Drain(); !errors.Is(err, evtag.ErrNested) {
		t.Errorf("inner Drain() = %v", err)
	}
	if v, err := r.Int(3); v != 7 || err != nil {
		t.Errorf("the number after it is %d, %v", v, err)
	}
	ok(t, r.Drain())
	if b.Len() != 0 {
		t.Errorf("%d bytes are left", b.Len())
	}
}

// A record that goes on after the one around it is there in the buffer, but not its own.
func TestNestedRecordsEndWithTheOuterOne(t *testing.T) {
	for _, input := range []string{"09 02 0102 0505", "09 01 01 0105", "09 03 013000 10", "09 01 80 01", "09 00 010105"} {
		r := evtag.NewReader(bufferOf(t, unhex(t, input)))
		inner, err := r.Nested(9)
		ok(t, err)
		if _, err := inner.Int(1); !errors.Is(err, evtag.ErrMalformed) {
			t.Errorf("%s: %v", input, err)
		}
		if _, err := inner.Skip(); !errors.Is(err, evtag.ErrMalformed) {
			t.Errorf("%s: %v", input, err)
		}
	}
}

func TestDepthIsLimited(t *testing.T) {
	// Each round puts a record around the one before.
	message := []byte{}
	for range evtag.DefaultMaxDepth + 1 {
		message = append(evtag.AppendHeader(nil, 1, uint32(len(message))), message...)
	}
	depth := func(d *evtag.Decoder) (n int, err error) {
		r := d.Reader(bufferOf(t, message))
		for r.Len() > 0 {
			if r, err = r.Nested(1); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	var d evtag.Decoder
	if n, err := depth(&d); n != evtag.DefaultMaxDepth || !errors.Is(err, evtag.ErrTooDeep) {
		t.Errorf("the default: %d, %v", n, err)
	}
	ok(t, d.SetMaxDepth(0))
	if n, err := depth(&d); n != 0 || !errors.Is(err, evtag.ErrTooDeep) {
		t.Errorf("0: %d, %v", n, err)
	}
	ok(t, d.SetMaxDepth(evtag.DefaultMaxDepth+1))
	if n, err := depth(&d); n != evtag.DefaultMaxDepth+1 || err != nil {
		t.Errorf("one more: %d, %v", n, err)
	}
}

// Records in records are written without a copy, because their lengths can be told.
func TestSizesAreThoseOfWhatIsWritten(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 100, 255, 256, 5000} {
		b := evbuffer.New()
		ok(t, evtag.MarshalHeader(b, 300, n))
		ok(t, b.Add(bytes.Repeat([]byte{1}, n)))
		if b.Len() != evtag.SizeRecord(300, n) {
			t.Errorf("a record of %d bytes has %d, not %d", n, b.Len(), evtag.SizeRecord(300, n))
		}
		tv := evtag.Timeval{Sec: uint32(n) << 16, Usec: uint32(n)}
		ok(t, evtag.Consume(b))
		ok(t, evtag.MarshalTimeval(b, 300, tv))
		if b.Len() != evtag.SizeRecord(300, evtag.SizeTimeval(tv)) {
			t.Errorf("a time has %d bytes, not %d", b.Len(), evtag.SizeRecord(300, evtag.SizeTimeval(tv)))
		}
	}
}
