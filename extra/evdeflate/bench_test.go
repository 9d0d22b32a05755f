package evdeflate_test

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"

	kflate "github.com/klauspost/compress/flate"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evdeflate"
)

// BenchmarkInflate inflates one stream after the other, beside the readers of the standard
// library and of klauspost/compress.
func BenchmarkInflate(b *testing.B) {
	for _, kind := range []string{"words", "noise", "zeros", "hello"} {
		data := texts()[kind]
		packed := pack(b, evdeflate.Raw, 6, data)
		b.Run(kind+"/evdeflate", func(b *testing.B) {
			d := newInflater(b, evdeflate.InflateConfig{MaxRatio: -1})
			var src, dst evbuffer.Buffer
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				d.Reset()
				ok(b, src.AddReference(packed, nil))
				if err := d.Inflate(&src, &dst, -1); err != io.EOF || dst.Len() != len(data) {
					b.Fatal(err, dst.Len())
				}
				ok(b, dst.Drain(dst.Len()))
			}
		})
		for name, r := range map[string]io.Reader{"compress-flate": flate.NewReader(nil), "klauspost": kflate.NewReader(nil)} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				in := bytes.NewReader(nil)
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					in.Reset(packed)
					ok(b, r.(flate.Resetter).Reset(in, nil))
					if n, err := io.Copy(io.Discard, r); err != nil || n != int64(len(data)) {
						b.Fatal(err, n)
					}
				}
			})
		}
	}
}
