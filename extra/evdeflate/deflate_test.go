package evdeflate_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evdeflate"
)

func newDeflater(t testing.TB, cfg evdeflate.DeflateConfig) *evdeflate.Deflater {
	t.Helper()
	d, err := evdeflate.NewDeflater(&cfg)
	ok(t, err)
	return d
}

// deflate compresses data in pieces, with flushes in between if there are any, and then the
// end.
func deflate(t testing.TB, d *evdeflate.Deflater, data []byte, cut cutter, flush func() evdeflate.Flush, end evdeflate.Flush) []byte {
	t.Helper()
	var src, dst evbuffer.Buffer
	for {
		piece, limit := cut()
		how := flush()
		if !d.Pending() && src.Len() == 0 {
			n := min(piece, len(data))
			ok(t, src.Add(data[:n]))
			data = data[n:]
		}
		if len(data) == 0 {
			how = end
		}
		had := dst.Len()
		ok(t, d.Deflate(&src, &dst, limit, how))
		if limit >= 0 && dst.Len()-had > limit {
			t.Fatalf("got %d bytes, the limit was %d", dst.Len()-had, limit)
		}
		if len(data) == 0 && src.Len() == 0 && !d.Pending() {
			break
		}
	}
	p, err := io.ReadAll(&dst)
	ok(t, err)
	return p
}

func never() evdeflate.Flush { return evdeflate.NoFlush }

func sometimes(seed uint64) func() evdeflate.Flush {
	r := rand.New(rand.NewPCG(seed, 11))
	return func() evdeflate.Flush { return evdeflate.Flush(r.IntN(2)) }
}

// unpack inflates with the standard library.
func unpack(t testing.TB, f evdeflate.Format, p []byte) []byte {
	t.Helper()
	var r io.Reader
	var err error
	in := bytes.NewReader(p)
	switch f {
	case evdeflate.Raw:
		r = flate.NewReader(in)
	case evdeflate.Zlib:
		r, err = zlib.NewReader(in)
	default:
		r, err = gzip.NewReader(in)
	}
	ok(t, err)
	out, err := io.ReadAll(r)
	ok(t, err)
	if in.Len() > 0 {
		t.Fatalf("%d bytes follow", in.Len())
	}
	return out
}

// TestDeflate has the standard library, and ourselves with a window of the same size, inflate
// what becomes of data.
func TestDeflate(t *testing.T) {
	for name, data := range texts() {
		for _, cfg := range []evdeflate.DeflateConfig{
			{}, {Format: evdeflate.Zlib}, {Format: evdeflate.Gzip}, {Level: 1}, {Level: 9}, {Level: evdeflate.HuffmanOnly},
			{Level: evdeflate.Stored}, {WindowBits: 9}, {WindowBits: 12, Format: evdeflate.Zlib}, {Context: 1000},
			{WindowBits: 10, Context: 1 << 10}, {WindowBits: 15, Level: 6, Context: 1 << 15}, {Level: evdeflate.HuffmanOnly, WindowBits: 9, Format: evdeflate.Zlib},
		} {
			t.Run(fmt.Sprintf("%s/%+v", name, cfg), func(t *testing.T) {
				d := newDeflater(t, cfg)
				in := newInflater(t, evdeflate.InflateConfig{Format: cfg.Format, WindowBits: cfg.WindowBits, MaxRatio: -1})
				for i, cut := range []cutter{whole, random(8)} {
					for j, flush := range []func() evdeflate.Flush{never, sometimes(9)} {
						p := deflate(t, d, data, cut, flush, evdeflate.Finish)
						if !bytes.Equal(unpack(t, cfg.Format, p), data) {
							t.Fatalf("cut %d, flush %d: other data", i, j)
						}
						out, rest, _ := inflate(t, in, p, random(10))
						ok(t, in.Finish())
						if !bytes.Equal(out, data) || len(rest) > 0 {
							t.Fatalf("cut %d, flush %d: other data for us", i, j)
						}
						d.Reset()
						in.Reset()
					}
				}
			})
		}
	}
}

// TestFlushesGiveEverything looks at what can be inflated after each flush.
func TestFlushesGiveEverything(t *testing.T) {
	for _, cfg := range []evdeflate.DeflateConfig{{}, {Format: evdeflate.Gzip}, {Context: 4096}, {WindowBits: 9, Context: 512}} {
		d := newDeflater(t, cfg)
		in := newInflater(t, evdeflate.InflateConfig{Format: cfg.Format, WindowBits: cfg.WindowBits})
		var src, packed, out evbuffer.Buffer
		for i := range 100 {
			message := fmt.Sprintf("message %d, which is like others", i)
			ok(t, src.AddString(message))
			ok(t, d.Deflate(&src, &packed, -1, evdeflate.SyncFlush))
			ok(t, d.Deflate(&src, &packed, -1, evdeflate.SyncFlush)) // does nothing
			if cfg.Context >= len(message) && i > 0 && packed.Len() > 25 {
				t.Errorf("message %d has %d bytes, as if the context was lost", i, packed.Len())
			}
			ok(t, in.Inflate(&packed, &out, -1))
			got, err := io.ReadAll(&out)
			ok(t, err)
			if string(got) != message {
				t.Fatalf("%q became %q", message, got)
			}
		}
		ok(t, d.Deflate(&src, &packed, -1, evdeflate.Finish))
		ok(t, d.Deflate(&src, &packed, -1, evdeflate.Finish)) // does nothing
		if err := in.Inflate(&packed, &out, -1); err != io.EOF && cfg.Format != evdeflate.Gzip || out.Len() > 0 {
			t.Errorf("at the end %v, %d bytes", err, out.Len())
		}
		ok(t, in.Finish())
		ok(t, src.AddString("x"))
		if err := d.Deflate(&src, &packed, -1, evdeflate.NoFlush); !errors.Is(err, evdeflate.ErrFinished) {
			t.Error(err)
		}
	}
}

// TestMessages are those of permessage-deflate, with context takeover and without.
func TestMessages(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		cfg := evdeflate.DeflateConfig{WindowBits: 10}
		if takeover {
			cfg.Context = 1 << 10
		}
		d, in := newDeflater(t, cfg), newInflater(t, evdeflate.InflateConfig{WindowBits: 10})
		var src, packed, out evbuffer.Buffer
		for i, message := range []string{"Hello", "", "Hello", strings.Repeat("a long one ", 10000), "Hello", ""} {
			ok(t, src.AddString(message))
			ok(t, d.Deflate(&src, &packed, -1, evdeflate.MessageFlush))
			if message == "" && packed.Len() != 1 {
				t.Errorf("an empty message has %d bytes", packed.Len())
			}
			ok(t, in.Inflate(&packed, &out, -1))
			ok(t, in.FlushTail(&out, -1))
			if !takeover {
				d.Reset()
				in.Reset()
			}
			got, err := io.ReadAll(&out)
			ok(t, err)
			if string(got) != message {
				t.Fatalf("message %d became %.20q", i, got)
			}
		}
	}
}

// TestMessagesOfTheRFC inflates the examples of RFC 7692, sections 7.2.3.1 to 7.2.3.5, one
// after the other, among them one with a block that says it is the last one.
func TestMessagesOfTheRFC(t *testing.T) {
	for name, cut := range map[string]cutter{"whole": whole, "bytes": bytewise} {
		in := newInflater(t, evdeflate.InflateConfig{Messages: true})
		for i, message := range []string{
			"\xf2\x48\xcd\xc9\xc9\x07\x00",
			"\xf2\x00\x11\x00\x00",
			"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
			"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
			"\xf2\x00\x11\x00\x00", // refers to what was before the last block
			"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
		} {
			got, rest, err := inflate(t, in, []byte(message), cut)
			var out evbuffer.Buffer
			ok(t, errors.Join(err, in.FlushTail(&out, 0), in.Finish()))
			if string(got) != "Hello" || len(rest) > 0 || out.Len() > 0 {
				t.Errorf("%s: message %d became %q, and %d more", name, i, got, out.Len())
			}
		}
	}
	if _, err := evdeflate.NewInflater(&evdeflate.InflateConfig{Format: evdeflate.Gzip, Messages: true}); !errors.Is(err, evdeflate.ErrConfig) {
		t.Error(err)
	}
}

// TestMessagesWithoutEnd are corrupt: the four bytes of a flush become something else.
func TestMessagesWithoutEnd(t *testing.T) {
	in := newInflater(t, evdeflate.InflateConfig{Messages: true})
	var src, out evbuffer.Buffer
	ok(t, src.AddString("\xf2\x48\xcd\xc9\xc9\x07")) // no end of a block
	ok(t, in.Inflate(&src, &out, -1))
	ok(t, in.FlushTail(&out, -1))
	ok(t, src.AddString("\xf2"))
	if err := in.Inflate(&src, &out, -1); !errors.Is(err, evdeflate.ErrCorrupt) {
		t.Errorf("got %v, after %d bytes", err, out.Len())
	}
}

// TestMessagesThatDoNotFit are given in pieces, and end once.
func TestMessagesThatDoNotFit(t *testing.T) {
	d, in := newDeflater(t, evdeflate.DeflateConfig{Context: 1 << 12}), newInflater(t, evdeflate.InflateConfig{Messages: true})
	for i, message := range []string{"", "Hello", string(texts()["noise"]), "", string(texts()["words"])} {
		packed := deflate(t, d, []byte(message), random(uint64(i)), never, evdeflate.MessageFlush)
		if len(packed) > len(message)+len(message)/100+10 {
			t.Errorf("message %d became %d bytes", i, len(packed))
		}
		got, rest, err := inflate(t, in, packed, random(uint64(i)))
		var out evbuffer.Buffer
		ok(t, errors.Join(err, in.FlushTail(&out, 0)))
		if string(got) != message || len(rest) > 0 {
			t.Errorf("message %d: %d bytes became %d", i, len(message), len(got))
		}
	}
}

func TestDeflateConfigsThatCannotBeUsed(t *testing.T) {
	for name, cfg := range map[string]evdeflate.DeflateConfig{
		"format": {Format: 3}, "level": {Level: 10}, "level below": {Level: -1}, "window": {WindowBits: 8}, "larger window": {WindowBits: 16},
		"context": {Context: -1}, "context beyond the window": {WindowBits: 9, Context: 513},
	} {
		if _, err := evdeflate.NewDeflater(&cfg); !errors.Is(err, evdeflate.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := evdeflate.NewDeflater(nil); err != nil {
		t.Error(err)
	}
}

// TestErrorsOfBuffers end a stream until Reset.
func TestErrorsOfBuffers(t *testing.T) {
	var src, dst evbuffer.Buffer
	ok(t, src.AddString("text"))
	ok(t, src.Freeze(evbuffer.Front))
	d := newDeflater(t, evdeflate.DeflateConfig{})
	err := d.Deflate(&src, &dst, -1, evdeflate.Finish)
	if !errors.Is(err, evbuffer.ErrFrozen) {
		t.Fatal(err)
	}
	if again := d.Deflate(&src, &dst, -1, evdeflate.Finish); again != err {
		t.Error(again)
	}
	d.Reset()
	ok(t, src.Unfreeze(evbuffer.Front))
	ok(t, d.Deflate(&src, &dst, -1, evdeflate.Finish))
	in := newInflater(t, evdeflate.InflateConfig{})
	var out evbuffer.Buffer
	ok(t, out.Freeze(evbuffer.Back))
	if err := in.Inflate(&dst, &out, -1); !errors.Is(err, evbuffer.ErrFrozen) {
		t.Error(err)
	}
}
