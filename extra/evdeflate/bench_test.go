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

// BenchmarkMessages compresses messages, and inflates them, one after the other, without a
// context that is kept and with one.
func BenchmarkMessages(b *testing.B) {
	message := bytes.Repeat([]byte(`{"symbol":"text","price":12.5,"size":100}`), 3)
	for name, context := range map[string]int{"alone": 0, "context 4k": 4 << 10} {
		b.Run(name, func(b *testing.B) {
			d := newDeflater(b, evdeflate.DeflateConfig{Level: 1, Context: context})
			in := newInflater(b, evdeflate.InflateConfig{Messages: true, MaxRatio: -1})
			var src, packed, out evbuffer.Buffer
			size := 0
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for b.Loop() {
				ok(b, src.Add(message))
				ok(b, d.Deflate(&src, &packed, -1, evdeflate.MessageFlush))
				size = packed.Len()
				ok(b, in.Inflate(&packed, &out, -1))
				ok(b, in.FlushTail(&out, -1))
				if out.Len() != len(message) {
					b.Fatal(out.Len())
				}
				ok(b, out.Drain(out.Len()))
			}
			b.ReportMetric(float64(size), "B/message")
		})
	}
}
