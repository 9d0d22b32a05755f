package evbuffer_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// bound returns how much memory a buffer may have, if pieces of its data must
// stand apart from the others.
func bound(b *evbuffer.Buffer, pieces int) int {
	own := 0
	for _, c := range evbuffer.Chunks(b) {
		if !c.Borrowed {
			own += c.Len
		}
	}
	return 2*own + 1024*pieces + evbuffer.MaxClassSize
}

// piecesApart returns how many chunks cannot be put together with others, because
// they are not the buffer's own or because they are worth moving.
func piecesApart(b *evbuffer.Buffer) int {
	n := 0
	for _, c := range evbuffer.Chunks(b) {
		if c.Shared || c.Len > evbuffer.MaxCoalesce {
			n++
		}
	}
	return n
}

func inProportion(t testing.TB, what string, b *evbuffer.Buffer, pieces int) {
	t.Helper()
	if have, most := memory(b), bound(b, pieces); have > most {
		t.Fatalf("%s: %d bytes of memory for %d bytes with %d pieces, want at most %d", what, have, b.Len(), pieces, most)
	}
}

// shapes are ways to build a message, or some of it. A source has the bytes to
// move.
var shapes = []struct {
	name   string
	pieces int // that stand apart
	add    func(t testing.TB, b *evbuffer.Buffer)
}{
	{"a chunk of HTTP, moved", 1, func(t testing.TB, b *evbuffer.Buffer) {
		ok(t, b.AddString("400\r\n\r"))
		ok(t, b.AddBuffer(bufferOf(t, strings.Repeat("x", 1024))))
		ok(t, b.AddString("\r\n"))
	}},
	{"a chunk of HTTP, by reference", 1, func(t testing.TB, b *evbuffer.Buffer) {
		ok(t, b.AddString("400\r\n\r"))
		ok(t, b.AddReference(make([]byte, 1024), nil))
		ok(t, b.AddString("\r\n"))
	}},
	{"references of one byte", 1, func(t testing.TB, b *evbuffer.Buffer) {
		ok(t, b.AddReference([]byte("r"), nil))
		ok(t, b.Add([]byte("a")))
	}},
	{"references only", 1, func(t testing.TB, b *evbuffer.Buffer) { ok(t, b.AddReference([]byte("reference"), nil)) }},
	{"small moves", 0, func(t testing.TB, b *evbuffer.Buffer) { ok(t, b.AddBuffer(bufferOf(t, "m"))) }},
	{"the smallest move that copies nothing", 1, func(t testing.TB, b *evbuffer.Buffer) {
		ok(t, b.Add([]byte("a")))
		ok(t, b.AddBuffer(bufferOf(t, strings.Repeat("m", evbuffer.MaxCoalesce+1))))
	}},
	{"small moves of what was drained", 0, func(t testing.TB, b *evbuffer.Buffer) {
		src := bufferOf(t, strings.Repeat("m", evbuffer.MinClassSize))
		ok(t, src.Drain(evbuffer.MinClassSize-100))
		ok(t, b.AddBuffer(src))
	}},
	{"small moves of several chunks", 0, func(t testing.TB, b *evbuffer.Buffer) {
		src := bufferOf(t, "a")
		ok(t, src.Prepend([]byte("p")))
		ok(t, b.AddBuffer(src))
	}},
	{"small moves to the front", 0, func(t testing.TB, b *evbuffer.Buffer) { ok(t, b.PrependBuffer(bufferOf(t, "m"))) }},
	{"prepended", 0, func(t testing.TB, b *evbuffer.Buffer) { ok(t, b.Prepend([]byte("p"))) }},
	{"a part of much, moved", 1, func(t testing.TB, b *evbuffer.Buffer) {
		src := bufferOf(t, strings.Repeat("m", evbuffer.MaxClassSize))
		_, err := src.RemoveBuffer(b, evbuffer.MaxCopy+1)
		ok(t, err)
	}},
	{"the rest of much, moved", 1, func(t testing.TB, b *evbuffer.Buffer) {
		var gone evbuffer.Buffer
		src := bufferOf(t, strings.Repeat("m", evbuffer.MaxClassSize))
		_, err := src.RemoveBuffer(&gone, evbuffer.MaxClassSize-100)
		ok(t, err)
		ok(t, b.AddBuffer(src))
		ok(t, b.AddReference([]byte("r"), nil))
	}},
	{"the rest of much, referred to", 1, func(t testing.TB, b *evbuffer.Buffer) {
		src := bufferOf(t, strings.Repeat("m", evbuffer.MaxClassSize))
		ok(t, src.Drain(evbuffer.MaxClassSize-100))
		ok(t, b.AddBufferReference(src))
	}},
	{"a little of much space", 1, func(t testing.TB, b *evbuffer.Buffer) {
		var vecs [1][]byte
		_, err := b.Reserve(evbuffer.MaxClassSize, vecs[:])
		ok(t, err)
		ok(t, b.Commit([][]byte{vecs[0][:evbuffer.MaxCopy+1]}))
	}},
	{"read", 0, func(t testing.TB, b *evbuffer.Buffer) {
		_, err := b.ReadFrom(strings.NewReader("some"))
		ok(t, err)
	}},
}

func TestMemoryIsInProportion(t *testing.T) {
	const times = 300
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			var b, moved evbuffer.Buffer
			for i := range times {
				shape.add(t, &b)
				inProportion(t, "added", &b, shape.pieces*(i+1))
			}
			for _, keep := range []int{3 * b.Len() / 4, b.Len() / 2, b.Len() / 10, 1} {
				ok(t, b.Drain(b.Len()-keep))
				inProportion(t, "drained", &b, shape.pieces*times)
				ok(t, moved.AddBuffer(&b))
				inProportion(t, "moved", &moved, shape.pieces*times)
				ok(t, b.PrependBuffer(&moved))
			}
			mustCheck(t, &b)
		})
	}
}

// What a chunk of HTTP costs, seen from outside: with the allocator's rounding
// and everything that is not data.
func TestMemoryOfAnswersInPiecesOnTheHeap(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector uses memory, too")
	}
	const times = 1000
	for _, shape := range shapes[:5] {
		t.Run(shape.name, func(t *testing.T) {
			var b evbuffer.Buffer
			before := heap()
			for range times {
				shape.add(t, &b)
			}
			if grown, most := heap()-before, 2*b.Len()+times*1024+evbuffer.MaxClassSize; grown > most {
				t.Errorf("%d bytes of memory for %d, want at most %d", grown, b.Len(), most)
			}
			b.Free()
		})
	}
}

// heap returns how much memory is in use. Pools forget what they have by the
// second collection.
func heap() int {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A partly drained buffer of any size does not keep the memory of what is gone.
func TestDrainingGivesMemoryBack(t *testing.T) {
	for _, size := range []int{100, 5000, evbuffer.MaxClassSize, 3 * evbuffer.MaxClassSize, 5 << 20} {
		for _, pulledUp := range []bool{false, true} {
			b := bufferOf(t, strings.Repeat("x", size))
			if pulledUp {
				_, err := b.Pullup(-1)
				ok(t, err)
			}
			for step := max(size/50, 1); b.Len() > step; {
				ok(t, b.Drain(step))
				inProportion(t, fmt.Sprint(size, " bytes, pulled up ", pulledUp), b, 0)
			}
			mustCheck(t, b)
		}
	}
}

// TestRandomMixturesAreInProportion mixes everything that can be done with
// buffers, in pieces of one byte as well as in large ones.
func TestRandomMixturesAreInProportion(t *testing.T) {
	file, err := os.Open(writeFile(t, fileData))
	ok(t, err)
	defer file.Close()
	seeds := uint64(20)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		m := mixture{t: t, rand: rand.New(rand.NewPCG(seed, 0)), fd: int(file.Fd())}
		m.largest = []int{1, 10, 1000, 100_000}[seed%4]
		for n := range 2000 {
			m.step()
			if n%8 > 0 {
				continue // counting takes time
			}
			for i := range m.buffers {
				b := &m.buffers[i]
				inProportion(t, fmt.Sprint("seed ", seed), b, piecesApart(b))
			}
		}
		for i := range m.buffers {
			mustCheck(t, &m.buffers[i])
			if got := content(t, &m.buffers[i]); !bytes.Equal(got, m.data[i]) {
				t.Fatalf("seed %d: buffer %d has the wrong content", seed, i)
			}
			m.buffers[i].Free()
		}
	}
}

// A mixture is some buffers that random operations are done with, and what must
// be in them.
type mixture struct {
	t       *testing.T
	rand    *rand.Rand
	fd      int
	largest int // piece
	buffers [3]evbuffer.Buffer
	data    [3][]byte
}

func (m *mixture) size() int { return 1 + m.rand.IntN(m.largest) }

func (m *mixture) step() {
	i := m.rand.IntN(len(m.buffers))
	j := (i + 1 + m.rand.IntN(len(m.buffers)-1)) % len(m.buffers)
	b, other := &m.buffers[i], &m.buffers[j]
	p := generate(m.rand.IntN(1000), m.size())
	switch m.rand.IntN(13) {
	case 0:
		ok(m.t, b.Add(p))
		m.data[i] = append(m.data[i], p...)
	case 1:
		ok(m.t, b.AddReference(p, nil))
		m.data[i] = append(m.data[i], p...)
	case 2:
		ok(m.t, b.AddBuffer(bufferOf(m.t, string(p))))
		m.data[i] = append(m.data[i], p...)
	case 3:
		ok(m.t, b.AddBuffer(other))
		m.data[i], m.data[j] = append(m.data[i], m.data[j]...), nil
	case 4:
		ok(m.t, b.PrependBuffer(other))
		m.data[i], m.data[j] = append(m.data[j], m.data[i]...), nil
	case 5:
		n, err := b.RemoveBuffer(other, min(m.size(), b.Len()))
		ok(m.t, err)
		m.data[j] = append(m.data[j], m.data[i][:n]...)
		m.data[i] = m.data[i][n:]
	case 6:
		m.drain(i, m.rand.IntN(b.Len()+1))
	case 7:
		ok(m.t, b.Prepend(p))
		m.data[i] = slices.Concat(p, m.data[i])
	case 8:
		_, err := b.Pullup(m.rand.IntN(b.Len() + 1))
		ok(m.t, err)
	case 9:
		n := int64(1 + m.rand.IntN(len(fileData)))
		s, err := evbuffer.NewFileSegment(m.fd, 0, n, evbuffer.DisableMmap)
		ok(m.t, err)
		ok(m.t, b.AddFileSegment(s, 0, -1))
		s.Free()
		m.data[i] = append(m.data[i], fileData[:n]...)
	case 10:
		if evbuffer.HasNested(b) {
			break
		}
		ok(m.t, other.AddBufferReference(b))
		m.data[j] = append(m.data[j], m.data[i]...)
	case 11:
		_, err := b.ReadFrom(io.LimitReader(bytes.NewReader(p), 40000))
		ok(m.t, err)
		m.data[i] = append(m.data[i], p[:min(len(p), 40000)]...)
	case 12:
		var vecs [2][]byte
		p = p[:min(len(p), evbuffer.MaxClassSize)] // more would be a chunk of that size
		used, err := b.Reserve(len(p), vecs[:])
		ok(m.t, err)
		for k := range used {
			vecs[k] = vecs[k][:copy(vecs[k], p[:len(p)-m.rand.IntN(len(p))])]
			m.data[i] = append(m.data[i], vecs[k]...)
		}
		ok(m.t, b.Commit(vecs[:used]))
	}
	for k := range m.buffers {
		if n := m.buffers[k].Len(); n > 1<<20 {
			m.drain(k, n-m.rand.IntN(1000))
		}
	}
}

func (m *mixture) drain(i, n int) {
	ok(m.t, m.buffers[i].Drain(n))
	m.data[i] = m.data[i][n:]
}
