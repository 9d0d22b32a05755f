package messages_test

import (
	"math/rand/v2"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/rpc/internal/messages"
)

// all returns a message in which all is set.
func all() *messages.Everything {
	r := rand.New(rand.NewPCG(1, 1))
	part := func() *messages.Part {
		m := new(messages.Part)
		m.SetName("a part")
		m.SetContent([]byte("its content"))
		m.SetReset_(1 << 40)
		return m
	}
	m := new(messages.Everything)
	m.SetNumber(r.Uint32())
	m.SetLarge(r.Uint64())
	m.SetText("a text of some length")
	m.SetKey([messages.KeySize]byte{1, 2, 3})
	m.SetData(make([]byte, 100))
	m.SetOne(part())
	m.SetMaybeNumber(7)
	m.SetMaybeLarge(1 << 33)
	m.SetMaybeText("another text")
	m.SetMaybeKey([3]byte{1, 2, 3})
	m.SetMaybeData(make([]byte, 10))
	m.SetMaybeOne(part())
	for i := range uint32(4) {
		m.AddNumbers(i * 1000)
		m.AddLarges(uint64(i) << 40)
		m.AddTexts("one of texts")
	}
	m.AddParts(part())
	m.AddParts(part())
	return m
}

func BenchmarkMarshal(b *testing.B) {
	m := all()
	out := evbuffer.New()
	b.SetBytes(int64(m.RecordsSize()))
	b.ReportAllocs()
	for b.Loop() {
		ok(b, m.AppendTo(out))
		ok(b, out.Drain(out.Len()))
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	p := encode(b, all())
	in := evbuffer.New()
	m := new(messages.Everything)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		ok(b, in.Add(p))
		ok(b, m.Unmarshal(in))
	}
}

// BenchmarkC measures the code that C's generator writes, with the same message.
func BenchmarkC(b *testing.B) {
	d := startDriver(b)
	p := encode(b, all())
	var marshal, unmarshal uint32
	for b.Loop() {
		d.send(b, 'b', p)
		marshal, unmarshal = d.read32(b), d.read32(b)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(marshal), "ns/marshal")
	b.ReportMetric(float64(unmarshal), "ns/unmarshal")
}
