package evtag_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/extra/evtag"
)

// unhex makes the bytes of a test.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	ok(t, err)
	return p
}

// What libevent's own library writes.
func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		v    uint64
		want string
	}{
		{0, "00"},
		{1, "01"},
		{0xf, "0f"},
		{0x10, "1010"},
		{0x100, "2001"},
		{0x1000, "300010"},
		{0xdeadbeef, "7feebdaed0"},
		{0x80000000, "7000000080"},
		{1 << 32, "8000000001"},
		{0xdead0a0bcafebeef, "ffeebefacb0a0daed0"},
		{math.MaxUint64, "fffffffffffffffff0"},
	} {
		b := evbuffer.New()
		ok(t, evtag.EncodeInt64(b, tt.v))
		got := content(t, b)
		if !bytes.Equal(got, unhex(t, tt.want)) || evtag.SizeInt(tt.v) != len(got) {
			t.Errorf("%#x is % x, of size %d, want %s", tt.v, got, evtag.SizeInt(tt.v), tt.want)
		}
		if v, err := evtag.DecodeInt64(b); err != nil || v != tt.v || b.Len() > 0 {
			t.Errorf("%s is %#x, %v", tt.want, v, err)
		}
		if tt.v > math.MaxUint32 {
			continue
		}
		ok(t, evtag.EncodeInt(b, uint32(tt.v)))
		if v, err := evtag.DecodeInt(b); err != nil || v != uint32(tt.v) || b.Len() > 0 {
			t.Errorf("%s is %#x, %v", tt.want, v, err)
		}
	}
}

func TestTags(t *testing.T) {
	for _, tt := range []struct {
		tag  uint32
		want string
	}{
		{0, "00"},
		{0x66, "66"},
		{0x7f, "7f"},
		{0x80, "8001"},
		{0x166, "e602"},
		{0x10121, "a18204"},
		{math.MaxUint32, "ffffffff0f"},
	} {
		got := evtag.AppendTag(nil, tt.tag)
		if !bytes.Equal(got, unhex(t, tt.want)) || evtag.SizeTag(tt.tag) != len(got) {
			t.Errorf("%#x is % x, of size %d, want %s", tt.tag, got, evtag.SizeTag(tt.tag), tt.want)
		}
		b := bufferOf(t, got)
		if tag, n, err := evtag.Peek(b); err != nil || tag != tt.tag || n != len(got) || b.Len() != n {
			t.Errorf("%s is %#x in %d bytes, %v", tt.want, tag, n, err)
		}
	}
}

func TestRecords(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, tt := range []struct {
		name    string
		want    string
		marshal func(b *evbuffer.Buffer) error
		read    func(b *evbuffer.Buffer) (bool, error)
	}{
		{"int", "1e0100",
			func(b *evbuffer.Buffer) error { return evtag.MarshalInt(b, 30, 0) },
			func(b *evbuffer.Buffer) (bool, error) { v, err := evtag.UnmarshalInt(b, 30); return v == 0, err }},
		{"int64", "0509ffeebefacb0a0daed0",
			func(b *evbuffer.Buffer) error { return evtag.MarshalInt64(b, 5, 0xdead0a0bcafebeef) },
			func(b *evbuffer.Buffer) (bool, error) {
				v, err := evtag.UnmarshalInt64(b, 5)
				return v == 0xdead0a0bcafebeef, err
			}},
		{"string", "280548656c6c6f",
			func(b *evbuffer.Buffer) error { return evtag.MarshalString(b, 40, "Hello") },
			func(b *evbuffer.Buffer) (bool, error) {
				s, err := evtag.UnmarshalString(b, 40)
				return s == "Hello", err
			}},
		{"empty string", "2800",
			func(b *evbuffer.Buffer) error { return evtag.MarshalString(b, 40, "") },
			func(b *evbuffer.Buffer) (bool, error) {
				s, err := evtag.UnmarshalString(b, 40)
				return s == "", err
			}},
		{"long string", "28 28e3" + hex.EncodeToString([]byte(long)),
			func(b *evbuffer.Buffer) error { return evtag.MarshalString(b, 40, long) },
			func(b *evbuffer.Buffer) (bool, error) { s, err := evtag.UnmarshalString(b, 40); return s == long, err }},
		{"timeval", "01040540a681",
			func(b *evbuffer.Buffer) error { return evtag.MarshalTimeval(b, 1, evtag.Timeval{Sec: 5, Usec: 100000}) },
			func(b *evbuffer.Buffer) (bool, error) {
				v, err := evtag.UnmarshalTimeval(b, 1)
				return v.Duration() == 5100*time.Millisecond, err
			}},
		{"bytes of fixed length", "0703010203",
			func(b *evbuffer.Buffer) error { return evtag.Marshal(b, 7, []byte{1, 2, 3}) },
			func(b *evbuffer.Buffer) (bool, error) {
				p := make([]byte, 3)
				err := evtag.UnmarshalFixed(b, 7, p)
				return bytes.Equal(p, []byte{1, 2, 3}), err
			}},
		{"buffer", "070461626364",
			func(b *evbuffer.Buffer) error { return evtag.MarshalBuffer(b, 7, bufferOf(t, []byte("abcd"))) },
			func(b *evbuffer.Buffer) (bool, error) {
				var dst evbuffer.Buffer
				tag, n, err := evtag.Unmarshal(b, &dst)
				return tag == 7 && n == 4 && string(content(t, &dst)) == "abcd", err
			}},
		{"empty buffer", "0700",
			func(b *evbuffer.Buffer) error { return evtag.MarshalBuffer(b, 7, evbuffer.New()) },
			func(b *evbuffer.Buffer) (bool, error) {
				var dst evbuffer.Buffer
				tag, n, err := evtag.Unmarshal(b, &dst)
				return tag == 7 && n == 0 && dst.Len() == 0, err
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := evbuffer.New()
			ok(t, tt.marshal(b))
			got := content(t, b)
			if !bytes.Equal(got, unhex(t, tt.want)) {
				t.Fatalf("% x, want %s", got, tt.want)
			}
			if n, err := evtag.PeekLength(b); err != nil || n != int64(len(got)) {
				t.Errorf("PeekLength() = %d, %v", n, err)
			}
			checkPieces(t, got, tt.read)
			if good, err := tt.read(b); err != nil || !good || b.Len() > 0 {
				t.Errorf("read %v, %v, and left %d bytes", good, err, b.Len())
			}
		})
	}
}

// checkPieces reads each beginning of a record, which is incomplete, and the record
// in two pieces.
func checkPieces(t *testing.T, record []byte, read func(b *evbuffer.Buffer) (bool, error)) {
	t.Helper()
	for cut := range record {
		b := evbuffer.New()
		ok(t, b.AddReference(record[:cut], nil))
		if _, err := read(b); err != evtag.ErrIncomplete || b.Len() != cut {
			t.Errorf("the first %d bytes: %v, and %d bytes are left", cut, err, b.Len())
		}
		ok(t, b.AddReference(record[cut:], nil))
		if good, err := read(b); err != nil || !good || b.Len() > 0 {
			t.Errorf("cut at %d: read %v, %v, and left %d bytes", cut, good, err, b.Len())
		}
	}
}

func TestPeekTakesNothing(t *testing.T) {
	b := bufferOf(t, unhex(t, "e602 05 48656c6c6f 01"))
	for range 2 {
		tag, size, err := evtag.Peek(b)
		if tag != 0x166 || size != 2 || err != nil {
			t.Errorf("Peek() = %#x, %d, %v", tag, size, err)
		}
		if n, err := evtag.PeekLength(b); n != 8 || err != nil {
			t.Errorf("PeekLength() = %d, %v", n, err)
		}
		if n, err := evtag.PayloadLength(b); n != 5 || err != nil {
			t.Errorf("PayloadLength() = %d, %v", n, err)
		}
	}
	if tag, n, err := evtag.UnmarshalHeader(b); tag != 0x166 || n != 5 || err != nil || b.Len() != 6 {
		t.Errorf("UnmarshalHeader() = %#x, %d, %v, and %d bytes are left", tag, n, err, b.Len())
	}
}

func TestConsume(t *testing.T) {
	b := bufferOf(t, unhex(t, "e602 05 48656c6c6f 01"))
	if err := evtag.Consume(b); err != nil || b.Len() != 1 {
		t.Errorf("Consume() = %v, and %d bytes are left", err, b.Len())
	}
}

// What C refuses, and what it takes and a strict decoder refuses.
func TestFaults(t *testing.T) {
	readInt := func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error) {
		v, err := d.UnmarshalInt(b, 1)
		return uint64(v), err
	}
	readInt64 := func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error) { return d.UnmarshalInt64(b, 1) }
	readTimeval := func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error) {
		v, err := d.UnmarshalTimeval(b, 1)
		return uint64(v.Sec)<<32 | uint64(v.Usec), err
	}
	readString := func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error) {
		s, err := d.UnmarshalString(b, 1)
		return uint64(len(s)), err
	}
	readFixed := func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error) {
		return 0, d.UnmarshalFixed(b, 1, make([]byte, 2))
	}
	consume := func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error) { return 0, d.Consume(b) }
	bare := func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error) {
		v, err := d.DecodeInt(b)
		return uint64(v), err
	}
	peek := func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error) {
		v, _, err := d.Peek(b)
		return uint64(v), err
	}
	for _, tt := range []struct {
		name   string
		input  string
		read   func(d *evtag.Decoder, b *evbuffer.Buffer) (uint64, error)
		want   uint64
		err    error // of any decoder
		strict error // of a strict one, if err is nil
	}{
		{"a good number", "01 01 05", readInt, 5, nil, nil},
		{"another tag", "02 01 05", readInt, 0, evtag.ErrTag, nil},
		{"another tag, of which nothing else is there", "02 02", readInt, 0, evtag.ErrTag, nil},
		{"a tag of more than 32 bits", "ffffffff1f 01 05", readInt, 0, evtag.ErrMalformed, nil},
		{"a tag of six bytes", "8080808080 00 01 05", readInt, 0, evtag.ErrMalformed, nil},
		{"a tag that ends nowhere", "80808080", peek, 0, evtag.ErrIncomplete, nil},
		{"a tag with zeros", "8100 01 05", readInt, 5, nil, evtag.ErrNotCanonical},
		{"a tag with zeros, looked at", "8100", peek, 1, nil, evtag.ErrNotCanonical},
		{"a length with zeros", "01 1100 05", consume, 0, nil, evtag.ErrNotCanonical},
		{"a length of nine nibbles", "01 8100000000 05", consume, 0, evtag.ErrMalformed, nil},
		{"a length of 2^31", "01 7000000080 05", consume, 0, evtag.ErrTooLong, nil},
		{"a length of 2^31-1", "01 7fffffff70 05", consume, 0, evtag.ErrIncomplete, nil},
		{"a number with zeros", "01 02 1500", readInt, 5, nil, evtag.ErrNotCanonical},
		{"padding", "01 02 1011", readInt, 0x10, nil, evtag.ErrNotCanonical},
		{"a number of nine nibbles", "01 05 8100000000", readInt, 0, evtag.ErrMalformed, nil},
		{"a number of nine nibbles where 64 bits are good", "01 05 8100000000", readInt64, 1, nil, evtag.ErrNotCanonical},
		{"a number that ends in its payload", "01 01 30 0010", readInt, 0, evtag.ErrMalformed, nil},
		{"no number", "01 00 05", readInt, 0, evtag.ErrMalformed, nil},
		{"bytes after a number", "01 02 05ff", readInt, 5, nil, evtag.ErrNotCanonical},
		{"bytes after 64 bits", "01 02 05ff", readInt64, 5, nil, evtag.ErrNotCanonical},
		{"a time", "01 02 0102", readTimeval, 1<<32 | 2, nil, nil},
		{"half a time", "01 01 01 02", readTimeval, 0, evtag.ErrMalformed, nil},
		{"bytes after a time", "01 03 010203", readTimeval, 1<<32 | 2, nil, evtag.ErrNotCanonical},
		{"a time whose second number is too long", "01 06 01 8100000000", readTimeval, 0, evtag.ErrMalformed, nil},
		{"a string with NULs", "01 03 610062", readString, 3, nil, nil},
		{"too much of a fixed length", "01 03 010203", readFixed, 0, evtag.ErrLength, nil},
		{"too little of a fixed length", "01 01 01", readFixed, 0, evtag.ErrLength, nil},
		{"a bare number with zeros", "1500", bare, 5, nil, evtag.ErrNotCanonical},
		{"a bare number of nine nibbles", "8100000000", bare, 0, evtag.ErrMalformed, nil},
		{"nothing", "", bare, 0, evtag.ErrIncomplete, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			input := unhex(t, tt.input)
			for _, strict := range []bool{false, true} {
				var d evtag.Decoder
				d.SetStrict(strict)
				err := tt.err
				if strict && err == nil {
					err = tt.strict
				}
				b := bufferOf(t, input)
				got, gotErr := tt.read(&d, b)
				if !errors.Is(gotErr, err) {
					t.Errorf("strict %v: error %v, want %v", strict, gotErr, err)
				}
				if err == nil && got != tt.want {
					t.Errorf("strict %v: %d, want %d", strict, got, tt.want)
				}
				if err != nil && !bytes.Equal(content(t, b), input) {
					t.Errorf("strict %v: % x is left", strict, content(t, b))
				}
			}
		})
	}
}

func TestErrorsNameTheRecord(t *testing.T) {
	_, err := evtag.UnmarshalInt(bufferOf(t, []byte{2, 1, 5}), 1)
	if err == nil || err.Error() != "evtag: int: tag 1: other tag" {
		t.Errorf("error %q", err)
	}
}

func TestNilBuffers(t *testing.T) {
	_, intErr := evtag.UnmarshalInt(nil, 1)
	_, bareErr := evtag.DecodeInt(nil)
	_, _, peekErr := evtag.Peek(nil)
	_, _, moveErr := evtag.Unmarshal(nil, evbuffer.New())
	_, _, noneErr := evtag.Unmarshal(evbuffer.New(), nil)
	r := evtag.NewReader(nil)
	for i, err := range []error{
		intErr, bareErr, peekErr, moveErr, noneErr, evtag.Consume(nil), r.Drain(),
		evtag.Marshal(nil, 1, nil), evtag.MarshalInt(nil, 1, 1), evtag.MarshalString(nil, 1, strings.Repeat("x", 100)),
		evtag.MarshalBuffer(nil, 1, evbuffer.New()), evtag.MarshalBuffer(evbuffer.New(), 1, nil),
		evtag.EncodeInt(nil, 1), evtag.MarshalHeader(nil, 1, 1),
	} {
		if !errors.Is(err, event.ErrNil) {
			t.Errorf("case %d: %v", i, err)
		}
	}
}

func TestABufferCannotGoIntoItself(t *testing.T) {
	b := bufferOf(t, []byte{1, 1, 5})
	if err := evtag.MarshalBuffer(b, 1, b); !errors.Is(err, evtag.ErrRange) || b.Len() != 3 {
		t.Errorf("MarshalBuffer() = %v", err)
	}
	if _, _, err := evtag.Unmarshal(b, b); !errors.Is(err, evtag.ErrRange) || b.Len() != 3 {
		t.Errorf("Unmarshal() = %v", err)
	}
}

func TestFrozenEndsChangeNothing(t *testing.T) {
	record := unhex(t, "01 02 6162")
	frozen := func(p []byte, e evbuffer.End) *evbuffer.Buffer {
		b := bufferOf(t, p)
		ok(t, b.Freeze(e))
		return b
	}
	is := func(name string, err error, buffers ...*evbuffer.Buffer) {
		t.Helper()
		if !errors.Is(err, evbuffer.ErrFrozen) {
			t.Errorf("%s: %v", name, err)
		}
		for _, b := range buffers {
			ok(t, b.Unfreeze(evbuffer.Front))
			if !bytes.Equal(content(t, b), record) {
				t.Errorf("%s: % x is left", name, content(t, b))
			}
		}
	}
	src := frozen(record, evbuffer.Front)
	_, err := evtag.UnmarshalString(src, 1)
	is("read", err, src)
	src, dst := bufferOf(t, record), frozen(record, evbuffer.Back)
	_, _, err = evtag.Unmarshal(src, dst)
	is("move to a frozen buffer", err, src, dst)
	src, dst = bufferOf(t, record), frozen(record, evbuffer.Back)
	is("append a buffer to a frozen one", evtag.MarshalBuffer(dst, 1, src), src, dst)
	src, dst = frozen(record, evbuffer.Front), bufferOf(t, record)
	is("append a frozen buffer", evtag.MarshalBuffer(dst, 1, src), src, dst)
	dst = frozen(record, evbuffer.Back)
	is("append bytes", evtag.Marshal(dst, 1, make([]byte, 100)), dst)
	dst = frozen(record, evbuffer.Back)
	is("append a bare number", evtag.EncodeInt(dst, 1), dst)
}

func TestTimes(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want evtag.Timeval
	}{
		{0, evtag.Timeval{}},
		{1500 * time.Millisecond, evtag.Timeval{Sec: 1, Usec: 500000}},
		{1999 * time.Nanosecond, evtag.Timeval{Usec: 1}},
		{evtag.MaxDuration, evtag.Timeval{Sec: math.MaxUint32, Usec: 999999}},
	} {
		tv, err := evtag.TimevalOf(tt.d)
		if tv != tt.want || err != nil || tv.Duration() != tt.d.Truncate(time.Microsecond) {
			t.Errorf("TimevalOf(%v) = %v, %v", tt.d, tv, err)
		}
	}
	for _, d := range []time.Duration{-1, evtag.MaxDuration + 1} {
		if tv, err := evtag.TimevalOf(d); !errors.Is(err, evtag.ErrRange) {
			t.Errorf("TimevalOf(%v) = %v, %v", d, tv, err)
		}
	}
	if at := (evtag.Timeval{Sec: 1, Usec: 2500000}).Time(); !at.Equal(time.Unix(3, 500000000)) {
		t.Errorf("Time() = %v", at)
	}
}

func TestLimits(t *testing.T) {
	var d evtag.Decoder
	for i, err := range []error{
		d.SetMaxPayload(-1), d.SetMaxDepth(-1), evtag.MarshalHeader(evbuffer.New(), 1, -1),
	} {
		if !errors.Is(err, evtag.ErrRange) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	ok(t, d.SetMaxPayload(4))
	if _, err := d.UnmarshalString(bufferOf(t, unhex(t, "01 05")), 1); !errors.Is(err, evtag.ErrTooLong) {
		t.Errorf("the header of 5 bytes is enough to know: %v", err)
	}
	if s, err := d.UnmarshalString(bufferOf(t, unhex(t, "01 04 61626364")), 1); s != "abcd" || err != nil {
		t.Errorf("4 bytes: %q, %v", s, err)
	}
	ok(t, d.SetMaxPayload(0))
	if _, err := d.UnmarshalString(bufferOf(t, unhex(t, "01 05")), 1); err != evtag.ErrIncomplete {
		t.Errorf("the default: %v", err)
	}
}
