package evdeflate_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"testing"

	"github.com/go-libevent/libevent/extra/evdeflate"
)

// FuzzInflate compares with the standard library, and what comes at once with what comes in
// pieces.
func FuzzInflate(f *testing.F) {
	for _, data := range texts() {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			f.Add(pack(f, evdeflate.Raw, level, data[:min(len(data), 3000)]), uint64(level), uint8(0))
		}
	}
	f.Add(pack(f, evdeflate.Zlib, 6, []byte("text")), uint64(1), uint8(1))
	f.Add(pack(f, evdeflate.Gzip, 6, []byte("text")), uint64(1), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, seed uint64, format uint8) {
		cfg := evdeflate.InflateConfig{Format: evdeflate.Format(format % 3), MaxSize: 1 << 20}
		d := newInflater(t, cfg)
		out, rest, err := inflate(t, d, bytes.Clone(in), whole)
		end := d.Finish()
		d.Reset()
		out2, rest2, err2 := inflate(t, d, bytes.Clone(in), random(seed))
		end2 := d.Finish()
		if text(err) != text(err2) || text(end) != text(end2) {
			t.Fatalf("at once %v and %v, in pieces %v and %v", err, end, err2, end2)
		}
		if end == nil && (!bytes.Equal(out, out2) || !bytes.Equal(rest, rest2)) {
			t.Fatalf("at once %d bytes, rest %d, in pieces %d, rest %d", len(out), len(rest), len(out2), len(rest2))
		}
		if cfg.Format == evdeflate.Raw && !errors.Is(err, evdeflate.ErrTooLarge) {
			likeFlate(t, in, out, rest, end)
		}
	})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// likeFlate compares with compress/flate.
func likeFlate(t *testing.T, in, out, rest []byte, err error) {
	t.Helper()
	r := bytes.NewReader(in)
	want, wantErr := io.ReadAll(flate.NewReader(r))
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("error %v, compress/flate has %v", err, wantErr)
	}
	if err == nil && (!bytes.Equal(out, want) || len(rest) != r.Len()) {
		t.Fatalf("%d bytes, rest %d, compress/flate has %d and %d", len(out), len(rest), len(want), r.Len())
	}
}
