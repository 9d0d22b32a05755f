package evdeflate_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evdeflate"
)

// texts are data of several kinds, by what they are.
func texts() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	words := new(bytes.Buffer)
	for words.Len() < 100000 {
		words.WriteString([]string{"libevent ", "buffer ", "event ", "loop ", "\n", "stream of bytes ", string(noise[r.IntN(9000):][:r.IntN(9)])}[r.IntN(7)])
	}
	far := append(append(bytes.Clone(noise[:32768-3]), noise[:40]...), noise...) // a match as far back as possible
	return map[string][]byte{
		"nothing": nil, "a byte": {0}, "two": []byte("ab"), "hello": []byte("hello hello hello hello"),
		"zeros": make([]byte, 1<<18), "noise": noise, "words": words.Bytes(), "far": far,
	}
}

// pack compresses data with the standard library, at one of its levels.
func pack(t testing.TB, f evdeflate.Format, level int, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w interface {
		io.WriteCloser
		Flush() error
	}
	var err error
	switch f {
	case evdeflate.Raw:
		w, err = flate.NewWriter(&out, level)
	case evdeflate.Zlib:
		w, err = zlib.NewWriterLevel(&out, level)
	default:
		w, err = gzip.NewWriterLevel(&out, level)
	}
	if err != nil {
		t.Fatal(err)
	}
	half := len(data) / 2
	_, err = w.Write(data[:half])
	err = errors.Join(err, w.Flush())
	_, err2 := w.Write(data[half:])
	if err = errors.Join(err, err2, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A cutter says how long the next piece is, and the next limit; negative is none.
type cutter func() (piece, limit int)

func whole() (piece, limit int) { return 1 << 30, -1 }

func bytewise() (piece, limit int) { return 1, 1 }

func random(seed uint64) cutter {
	r := rand.New(rand.NewPCG(seed, 7))
	return func() (int, int) {
		piece, limit := 1<<r.IntN(14), 1<<r.IntN(15)
		if r.IntN(4) == 0 {
			limit = -1
		}
		return 1 + r.IntN(piece), limit
	}
}

// inflate inflates data in pieces, and returns what comes out, what is left, and the last
// error: io.EOF at the end of the stream, nil if that has not come.
func inflate(t testing.TB, d *evdeflate.Inflater, in []byte, cut cutter) (out, rest []byte, err error) {
	t.Helper()
	var src, dst evbuffer.Buffer
	for {
		piece, limit := cut()
		if !d.Pending() {
			if len(in) == 0 {
				break
			}
			n := min(piece, len(in))
			ok(t, src.Add(in[:n]))
			in = in[n:]
		}
		had := dst.Len()
		if err = d.Inflate(&src, &dst, limit); err != nil {
			break
		}
		if limit >= 0 && dst.Len()-had > limit {
			t.Fatalf("got %d bytes, the limit was %d", dst.Len()-had, limit)
		}
		if src.Len() > 0 && !d.Pending() {
			t.Fatalf("%d bytes are left", src.Len())
		}
	}
	left, err2 := io.ReadAll(&src)
	ok(t, err2)
	got, err2 := io.ReadAll(&dst)
	ok(t, err2)
	return got, append(left, in...), err
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newInflater(t testing.TB, cfg evdeflate.InflateConfig) *evdeflate.Inflater {
	t.Helper()
	d, err := evdeflate.NewInflater(&cfg)
	ok(t, err)
	return d
}

var formats = []evdeflate.Format{evdeflate.Raw, evdeflate.Zlib, evdeflate.Gzip}

// TestInflate inflates what the standard library has made, however it is cut.
func TestInflate(t *testing.T) {
	for name, data := range texts() {
		for _, f := range formats {
			d := newInflater(t, evdeflate.InflateConfig{Format: f, MaxRatio: -1})
			for _, level := range []int{flate.HuffmanOnly, 0, 1, 5, 9} {
				packed := pack(t, f, level, data)
				cuts := []cutter{whole, random(1), random(2)}
				if len(data) < 1000 {
					cuts = append(cuts, bytewise)
				}
				for i, cut := range cuts {
					d.Reset()
					out, rest, err := inflate(t, d, append(bytes.Clone(packed), "rest"[:4*min(1, int(2-f))]...), cut)
					wantErr, wantRest := io.EOF, "rest"
					if f == evdeflate.Gzip {
						wantErr, wantRest = nil, ""
					}
					if !bytes.Equal(out, data) || string(rest) != wantRest || err != wantErr {
						t.Fatalf("%s, %v, level %d, cut %d: %d bytes of %d, rest %q, error %v", name, f, level, i, len(out), len(data), rest, err)
					}
					ok(t, d.Finish())
					if in, gave := d.Total(); in != int64(len(packed)) || gave != int64(len(data)) {
						t.Fatalf("%s: totals %d and %d", name, in, gave)
					}
				}
			}
		}
	}
}

// TestMembersOfGzip are one stream.
func TestMembersOfGzip(t *testing.T) {
	var packed []byte
	for _, s := range []string{"one ", "", "two ", strings.Repeat("three ", 10000)} {
		packed = append(packed, pack(t, evdeflate.Gzip, 6, []byte(s))...)
	}
	packed = append(packed, 0, 0, 0)
	want := "one two " + strings.Repeat("three ", 10000)
	for _, cut := range []cutter{whole, bytewise, random(3)} {
		d := newInflater(t, evdeflate.InflateConfig{Format: evdeflate.Gzip})
		out, _, err := inflate(t, d, packed, cut)
		ok(t, err)
		ok(t, d.Finish())
		if string(out) != want {
			t.Errorf("got %d bytes of %d", len(out), len(want))
		}
	}
}

// TestHeadersOfGzip has all that may be in one.
func TestHeadersOfGzip(t *testing.T) {
	body := pack(t, evdeflate.Gzip, 6, []byte("text"))[10:]
	head := "\x1f\x8b\x08\x1f\x01\x02\x03\x04\x00\x03" + "\x03\x00abc" + "name\x00" + "comment\x00"
	sum := crc16(head)
	for name, test := range map[string]struct {
		head string
		want error
	}{
		"all":             {head + sum, nil},
		"wrong sum, low":  {head + string([]byte{sum[0] ^ 1, sum[1]}), evdeflate.ErrChecksum},
		"wrong sum, high": {head + string([]byte{sum[0], sum[1] ^ 1}), evdeflate.ErrChecksum},
		"extra is empty":  {"\x1f\x8b\x08\x04\x01\x02\x03\x04\x00\x03\x00\x00", nil},
		"name only":       {"\x1f\x8b\x08\x08\x01\x02\x03\x04\x00\x03a\x00", nil},
		"comment only":    {"\x1f\x8b\x08\x10\x01\x02\x03\x04\x00\x03\x00", nil},
		"no gzip":         {"\x1f\x8c\x08\x00\x01\x02\x03\x04\x00\x03", evdeflate.ErrCorrupt},
		"another method":  {"\x1f\x8b\x07\x00\x01\x02\x03\x04\x00\x03", evdeflate.ErrCorrupt},
		"unknown flags":   {"\x1f\x8b\x08\x20\x01\x02\x03\x04\x00\x03", evdeflate.ErrCorrupt},
		"a name for ever": {"\x1f\x8b\x08\x08\x01\x02\x03\x04\x00\x03" + strings.Repeat("a", 1<<17), evdeflate.ErrCorrupt},
	} {
		for _, cut := range []cutter{whole, bytewise} {
			d := newInflater(t, evdeflate.InflateConfig{Format: evdeflate.Gzip})
			out, _, err := inflate(t, d, append([]byte(test.head), body...), cut)
			if !errors.Is(err, test.want) || err == nil && string(out) != "text" {
				t.Errorf("%s: got %q, error %v", name, out, err)
			}
		}
	}
}

// crc16 is the sum of a header: the lower half of its CRC-32.
func crc16(s string) string {
	crc := ^uint32(0)
	for _, b := range []byte(s) {
		crc ^= uint32(b)
		for range 8 {
			crc = crc>>1 ^ 0xedb88320*(crc&1)
		}
	}
	return string([]byte{byte(^crc), byte(^crc >> 8)})
}

// TestCorruptData ends with the reason.
func TestCorruptData(t *testing.T) {
	zlibbed, gzipped := string(pack(t, evdeflate.Zlib, 6, []byte("hello"))), string(pack(t, evdeflate.Gzip, 6, []byte("hello")))
	flip := func(s string, i int) string {
		b := []byte(s)
		b[(i+len(b))%len(b)] ^= 1
		return string(b)
	}
	for name, test := range map[string]struct {
		format evdeflate.Format
		in     string
		want   error
		says   string
	}{
		"kind 3":                       {evdeflate.Raw, "\x07", evdeflate.ErrCorrupt, "evdeflate: inflate: corrupt data: unknown kind of block"},
		"stored length":                {evdeflate.Raw, "\x01\x05\x00\xfa\xfe", evdeflate.ErrCorrupt, "length of a stored block"},
		"distance too far":             {evdeflate.Raw, "\x03\x02\x00\x00\x00\x00\x00", evdeflate.ErrCorrupt, "a match before the beginning"},
		"code 286":                     {evdeflate.Raw, "\x1b\x03\x00\x00\x00\x00\x00", evdeflate.ErrCorrupt, "unknown code"},
		"287 lengths":                  {evdeflate.Raw, "\xfd\x00\x00\x00", evdeflate.ErrCorrupt, "number of codes"},
		"31 distances":                 {evdeflate.Raw, "\x05\x1f\x00\x00\x00", evdeflate.ErrCorrupt, "number of codes"},
		"too many codes for lengths":   {evdeflate.Raw, "\x05\x00\x92\x04\x00\x00\x00\x00\x00\x00\x00", evdeflate.ErrCorrupt, "lengths of codes for lengths"},
		"zlib: no header":              {evdeflate.Zlib, "\x78\x9d", evdeflate.ErrCorrupt, "no header of zlib"},
		"zlib: another method":         {evdeflate.Zlib, "\x77\x1b", evdeflate.ErrCorrupt, "no header of zlib"},
		"zlib: window of 64 kB":        {evdeflate.Zlib, "\x88\x1c", evdeflate.ErrCorrupt, "no header of zlib"},
		"zlib: dictionary":             {evdeflate.Zlib, "\x78\xbb", evdeflate.ErrDictionary, "preset dictionary"},
		"zlib: sum":                    {evdeflate.Zlib, flip(zlibbed, -1), evdeflate.ErrChecksum, "wrong checksum"},
		"gzip: sum":                    {evdeflate.Gzip, flip(gzipped, -5), evdeflate.ErrChecksum, "wrong checksum"},
		"gzip: length":                 {evdeflate.Gzip, flip(gzipped, -1), evdeflate.ErrChecksum, "wrong checksum"},
		"gzip: something after zeros":  {evdeflate.Gzip, gzipped + "\x00" + gzipped, evdeflate.ErrCorrupt, "something follows zeros"},
		"gzip: something else follows": {evdeflate.Gzip, gzipped + "text", evdeflate.ErrCorrupt, "no header of gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, cut := range []cutter{whole, bytewise} {
				d := newInflater(t, evdeflate.InflateConfig{Format: test.format})
				_, _, err := inflate(t, d, []byte(test.in), cut)
				if !errors.Is(err, test.want) || !strings.HasSuffix(err.Error(), test.says) {
					t.Fatalf("error %v", err)
				}
				if again := d.Inflate(new(evbuffer.Buffer), new(evbuffer.Buffer), -1); again != err {
					t.Errorf("then %v", again)
				}
				if err := d.Finish(); !errors.Is(err, test.want) {
					t.Errorf("finish: %v", err)
				}
			}
		})
	}
}

// TestDataThatEndEarly are known by Finish only, at each byte.
func TestDataThatEndEarly(t *testing.T) {
	for _, f := range formats {
		packed := pack(t, f, 6, []byte("some text, and some text"))
		for i := range packed {
			d := newInflater(t, evdeflate.InflateConfig{Format: f})
			if _, _, err := inflate(t, d, packed[:i], whole); err != nil {
				t.Fatalf("%v, %d bytes: %v", f, i, err)
			}
			if err := d.Finish(); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v, %d bytes: finish: %v", f, i, err)
			}
		}
	}
}

// TestLimits ends bombs, and nothing that is as large as allowed.
func TestLimits(t *testing.T) {
	data := make([]byte, 3<<20)
	packed := pack(t, evdeflate.Raw, 9, data)
	for name, test := range map[string]struct {
		cfg  evdeflate.InflateConfig
		most int // of what comes out
		want error
	}{
		"size":                   {evdeflate.InflateConfig{MaxSize: 1000}, 1000, evdeflate.ErrTooLarge},
		"size, one byte less":    {evdeflate.InflateConfig{MaxSize: int64(len(data)) - 1, MaxRatio: -1}, len(data) - 1, evdeflate.ErrTooLarge},
		"exactly the size":       {evdeflate.InflateConfig{MaxSize: int64(len(data)), MaxRatio: -1}, len(data), io.EOF},
		"ratio":                  {evdeflate.InflateConfig{}, 1<<20 + 1<<15, evdeflate.ErrTooLarge},
		"ratio and slack":        {evdeflate.InflateConfig{MaxRatio: 10, RatioSlack: 100000}, 100000 + 1<<15, evdeflate.ErrTooLarge},
		"slack for all of it":    {evdeflate.InflateConfig{MaxRatio: 1, RatioSlack: int64(len(data))}, len(data), io.EOF},
		"as much as is possible": {evdeflate.InflateConfig{MaxRatio: 1032}, len(data), io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			for _, cut := range []cutter{whole, random(4)} {
				d := newInflater(t, test.cfg)
				out, _, err := inflate(t, d, packed, cut)
				if !errors.Is(err, test.want) || len(out) > test.most {
					t.Errorf("%d bytes, error %v", len(out), err)
				}
			}
		})
	}
}

// TestWindows refuses matches that refer too far back.
func TestWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for bits := 9; bits <= 15; bits++ {
		part := make([]byte, 1<<bits)
		for i := range part {
			part[i] = byte(r.Uint32())
		}
		for _, distance := range []int{1<<bits - 20, 1 << bits, 1<<bits + 1} {
			if distance > 1<<15 {
				continue
			}
			data := append(append(make([]byte, 0, 3*distance), part[:min(distance, len(part))]...), make([]byte, max(0, distance-len(part)))...)
			data = append(data, data[:30]...)
			packed := stored(data[:distance])
			packed = append(packed, matchBlock(distance)...)
			d := newInflater(t, evdeflate.InflateConfig{WindowBits: bits})
			out, _, err := inflate(t, d, packed, random(uint64(bits)))
			if distance > 1<<bits {
				if !errors.Is(err, evdeflate.ErrCorrupt) {
					t.Errorf("%d bits, distance %d: %v", bits, distance, err)
				}
				continue
			}
			if err != io.EOF || !bytes.Equal(out, append(bytes.Clone(data[:distance]), data[:10]...)) {
				t.Errorf("%d bits, distance %d: %d bytes, error %v", bits, distance, len(out), err)
			}
		}
	}
}

// stored makes a stored block that is not the last one.
func stored(p []byte) []byte {
	n := len(p)
	if n > 65535 {
		panic("long")
	}
	return append([]byte{0, byte(n), byte(n >> 8), ^byte(n), ^byte(n >> 8)}, p...)
}

// matchBlock makes a last block with the fixed codes, of a match of ten bytes.
func matchBlock(distance int) []byte {
	var bits uint64
	n := uint(0)
	add := func(v uint64, count uint) { bits |= v << n; n += count }
	code := func(v uint64, count uint) { // codes begin with their highest bit
		for i := int(count) - 1; i >= 0; i-- {
			add(v>>uint(i)&1, 1)
		}
	}
	add(1, 1)
	add(1, 2)
	code(264-256, 7)
	symbol, least, extra := 0, 1, uint(0)
	for s := 0; s < 30; s++ {
		e := uint(max(0, s/2-1))
		if distance < least+1<<e {
			symbol, extra = s, e
			break
		}
		least += 1 << e
	}
	code(uint64(symbol), 5)
	add(uint64(distance-least), extra)
	code(0, 7)
	out := []byte{}
	for ; n > 0; n -= min(n, 8) {
		out = append(out, byte(bits))
		bits >>= 8
	}
	return out
}

func TestConfigsThatCannotBeUsed(t *testing.T) {
	for name, cfg := range map[string]evdeflate.InflateConfig{
		"format": {Format: 3}, "window": {WindowBits: 8}, "larger window": {WindowBits: 16}, "size": {MaxSize: -1},
	} {
		if _, err := evdeflate.NewInflater(&cfg); !errors.Is(err, evdeflate.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := evdeflate.NewInflater(nil); err != nil {
		t.Error(err)
	}
}
