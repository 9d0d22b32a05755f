package evfilter_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/extra/evdeflate"
	"github.com/go-libevent/libevent/extra/evfilter"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An end is a stream, with what has come out of it.
type end struct {
	t    testing.TB
	b    *bufferevent.Bufferevent
	text bytes.Buffer
	what bufferevent.Events // what has happened
	err  error
}

// watch begins to read.
func watch(t testing.TB, b *bufferevent.Bufferevent) *end {
	t.Helper()
	e := &end{t: t, b: b}
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		_, err := io.Copy(&e.text, b.Input())
		ok(t, err)
	}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) { e.what, e.err = e.what|what, b.Err() })
	ok(t, b.Enable(event.Read))
	return e
}

func (e *end) write(s string) {
	e.t.Helper()
	_, err := e.b.Write([]byte(s))
	ok(e.t, err)
}

// over compresses a stream.
func over(t testing.TB, under *bufferevent.Bufferevent, cfg *evfilter.CompressConfig) *end {
	t.Helper()
	b, err := evfilter.NewCompressed(under, cfg, bufferevent.CloseOnFree)
	ok(t, err)
	t.Cleanup(b.Free)
	return watch(t, b)
}

func configs() map[string]*evfilter.CompressConfig {
	small := evfilter.Zlib()
	small.In.WindowBits, small.Out.WindowBits, small.Out.Context = 9, 9, 512
	return map[string]*evfilter.CompressConfig{
		"gzip": evfilter.Gzip(), "zlib": evfilter.Zlib(), "deflate": evfilter.Deflate(), "small windows": small,
	}
}

// TestCompressedStreamsPassEverything has two of them talk to each other, without a flush.
func TestCompressedStreamsPassEverything(t *testing.T) {
	for name, cfg := range configs() {
		t.Run(name, func(t *testing.T) {
			base := evtest.Base(t)
			one, other := evtest.Pair(t, base)
			ends := [2]*end{over(t, one, cfg), over(t, other, cfg)}
			var sent [2]bytes.Buffer
			r := rand.New(rand.NewPCG(1, 2))
			for i := range 200 {
				from := r.IntN(2)
				message := fmt.Sprint(i, strings.Repeat("text", r.IntN(1+r.IntN(3000))))
				sent[from].WriteString(message)
				ends[from].write(message)
				if r.IntN(3) == 0 {
					evtest.Await(t, base, "all of it", func() bool { return ends[1-from].text.Len() == sent[from].Len() })
				}
			}
			for i, e := range ends {
				ok(t, e.b.CloseWrite())
				evtest.Await(t, base, "the end", func() bool { return ends[1-i].what.Outcome() == bufferevent.InputEnded })
				if !bytes.Equal(ends[1-i].text.Bytes(), sent[i].Bytes()) {
					t.Errorf("%d bytes became %d", sent[i].Len(), ends[1-i].text.Len())
				}
			}
		})
	}
}

// TestOneDirectionMayBePlain compresses what a server sends only.
func TestOneDirectionMayBePlain(t *testing.T) {
	base := evtest.Base(t)
	one, other := evtest.Pair(t, base)
	server := over(t, one, &evfilter.CompressConfig{Out: evfilter.Gzip().Out})
	client := watch(t, other)
	client.write("a request")
	evtest.Await(t, base, "the request", func() bool { return server.text.String() == "a request" })
	server.write(strings.Repeat("answer ", 1000))
	server.b.FreeWhenWritten(0)
	evtest.Await(t, base, "the end", func() bool { return client.what.Outcome() == bufferevent.InputEnded })
	r, err := gzip.NewReader(&client.text)
	ok(t, err)
	if got, err := io.ReadAll(r); err != nil || string(got) != strings.Repeat("answer ", 1000) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
}

// TestManualStreamsWaitForFlush says nothing before, and all after.
func TestManualStreamsWaitForFlush(t *testing.T) {
	base := evtest.Base(t)
	one, other := evtest.Pair(t, base)
	cfg := evfilter.Gzip()
	cfg.Manual = true
	a, b := over(t, one, cfg), over(t, other, cfg)
	a.write("hello")
	for range 10 {
		evtest.Turn(t, base)
	}
	if b.text.Len() > 0 {
		t.Errorf("got %q before the flush", &b.text)
	}
	_, err := a.b.Flush(event.Write, bufferevent.ModeFlush)
	ok(t, err)
	evtest.Await(t, base, "the text", func() bool { return b.text.String() == "hello" })
	// An end that a flush makes, and another member of gzip.
	_, err = a.b.Flush(event.Write, bufferevent.ModeFinished)
	ok(t, err)
	a.write(" again")
	_, err = a.b.Flush(event.Write, bufferevent.ModeFlush)
	ok(t, err)
	evtest.Await(t, base, "the rest", func() bool { return b.text.String() == "hello again" })
}

// packed is what the standard library makes of text.
func packed(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(text))
	ok(t, errors.Join(err, w.Close()))
	return out.String()
}

// TestFaultsOfCompressedStreams are told with their reason, after what is good.
func TestFaultsOfCompressedStreams(t *testing.T) {
	good := packed(t, "good")
	for name, test := range map[string]struct {
		in   string
		text string
		want error
	}{
		"no gzip":   {"good", "", evdeflate.ErrCorrupt},
		"cut off":   {good[:len(good)-1], "good", io.ErrUnexpectedEOF},
		"the head":  {good[:5], "", io.ErrUnexpectedEOF},
		"checksum":  {good[:len(good)-5] + "x" + good[len(good)-4:], "good", evdeflate.ErrChecksum},
		"all of it": {good, "good", io.EOF},
		"two":       {good + good, "goodgood", io.EOF},
		"nothing":   {"", "", io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			base := evtest.Base(t)
			one, other := evtest.Pair(t, base)
			e := over(t, one, evfilter.Gzip())
			peer := watch(t, other)
			peer.write(test.in)
			ok(t, other.CloseWrite())
			evtest.Await(t, base, "the end", func() bool { return e.what != 0 })
			if e.text.String() != test.text || !errors.Is(e.err, test.want) {
				t.Errorf("got %q, error %v", &e.text, e.err)
			}
		})
	}
}

// TestWhatFollowsACompressedStream is left below.
func TestWhatFollowsACompressedStream(t *testing.T) {
	base := evtest.Base(t)
	one, other := evtest.Pair(t, base)
	e := over(t, one, evfilter.Deflate())
	peer := watch(t, other)
	peer.write("\x4b\x4c\x04\x00and more") // "aa", from the standard library
	evtest.Await(t, base, "the end", func() bool { return e.what.Outcome() == bufferevent.InputEnded })
	rest, err := io.ReadAll(one.Input())
	if err != nil || e.text.String() != "aa" || string(rest) != "and more" {
		t.Errorf("got %q, left %q, error %v", &e.text, rest, err)
	}
}

// TestBombsEndAtTheirLimit with no more memory than that.
func TestBombsEndAtTheirLimit(t *testing.T) {
	base := evtest.Base(t)
	one, other := evtest.Pair(t, base)
	cfg := evfilter.Gzip()
	cfg.In.MaxSize = 100000
	e := over(t, one, cfg)
	peer := watch(t, other)
	peer.write(packed(t, strings.Repeat("\x00", 50<<20)))
	evtest.Await(t, base, "the end", func() bool { return e.what != 0 })
	if e.text.Len() != 100000 || !errors.Is(e.err, evdeflate.ErrTooLarge) {
		t.Errorf("got %d bytes, error %v", e.text.Len(), e.err)
	}
}

// TestReadersThatRestHoldABombBack bounds what is inflated by the high watermark.
func TestReadersThatRestHoldABombBack(t *testing.T) {
	base := evtest.Base(t)
	one, other := evtest.Pair(t, base)
	b, err := evfilter.NewCompressed(one, evfilter.Gzip(), bufferevent.CloseOnFree)
	ok(t, err)
	defer b.Free()
	ok(t, b.SetWatermark(event.Read, 0, 1000))
	ok(t, b.Enable(event.Read))
	peer := watch(t, other)
	peer.write(packed(t, strings.Repeat("\x00", 1<<20)))
	total := 0
	for total < 1<<20 {
		evtest.Await(t, base, "more", func() bool { return b.Input().Len() > 0 })
		if n := b.Input().Len(); n > 1000 {
			t.Fatalf("%d bytes wait", n)
		}
		total += b.Input().Len()
		ok(t, b.Input().Drain(b.Input().Len()))
	}
}

// TestPeersThatDoNotReadHoldTheWriterBack bounds what waits below.
func TestPeersThatDoNotReadHoldTheWriterBack(t *testing.T) {
	base := evtest.Base(t)
	fd, peer := evtest.Sockets(t)
	under, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	ok(t, err)
	other, err := bufferevent.NewSocket(base, peer, bufferevent.CloseOnFree)
	ok(t, err)
	defer other.Free()
	e := over(t, under, evfilter.Gzip())
	noise := make([]byte, 10000)
	r := rand.New(rand.NewPCG(3, 4))
	written := 0
	for range 3000 {
		if e.b.Output().Len() == 0 {
			for i := range noise {
				noise[i] = byte(r.Uint32())
			}
			e.write(string(noise))
			written += len(noise)
		}
		evtest.Turn(t, base)
		if n := under.Output().Len(); n > bufferevent.DefaultFilterBacklog+1<<17 {
			t.Fatalf("%d bytes wait below after %d", n, written)
		}
		if e.b.Output().Len() > 0 {
			break
		}
	}
	if e.b.Output().Len() == 0 {
		t.Fatalf("%d bytes are nowhere", written)
	}
	in, err := evdeflate.NewInflater(evfilter.Gzip().In)
	ok(t, err)
	defer in.Reset()
	got := 0
	var out evbuffer.Buffer
	other.SetCallbacks(func(b *bufferevent.Bufferevent) {
		ok(t, in.Inflate(b.Input(), &out, -1))
		got += out.Len()
		ok(t, out.Drain(out.Len()))
	}, nil, nil)
	ok(t, other.Enable(event.Read))
	evtest.Await(t, base, "all of it", func() bool { return got == written })
}

func TestCompressedStreamsOfNothing(t *testing.T) {
	base := evtest.Base(t)
	for name, cfg := range map[string]*evfilter.CompressConfig{
		"nil": nil, "neither": {}, "window": {In: &evdeflate.InflateConfig{WindowBits: 1}}, "level": {Out: &evdeflate.DeflateConfig{Level: 20}},
	} {
		one, _ := evtest.Pair(t, base)
		_, err := evfilter.NewCompressed(one, cfg, bufferevent.CloseOnFree)
		if !errors.Is(err, evfilter.ErrConfig) && !errors.Is(err, evdeflate.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := one.Write([]byte("x")); !errors.Is(err, bufferevent.ErrFreed) {
			t.Errorf("%s: the stream below is not freed: %v", name, err)
		}
	}
	if _, err := evfilter.NewCompressed(nil, evfilter.Gzip(), 0); !errors.Is(err, event.ErrNil) {
		t.Error(err)
	}
	if _, err := evfilter.NewTraced(nil, nil, 0); !errors.Is(err, evfilter.ErrConfig) {
		t.Error(err)
	}
}

// BenchmarkIdle reports what each of many streams holds that have exchanged a message and rest.
func BenchmarkIdle(b *testing.B) {
	const count = 10000
	for name, cfg := range configs() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				plain, compressed := idle(b, count, nil), idle(b, count, cfg)
				b.ReportMetric(plain, "B/pair")
				b.ReportMetric(compressed-plain, "B/compressed-pair")
			}
		})
	}
}

// idle returns how many bytes each of so many pairs of streams holds.
func idle(b *testing.B, count int, cfg *evfilter.CompressConfig) float64 {
	base := evtest.Base(b)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all []*bufferevent.Bufferevent
	done := 0
	for range count {
		one, other, err := bufferevent.NewPair(base, bufferevent.CloseOnFree)
		ok(b, err)
		if cfg != nil {
			one, err = evfilter.NewCompressed(one, cfg, bufferevent.CloseOnFree)
			ok(b, err)
			other, err = evfilter.NewCompressed(other, cfg, bufferevent.CloseOnFree)
			ok(b, err)
		}
		other.SetCallbacks(func(b *bufferevent.Bufferevent) {
			if b.Input().Len() == 100 {
				done++
				_ = b.Input().Drain(100)
			}
		}, nil, nil)
		ok(b, other.Enable(event.Read))
		_, err = one.Write(bytes.Repeat([]byte("0123456789"), 10))
		ok(b, err)
		all = append(all, one, other)
	}
	evtest.Await(b, base, "the messages", func() bool { return done == count })
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	for _, one := range all {
		one.Free()
	}
	evtest.Turn(b, base)
	return float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / float64(count)
}
