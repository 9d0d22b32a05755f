package evbuffer

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// FuzzOperations carries out operations on a few buffers and on slices of bytes
// next to them, and compares.
func FuzzOperations(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		script := make([]byte, 400)
		for i := range script {
			script[i] = byte(r.UintN(256))
		}
		f.Add(script)
	}
	name := writeFile(f, fileData)
	file, err := os.Open(name)
	ok(f, err)
	f.Cleanup(func() { file.Close() })
	pair := socketPair(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		m := &model{t: t, script: script, fd: int(file.Fd()), pair: pair}
		for i := range m.buffers {
			m.watch(i)
		}
		for len(m.script) > 0 {
			m.step()
			m.compare()
		}
		m.finish()
	})
}

var fileData = generate(7, 20000)

// A model is what some buffers should be.
type model struct {
	t       *testing.T
	script  []byte // what is still to do
	fd      int
	pair    [2]int
	buffers [3]Buffer
	data    [3][]byte
	told    [3]int   // the length by what callbacks were told
	cleaned []*int   // how often each cleanup ran
	refs    [][]byte // memory that must not change, and
	kept    [][]byte // how it looked
}

// next returns the next number of the script, from 0 to n-1.
func (m *model) next(n int) int {
	v := 0
	for range 2 {
		if len(m.script) > 0 {
			v = v<<8 | int(m.script[0])
			m.script = m.script[1:]
		}
	}
	return v % n
}

// size returns a size, mostly a small one.
func (m *model) size() int {
	switch m.next(8) {
	case 0:
		return m.next(70000)
	case 1, 2:
		return m.next(5000)
	default:
		return m.next(40)
	}
}

// watch makes told follow the figures that callbacks of a buffer get.
func (m *model) watch(i int) {
	m.buffers[i].AddCallback(func(e *CallbackEntry, info CallbackInfo) {
		if info.Orig != m.told[i] {
			m.t.Fatalf("a callback was told of %d bytes before, there were %d", info.Orig, m.told[i])
		}
		m.told[i] += info.Added - info.Deleted
	})
}

func (m *model) must(err error) {
	if err != nil {
		m.t.Helper()
		m.t.Fatal(err)
	}
}

func (m *model) step() {
	op, i, j := m.next(24), m.next(3), m.next(3)
	b, c := &m.buffers[i], &m.buffers[j]
	have, other := &m.data[i], &m.data[j]
	switch op {
	case 0, 1:
		p := m.bytes()
		m.must(b.Add(p))
		*have = append(*have, p...)
	case 2:
		p := m.bytes()
		m.must(b.Prepend(p))
		*have = append(p, *have...)
	case 3:
		m.must(b.AddBuffer(c))
		if i != j {
			*have, *other = append(*have, *other...), nil
		}
	case 4:
		m.must(b.PrependBuffer(c))
		if i != j {
			*have, *other = append(bytes.Clone(*other), *have...), nil
		}
	case 5, 6:
		n := m.within(i)
		moved, err := b.RemoveBuffer(c, n)
		m.must(err)
		if i == j {
			n = 0
		}
		n = min(n, len(*have))
		m.equal("moved", moved, n)
		if i != j {
			*other = append(*other, (*have)[:n]...)
			*have = (*have)[n:]
		}
	case 7, 8:
		n := m.within(i)
		m.must(b.Drain(n))
		*have = (*have)[min(n, len(*have)):]
	case 9:
		p := make([]byte, m.within(i))
		n, err := b.Remove(p)
		m.must(err)
		m.same("removed", p[:n], (*have)[:min(len(p), len(*have))])
		*have = (*have)[n:]
	case 10:
		n := min(m.within(i), len(*have))
		p, err := b.Pullup(n)
		m.must(err)
		m.same("pulled up", p, (*have)[:n])
	case 11:
		err := b.AddBufferReference(c)
		switch {
		case errors.Is(err, ErrNested):
		case i == j && len(*have) > 0:
			if !errors.Is(err, ErrRange) {
				m.t.Fatal("a buffer refers to itself")
			}
		default:
			m.must(err)
			*have = append(*have, *other...)
		}
	case 12, 13:
		m.reference(i)
	case 14:
		m.segment(i)
	case 15:
		m.reserve(i)
	case 16:
		m.must(b.Expand(m.size()))
	case 17:
		m.search(i)
	case 18:
		m.line(i)
	case 19:
		at := m.next(len(*have) + 1)
		var p Ptr
		m.must(b.SetPtr(&p, at, PtrSet))
		got := make([]byte, m.size())
		n, err := b.CopyOutFrom(&p, got)
		m.must(err)
		m.same("copied", got[:n], (*have)[at:min(at+len(got), len(*have))])
	case 20:
		b.Compact()
	case 21:
		m.transfer(i, j)
	case 22:
		*have = append(*have, m.printf(b)...)
	case 23:
		if m.next(8) == 0 {
			b.Free()
			*have, m.told[i] = nil, 0
			m.watch(i)
		}
	}
}

func (m *model) bytes() []byte { return generate(m.next(1000), m.size()) }

// within returns a number that is often less than the length of a buffer.
func (m *model) within(i int) int {
	if m.next(4) == 0 {
		return m.size()
	}
	return m.next(len(m.data[i]) + 2)
}

func (m *model) reference(i int) {
	memory := append(m.bytes(), 0)
	offset := m.next(len(memory))
	n := m.next(len(memory) - offset + 1)
	cleaned := new(int)
	m.must(m.buffers[i].AddReferenceWithOffset(memory, offset, n, func([]byte) { *cleaned++ }))
	m.cleaned = append(m.cleaned, cleaned)
	m.refs, m.kept = append(m.refs, memory), append(m.kept, bytes.Clone(memory))
	m.data[i] = append(m.data[i], memory[offset:offset+n]...)
}

func (m *model) segment(i int) {
	offset := m.next(len(fileData))
	length := m.next(len(fileData) - offset + 1)
	s, err := NewFileSegment(m.fd, int64(offset), int64(length), SegmentFlag(m.next(8))<<1)
	m.must(err)
	cleaned := new(int)
	s.SetCleanup(func(*FileSegment, SegmentFlag) { *cleaned++ })
	m.cleaned = append(m.cleaned, cleaned)
	start := m.next(length + 1)
	if m.next(2) == 0 {
		m.must(m.buffers[i].SetFlags(DrainsToFD))
	} else {
		m.must(m.buffers[i].ClearFlags(DrainsToFD))
	}
	m.must(m.buffers[i].AddFileSegment(s, int64(start), -1))
	s.Free()
	m.data[i] = append(m.data[i], fileData[offset+start:offset+length]...)
}

func (m *model) reserve(i int) {
	vecs := make([][]byte, 1+m.next(2))
	n, err := m.buffers[i].Reserve(m.size(), vecs)
	m.must(err)
	fill := m.bytes()
	for k := range vecs[:n] {
		vecs[k] = vecs[k][:copy(vecs[k], fill)]
		m.data[i] = append(m.data[i], vecs[k]...)
		fill = fill[len(vecs[k]):]
	}
	m.must(m.buffers[i].Commit(vecs[:n]))
}

func (m *model) search(i int) {
	have := m.data[i]
	from := m.next(len(have) + 1)
	to := from + m.next(len(have)-from+1)
	what := generate(m.next(1000), m.next(4))
	var start, end Ptr
	m.must(m.buffers[i].SetPtr(&start, from, PtrSet))
	m.must(m.buffers[i].SetPtr(&end, from, PtrSet))
	m.must(m.buffers[i].SetPtr(&end, to-from, PtrAdd))
	p, _ := m.buffers[i].SearchRange(what, &start, &end)
	wanted := bytes.Index(have[from:to], what)
	if wanted >= 0 {
		wanted += from
	}
	m.equal("found", p.Pos(), wanted)
}

func (m *model) line(i int) {
	have := m.data[i]
	line, err := m.buffers[i].ReadLine(EOLCRLF)
	wanted, rest, found := bytes.Cut(have, []byte("\n"))
	if !found {
		if err != ErrNotFound {
			m.t.Fatalf("there is no line, but the error is %v", err)
		}
		return
	}
	m.must(err)
	m.same("line", []byte(line), bytes.TrimSuffix(wanted, []byte("\r")))
	m.data[i] = rest
}

// transfer writes some of a buffer to a socket and reads it back to another.
func (m *model) transfer(i, j int) {
	most := m.next(5000)
	n, err := m.buffers[i].WriteFDAtMost(m.pair[0], most)
	m.must(err)
	m.data[j] = append(m.data[j], m.data[i][:n]...)
	m.data[i] = m.data[i][n:]
	for n > 0 {
		got, err := m.buffers[j].ReadFD(m.pair[1], -1)
		if err == sysio.ErrAgain || err == io.EOF {
			m.t.Fatalf("%d bytes were lost: %v", n, err)
		}
		m.must(err)
		n -= got
	}
}

func (m *model) printf(b *Buffer) []byte {
	p := m.bytes()
	_, err := b.Printf("%s", p)
	m.must(err)
	return p
}

func (m *model) equal(what string, got, want int) {
	if got != want {
		m.t.Helper()
		m.t.Fatalf("%s: got %d, want %d", what, got, want)
	}
}

func (m *model) same(what string, got, want []byte) {
	if !bytes.Equal(got, want) {
		m.t.Helper()
		m.t.Fatalf("%s: got %.100q, want %.100q", what, got, want)
	}
}

// compare checks all that should be true after each operation.
func (m *model) compare() {
	for i := range m.buffers {
		m.must(m.buffers[i].check())
		m.equal("length", m.buffers[i].Len(), len(m.data[i]))
		m.equal("length by what callbacks were told", m.told[i], len(m.data[i]))
		if m.next(8) == 0 { // files would be in memory all the time otherwise
			m.same("content", content(m.t, &m.buffers[i]), m.data[i])
		}
		if len(m.data[i]) > 500000 {
			m.must(m.buffers[i].Drain(499000))
			m.data[i] = m.data[i][499000:]
		}
	}
	for _, n := range m.cleaned {
		if *n > 1 {
			m.t.Fatalf("a cleanup ran %d times", *n)
		}
	}
}

// finish checks that everything was cleaned up exactly once.
func (m *model) finish() {
	for i := range m.buffers {
		m.same("content", content(m.t, &m.buffers[i]), m.data[i])
		m.buffers[i].Free()
	}
	for _, n := range m.cleaned {
		m.equal("runs of a cleanup", *n, 1)
	}
	for i := range m.refs {
		m.same("memory by reference", m.refs[i], m.kept[i])
	}
}
