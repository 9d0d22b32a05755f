package evbuffer_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/iotest"

	"github.com/go-libevent/libevent/core/evbuffer"
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
			m.must(m.buffers[i].SetMaxRead(1 + m.next(evbuffer.MaxClassSize)))
		}
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
	buffers [3]evbuffer.Buffer
	data    [3][]byte
	told    [3]int // the length by what callbacks were told

	positions [3]position
	reserved  [3]reservation

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
	m.buffers[i].AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
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

// operations are what a script consists of. Each works on buffer i and, if it
// takes two, buffer j. Those that only append leave positions valid.
var operations = []struct {
	do      func(m *model, i, j int)
	appends bool
}{
	{(*model).add, true},
	{(*model).add, true},
	{(*model).addIOVec, true},
	{(*model).printf, true},
	{(*model).readFrom, true},
	{(*model).reference, true},
	{(*model).reference, true},
	{(*model).bufferReference, true},
	{(*model).segment, true},
	{(*model).reserve, true},
	{(*model).commit, true},
	{(*model).expand, true},
	{(*model).compact, true},
	{(*model).search, true},
	{(*model).copyFrom, true},
	{(*model).peek, true},
	{(*model).setPosition, true},
	{(*model).usePosition, true},
	{(*model).addBuffer, false},
	{(*model).prependBuffer, false},
	{(*model).removeBuffer, false},
	{(*model).removeBuffer, false},
	{(*model).prepend, false},
	{(*model).drain, false},
	{(*model).drain, false},
	{(*model).remove, false},
	{(*model).pullup, false},
	{(*model).line, false},
	{(*model).line, false},
	{(*model).writeTo, false},
	{(*model).transfer, false},
	{(*model).free, false},
}

func (m *model) step() {
	op, i, j := operations[m.next(len(operations))], m.next(len(m.buffers)), m.next(len(m.buffers))
	op.do(m, i, j)
	if !op.appends {
		m.positions[i].stale, m.positions[j].stale = true, true
	}
}

func (m *model) add(i, _ int) {
	p := m.bytes()
	m.must(m.buffers[i].Add(p))
	m.data[i] = append(m.data[i], p...)
}

func (m *model) addIOVec(i, _ int) {
	vecs := make([][]byte, m.next(4))
	for k := range vecs {
		vecs[k] = m.bytes()
	}
	n, err := m.buffers[i].AddIOVec(vecs)
	m.must(err)
	all := bytes.Join(vecs, nil)
	m.equal("added", n, len(all))
	m.data[i] = append(m.data[i], all...)
}

func (m *model) printf(i, _ int) {
	p := m.bytes()
	n, err := m.buffers[i].Printf("%s", p)
	m.must(err)
	m.equal("printed", n, len(p))
	m.data[i] = append(m.data[i], p...)
}

func (m *model) readFrom(i, _ int) {
	p := m.bytes()
	n, err := m.buffers[i].ReadFrom(iotest.HalfReader(bytes.NewReader(p)))
	m.must(err)
	m.equal("read", int(n), len(p))
	m.data[i] = append(m.data[i], p...)
}

func (m *model) prepend(i, _ int) {
	p := m.bytes()
	m.must(m.buffers[i].Prepend(p))
	m.data[i] = append(p, m.data[i]...)
}

func (m *model) addBuffer(i, j int) {
	m.must(m.buffers[i].AddBuffer(&m.buffers[j]))
	if i != j {
		m.data[i], m.data[j] = append(m.data[i], m.data[j]...), nil
	}
}

func (m *model) prependBuffer(i, j int) {
	m.must(m.buffers[i].PrependBuffer(&m.buffers[j]))
	if i != j {
		m.data[i], m.data[j] = append(bytes.Clone(m.data[j]), m.data[i]...), nil
	}
}

func (m *model) removeBuffer(i, j int) {
	n := m.within(i)
	moved, err := m.buffers[i].RemoveBuffer(&m.buffers[j], n)
	m.must(err)
	if i == j {
		n = 0
	}
	n = min(n, len(m.data[i]))
	m.equal("moved", moved, n)
	m.data[j] = append(m.data[j], m.data[i][:n]...)
	m.take(i, n)
}

// take makes the first n bytes go.
func (m *model) take(i, n int) { m.data[i] = m.data[i][n:] }

func (m *model) drain(i, _ int) {
	n := m.within(i)
	m.must(m.buffers[i].Drain(n))
	m.take(i, min(n, len(m.data[i])))
}

func (m *model) remove(i, _ int) {
	p := make([]byte, m.within(i))
	n, err := m.buffers[i].Remove(p)
	m.must(err)
	m.same("removed", p[:n], m.data[i][:min(len(p), len(m.data[i]))])
	m.take(i, n)
}

func (m *model) writeTo(i, _ int) {
	var to bytes.Buffer
	_, err := m.buffers[i].WriteTo(&to)
	m.must(err)
	m.same("written", to.Bytes(), m.data[i])
	m.data[i] = nil
}

func (m *model) pullup(i, _ int) {
	n := min(m.within(i), len(m.data[i]))
	p, err := m.buffers[i].Pullup(n)
	m.must(err)
	m.same("pulled up", p, m.data[i][:n])
}

func (m *model) bufferReference(i, j int) {
	err := m.buffers[i].AddBufferReference(&m.buffers[j])
	switch {
	case errors.Is(err, evbuffer.ErrNested):
	case i == j && len(m.data[i]) > 0:
		if !errors.Is(err, evbuffer.ErrRange) {
			m.t.Fatal("a buffer refers to itself")
		}
	default:
		m.must(err)
		m.data[i] = append(m.data[i], m.data[j]...)
	}
}

func (m *model) expand(i, _ int) { m.must(m.buffers[i].Expand(m.size())) }

func (m *model) compact(i, _ int) { m.buffers[i].Compact() }

func (m *model) free(i, _ int) {
	if m.next(8) > 0 {
		return
	}
	m.buffers[i].Free()
	m.data[i], m.told[i] = nil, 0
	m.watch(i)
}

func (m *model) copyFrom(i, _ int) {
	var p evbuffer.Ptr
	at := m.next(len(m.data[i]) + 1)
	m.must(m.buffers[i].SetPtr(&p, at, evbuffer.PtrSet))
	got := make([]byte, m.size())
	n, err := m.buffers[i].CopyOutFrom(&p, got)
	m.must(err)
	m.same("copied", got[:n], m.data[i][at:min(at+len(got), len(m.data[i]))])
}

func (m *model) peek(i, _ int) {
	var p evbuffer.Ptr
	at := m.next(len(m.data[i]) + 1)
	m.must(m.buffers[i].SetPtr(&p, at, evbuffer.PtrSet))
	n, vecs := m.size(), make([][]byte, 100)
	used, err := m.buffers[i].Peek(n, &p, vecs)
	m.must(err)
	got := bytes.Join(vecs[:min(used, len(vecs))], nil)
	if rest := m.data[i][at:]; used <= len(vecs) && len(got) < min(n, len(rest)) {
		m.t.Fatalf("%d bytes to be seen, want %d of %d", len(got), n, len(rest))
	}
	m.same("seen", got, m.data[i][at:at+len(got)])
}

// A position is one that was set some time ago.
type position struct {
	ptr   evbuffer.Ptr
	pos   int
	stale bool // the buffer may have forgotten it
}

func (m *model) setPosition(i, _ int) {
	at := m.next(len(m.data[i]) + 1)
	p := position{pos: at}
	m.must(m.buffers[i].SetPtr(&p.ptr, at, evbuffer.PtrSet))
	m.positions[i] = p
}

func (m *model) usePosition(i, _ int) {
	p := &m.positions[i]
	if p.ptr.Pos() < 0 {
		return
	}
	rest := make([]byte, 1000)
	n, err := m.buffers[i].CopyOutFrom(&p.ptr, rest)
	if p.stale && errors.Is(err, evbuffer.ErrPosition) {
		return
	}
	m.must(err)
	m.same("behind a position", rest[:n], m.data[i][p.pos:min(p.pos+len(rest), len(m.data[i]))])
}

func (m *model) bytes() []byte { return generate(m.next(1000), m.size()) }

// within returns a number that is often less than the length of a buffer.
func (m *model) within(i int) int {
	if m.next(4) == 0 {
		return m.size()
	}
	return m.next(len(m.data[i]) + 2)
}

func (m *model) reference(i, _ int) {
	memory := append(m.bytes(), 0)
	offset := m.next(len(memory))
	n := m.next(len(memory) - offset + 1)
	cleaned := new(int)
	m.must(m.buffers[i].AddReferenceWithOffset(memory, offset, n, func([]byte) { *cleaned++ }))
	m.cleaned = append(m.cleaned, cleaned)
	m.refs, m.kept = append(m.refs, memory), append(m.kept, bytes.Clone(memory))
	m.data[i] = append(m.data[i], memory[offset:offset+n]...)
}

func (m *model) segment(i, _ int) {
	offset := m.next(len(fileData))
	length := m.next(len(fileData) - offset + 1)
	s, err := evbuffer.NewFileSegment(m.fd, int64(offset), int64(length), evbuffer.SegmentFlag(m.next(8))<<1)
	m.must(err)
	cleaned := new(int)
	s.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) { *cleaned++ })
	m.cleaned = append(m.cleaned, cleaned)
	start := m.next(length + 1)
	if m.next(2) == 0 {
		m.must(m.buffers[i].SetFlags(evbuffer.DrainsToFD))
	} else {
		m.must(m.buffers[i].ClearFlags(evbuffer.DrainsToFD))
	}
	m.must(m.buffers[i].AddFileSegment(s, int64(start), -1))
	s.Free()
	m.data[i] = append(m.data[i], fileData[offset+start:offset+length]...)
}

// A reservation is space that was filled and not committed yet.
type reservation struct{ vecs [][]byte }

func (m *model) reserve(i, _ int) {
	vecs := make([][]byte, 1+m.next(2))
	n, err := m.buffers[i].Reserve(m.size(), vecs)
	m.must(err)
	fill := m.bytes()
	for k := range vecs[:n] {
		vecs[k] = vecs[k][:copy(vecs[k], fill)]
		fill = fill[len(vecs[k]):]
	}
	m.reserved[i] = reservation{vecs[:n]}
	if m.next(2) == 0 {
		m.commit(i, i)
	}
}

// commit commits what was reserved some time ago. The buffer may have changed.
func (m *model) commit(i, _ int) {
	vecs := m.reserved[i].vecs
	m.reserved[i] = reservation{}
	before := bytes.Join(vecs, nil)
	err := m.buffers[i].Commit(vecs)
	if errors.Is(err, evbuffer.ErrNotReserved) {
		return
	}
	m.must(err)
	m.data[i] = append(m.data[i], before...)
}

func (m *model) search(i, _ int) {
	have := m.data[i]
	from := m.next(len(have) + 1)
	to := from + m.next(len(have)-from+1)
	what := generate(m.next(1000), m.next(4))
	var start, end evbuffer.Ptr
	m.must(m.buffers[i].SetPtr(&start, from, evbuffer.PtrSet))
	m.must(m.buffers[i].SetPtr(&end, from, evbuffer.PtrSet))
	m.must(m.buffers[i].SetPtr(&end, to-from, evbuffer.PtrAdd))
	p, _ := m.buffers[i].SearchRange(what, &start, &end)
	wanted := bytes.Index(have[from:to], what)
	if wanted >= 0 {
		wanted += from
	}
	m.equal("found", p.Pos(), wanted)
}

func (m *model) line(i, _ int) {
	style := evbuffer.EOL(m.next(int(evbuffer.EOLNUL) + 1))
	at, length := findEOL(m.data[i], style)
	p, n, err := m.buffers[i].SearchEOL(nil, style)
	m.equal("line ending", p.Pos(), at)
	m.equal("length of the line ending", n, length)
	line, readErr := m.buffers[i].ReadLine(style)
	if at < 0 {
		if err != evbuffer.ErrNotFound || readErr != evbuffer.ErrNotFound {
			m.t.Fatalf("there is no line, but the errors are %v, %v", err, readErr)
		}
		return
	}
	m.must(err)
	m.must(readErr)
	m.same("line", []byte(line), m.data[i][:at])
	m.take(i, at+length)
}

// findEOL returns where the first line ending begins, or -1, and its length.
func findEOL(p []byte, style evbuffer.EOL) (at, n int) {
	switch style {
	case evbuffer.EOLAny:
		if at = bytes.IndexAny(p, "\r\n"); at >= 0 {
			n = len(p[at:]) - len(bytes.TrimLeft(p[at:], "\r\n"))
		}
		return at, n
	case evbuffer.EOLCRLF:
		at = bytes.IndexByte(p, '\n')
		if at > 0 && p[at-1] == '\r' {
			return at - 1, 2
		}
	case evbuffer.EOLCRLFStrict:
		if at = bytes.Index(p, []byte("\r\n")); at >= 0 {
			return at, 2
		}
	case evbuffer.EOLLF:
		at = bytes.IndexByte(p, '\n')
	case evbuffer.EOLNUL:
		at = bytes.IndexByte(p, 0)
	}
	if at >= 0 {
		n = 1
	}
	return at, n
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
		m.must(evbuffer.Check(&m.buffers[i]))
		m.equal("length", m.buffers[i].Len(), len(m.data[i]))
		m.equal("length by what callbacks were told", m.told[i], len(m.data[i]))
		if m.next(8) == 0 { // files would be in memory all the time otherwise
			m.same("content", content(m.t, &m.buffers[i]), m.data[i])
		}
		if len(m.data[i]) > 500000 {
			m.must(m.buffers[i].Drain(499000))
			m.data[i] = m.data[i][499000:]
			m.positions[i].stale = true
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
