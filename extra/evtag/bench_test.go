package evtag_test

import (
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
)

// steps are what programs do again and again. Each leaves its buffer empty.
var steps = []struct {
	name string
	do   func(b, other *evbuffer.Buffer) error
}{
	{"int", func(b, _ *evbuffer.Buffer) error {
		if err := evtag.MarshalInt(b, 1, 123456); err != nil {
			return err
		}
		_, err := evtag.UnmarshalInt(b, 1)
		return err
	}},
	{"int64", func(b, _ *evbuffer.Buffer) error {
		if err := evtag.MarshalInt64(b, 1, 1<<60); err != nil {
			return err
		}
		_, err := evtag.UnmarshalInt64(b, 1)
		return err
	}},
	{"timeval", func(b, _ *evbuffer.Buffer) error {
		if err := evtag.MarshalTimeval(b, 1, evtag.Timeval{Sec: 1 << 30, Usec: 999999}); err != nil {
			return err
		}
		_, err := evtag.UnmarshalTimeval(b, 1)
		return err
	}},
	{"fixed", func(b, _ *evbuffer.Buffer) error {
		if err := evtag.MarshalString(b, 1, name); err != nil {
			return err
		}
		return evtag.UnmarshalFixed(b, 1, fixed[:])
	}},
	{"buffer of 16 kB", func(b, other *evbuffer.Buffer) error {
		if err := evtag.MarshalString(b, 1, page); err != nil {
			return err
		}
		if _, _, err := evtag.Unmarshal(b, other); err != nil {
			return err
		}
		if err := evtag.MarshalBuffer(b, 1, other); err != nil {
			return err
		}
		return evtag.Consume(b)
	}},
	{"message", func(b, _ *evbuffer.Buffer) error { return message(b) }},
}

var (
	name    = strings.Repeat("n", 20)
	page    = strings.Repeat("p", 16<<10)
	fixed   [20]byte
	scratch = make([]byte, 0, 100)
)

// message writes and reads a message with a record in a record.
func message(b *evbuffer.Buffer) error {
	inner := evtag.SizeRecord(1, evtag.SizeInt(77)) + evtag.SizeRecord(2, len(name))
	if err := evtag.MarshalHeader(b, 3, inner); err != nil {
		return err
	}
	if err := evtag.MarshalInt(b, 1, 77); err != nil {
		return err
	}
	if err := evtag.MarshalString(b, 2, name); err != nil {
		return err
	}
	r := evtag.NewReader(b)
	in, err := r.Nested(3)
	if err != nil {
		return err
	}
	if _, err := in.Int(1); err != nil {
		return err
	}
	if _, err := in.AppendBytes(scratch[:0], 2); err != nil {
		return err
	}
	return r.Drain()
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	var b, other evbuffer.Buffer
	for _, s := range steps {
		if n := testing.AllocsPerRun(1000, func() { ok(t, s.do(&b, &other)) }); n > 0 {
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
}

// BenchmarkWriteAndRead writes a record or message, and reads it.
func BenchmarkWriteAndRead(b *testing.B) {
	for _, s := range steps {
		b.Run(s.name, func(b *testing.B) {
			var buffer, other evbuffer.Buffer
			b.ReportAllocs()
			for b.Loop() {
				ok(b, s.do(&buffer, &other))
			}
		})
	}
}
