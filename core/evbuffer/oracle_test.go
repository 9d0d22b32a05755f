package evbuffer_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

var (
	oracleRounds = flag.Int("oracle.rounds", 100, "sequences of operations to compare with C libevent")
	oracleSeed   = flag.Uint64("oracle.seed", 1, "seed of the first sequence")
)

const oracleSteps = 150 // operations in a sequence

// TestSameAsC runs random sequences of operations here and in libevent, and
// compares what every one of them has done.
func TestSameAsC(t *testing.T) {
	oracle := buildOracle(t)
	file := writeFile(t, generate(99, 10000))
	var script, ours bytes.Buffer
	m := newMachine(t, file, &ours)
	for i := range *oracleRounds {
		r := rand.New(rand.NewPCG(*oracleSeed+uint64(i), 0))
		for range oracleSteps {
			script.WriteString(m.step(m.choose(r)))
		}
		script.WriteString(m.step("reset"))
	}

	cmd := exec.Command(oracle, file)
	cmd.Stdin = &script
	theirs, err := cmd.CombinedOutput()
	compareTranscripts(t, ours.String(), string(theirs))
	if err != nil {
		t.Errorf("oracle: %v", err)
	}
}

// buildOracle compiles the program that does the same in C.
func buildOracle(t *testing.T) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	oracle := writeFile(t, nil)
	out, err := exec.Command(cc, "-O1", "-o", oracle, "testdata/oracle.c", "-levent_core").CombinedOutput()
	if err == nil {
		return oracle
	}
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatalf("cannot build the oracle: %v\n%s", err, out)
	}
	t.Skipf("needs a C compiler and libevent: %v", err)
	return ""
}

// compareTranscripts reports the first operation that went another way.
func compareTranscripts(t *testing.T, ours, theirs string) {
	t.Helper()
	our, their := bufio.NewScanner(strings.NewReader(ours)), bufio.NewScanner(strings.NewReader(theirs))
	var before []string
	n := 0
	for our.Scan() {
		n++
		their.Scan()
		if our.Text() == their.Text() {
			before = append(before, our.Text())
			continue
		}
		before = before[max(0, len(before)-10):]
		t.Fatalf("%s\nGo: %s\nC:  %s", strings.Join(before, "\n"), our.Text(), their.Text())
	}
	t.Logf("%d operations, all the same", n)
}

// generate makes the n bytes that belong to a seed.
func generate(seed, n int) []byte {
	const alphabet = "ab\r\n\x00cdefghijk\r\n"
	p := make([]byte, n)
	x := uint32(seed)
	for i := range p {
		x = x*1103515245 + 12345
		p[i] = alphabet[(x>>16)%16]
	}
	return p
}

// writeFile makes a file that lives as long as the test. Windows cannot remove
// it, and the test fails, while it is open or mapped.
func writeFile(t testing.TB, data []byte) string {
	t.Helper()
	f, err := os.CreateTemp("", "evbuffer")
	ok(t, err)
	t.Cleanup(func() { ok(t, os.Remove(f.Name())) })
	_, err = f.Write(data)
	ok(t, err)
	ok(t, f.Close())
	return f.Name()
}

// A machine carries out the oracle's operations on buffers of this package.
type machine struct {
	t           *testing.T
	base        *event.Base
	file        *os.File
	pair        [2]int
	buffers     [4]evbuffer.Buffer
	shared      [4]bool // may have memory that another one has, see choose
	nested      [4]bool // may have data from AddBufferReference
	latest      int     // where the operation before went to, if AddBufferReference, or -1
	deferred    [4]bool
	callbacks   []*evbuffer.CallbackEntry
	live        []int // indexes of callbacks that were not removed
	nextCleanup int
	number      int
	out         *bytes.Buffer

	// What the operation has made happen.
	notes    strings.Builder
	cleanups []int
}

func newMachine(t *testing.T, file string, out *bytes.Buffer) *machine {
	base, err := event.NewBase()
	ok(t, err)
	t.Cleanup(base.Free)
	f, err := os.Open(file)
	ok(t, err)
	t.Cleanup(func() { f.Close() })
	pair := socketPair(t)
	return &machine{t: t, base: base, file: f, pair: pair, out: out}
}

func socketPair(t testing.TB) [2]int {
	t.Helper()
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	t.Cleanup(func() {
		evutil.CloseSocket(pair[0])
		evutil.CloseSocket(pair[1])
	})
	return pair
}

// choose makes up an operation that C libevent defines, too. It leaves out what
// it does not: reading a file that is to go out by sendfile; empty references;
// buffer references added to an empty buffer, which uses memory after free if
// that had any; references to what may or may not be nested, depending on how
// the data lies; and pulling up shared data, which can overwrite the other's.
func (m *machine) choose(r *rand.Rand) string {
	i, j := r.IntN(len(m.buffers)), r.IntN(len(m.buffers))
	length := m.buffers[i].Len()
	size := func() int { // mostly small
		switch r.IntN(10) {
		case 0:
			return r.IntN(20000)
		case 1, 2:
			return r.IntN(3000)
		default:
			return r.IntN(30)
		}
	}
	within := func() int { // mostly within the buffer
		if r.IntN(3) == 0 {
			return size()
		}
		return r.IntN(length + 2)
	}
	seed := r.IntN(1000)
	on := func(name string, args ...int) string {
		s := fmt.Sprint(name, " ", i)
		for _, a := range args {
			s += fmt.Sprint(" ", a)
		}
		return s
	}
	if length > 30000 {
		return on("drain", length-r.IntN(1000))
	}
	switch r.IntN(42) {
	case 0, 1, 2:
		return on("add", seed, size())
	case 3, 4:
		return on("prepend", seed, size())
	case 5:
		return on("addbuffer", j)
	case 6:
		return on("prependbuffer", j)
	case 7:
		if m.nested[j] && m.latest != j || length == 0 {
			return on("loop")
		}
		return on("addbufferref", j)
	case 8, 9, 10:
		return on("removebuffer", j, within())
	case 11, 12, 13:
		return on("drain", within())
	case 14:
		return on("remove", within())
	case 15:
		return on("copyout", within())
	case 16:
		return on("copyfrom", size(), within())
	case 17, 18:
		if m.shared[i] {
			return on("loop")
		}
		return on("pullup", within()-r.IntN(2)*100000*r.IntN(2))
	case 19:
		return on("search", seed, 1+r.IntN(4), r.IntN(length+2)-1)
	case 20, 21:
		return on("searchrange", seed, r.IntN(4), within(), within())
	case 22, 23:
		return on("searcheol", r.IntN(5), r.IntN(length+2)-1)
	case 24, 25, 26:
		return on("readln", r.IntN(5))
	case 27:
		return on("ptr", within(), within())
	case 28:
		return on("peek", within(), within())
	case 29, 30, 31:
		n := 1 + size()
		return on("reserve", seed, n, 1+r.IntN(2), r.IntN(n+1))
	case 32:
		return on("badcommit")
	case 33:
		return on("expand", size())
	case 34:
		return on("reference", seed, 1+r.IntN(3000))
	case 35:
		offset, length := r.IntN(5000), 1+r.IntN(3000)
		start := r.IntN(length + 10)
		part := 1 + r.IntN(max(1, length-start+2))
		if start < length && r.IntN(3) == 0 {
			part = -1
		}
		flags := evbuffer.SegmentFlag(r.IntN(2)) * evbuffer.DisableMmap
		return on("segment", offset, length, start, part, int(flags))
	case 36:
		return on("iovec", seed, size(), size(), size())
	case 37:
		return on("printf", seed, size())
	case 38:
		if r.IntN(3) == 0 {
			return on("freeze", r.IntN(2))
		}
		return on("unfreeze", r.IntN(2))
	case 39:
		return m.chooseCallback(r, i, on)
	case 40:
		if r.IntN(5) == 0 && !m.deferred[i] {
			return on("defer")
		}
		return on("loop")
	default:
		return on("transfer", j, r.IntN(100))
	}
}

func (m *machine) chooseCallback(r *rand.Rand, i int, on func(string, ...int) string) string {
	if len(m.callbacks) < 20 && (len(m.live) == 0 || r.IntN(2) == 0) {
		return on("callback", r.IntN(2))
	}
	if len(m.live) == 0 {
		return on("loop")
	}
	name := []string{"enable", "disable", "removecallback"}[r.IntN(3)]
	return fmt.Sprint(name, " ", m.live[r.IntN(len(m.live))])
}

// step carries out an operation, writes down what came of it, and returns the
// line that tells the oracle to do the same.
func (m *machine) step(line string) string {
	m.number++
	m.notes.Reset()
	m.cleanups = nil
	var op string
	var a [6]int
	fmt.Sscan(line, &op, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5])
	result := m.run(op, a)
	m.latest = -1
	if op == "addbufferref" {
		m.latest = a[0]
	}
	fmt.Fprintf(m.out, "%d %s = %d%s", m.number, line, result, m.notes.String())
	for _, id := range m.cleanups {
		fmt.Fprintf(m.out, " cleanup %d", id)
	}
	for i := range m.buffers {
		b := &m.buffers[i]
		if err := evbuffer.Check(b); err != nil {
			m.t.Fatalf("%s\nbuffer %d: %v", m.out, i, err)
		}
		if b.Len() == 0 {
			m.shared[i], m.nested[i] = false, false
		}
		fmt.Fprintf(m.out, " | %d %016x", b.Len(), hashOf(content(m.t, b)))
	}
	fmt.Fprintln(m.out)
	return line + "\n"
}

func hashOf(p []byte) uint64 {
	h := fnv.New64a()
	h.Write(p)
	return h.Sum64()
}

// run carries out one operation and returns its result as C would.
func (m *machine) run(op string, a [6]int) int {
	b, c := &m.buffers[a[0]&3], &m.buffers[a[1]&3]
	switch op {
	case "reset":
		m.reset()
		return 0
	case "add":
		return status(b.Add(generate(a[1], a[2])))
	case "prepend":
		return status(b.Prepend(generate(a[1], a[2])))
	case "addbuffer":
		m.spread(a[1], a[0])
		return status(b.AddBuffer(c))
	case "prependbuffer":
		m.spread(a[1], a[0])
		return status(b.PrependBuffer(c))
	case "addbufferref":
		m.shared[a[0]], m.shared[a[1]], m.nested[a[0]] = true, true, true
		return status(b.AddBufferReference(c))
	case "removebuffer":
		m.spread(a[0], a[1])
		return count(b.RemoveBuffer(c, a[2]))
	case "drain":
		return status(b.Drain(a[1]))
	case "remove":
		p := make([]byte, a[1])
		return m.copied(p)(b.Remove(p))
	case "copyout":
		p := make([]byte, a[1])
		return m.copied(p)(b.CopyOut(p))
	case "copyfrom":
		var at evbuffer.Ptr
		if b.SetPtr(&at, a[2], evbuffer.PtrSet) != nil {
			return -2
		}
		p := make([]byte, a[1])
		return m.copied(p)(b.CopyOutFrom(&at, p))
	case "pullup":
		p, err := b.Pullup(a[1])
		if len(p) == 0 || err != nil {
			return 0 // C has a null pointer for nothing, too
		}
		m.noteHash(p)
		return 1
	case "search", "searchrange":
		return m.search(b, op, a)
	case "searcheol":
		return m.searchEOL(b, evbuffer.EOL(a[1]), a[2])
	case "readln":
		line, err := b.ReadLine(evbuffer.EOL(a[1]))
		if err != nil {
			return -1
		}
		m.noteHash([]byte(line))
		return len(line)
	case "ptr":
		var p evbuffer.Ptr
		err := b.SetPtr(&p, a[1], evbuffer.PtrSet)
		m.note(" %d", p.Pos())
		if err == nil {
			err = b.SetPtr(&p, a[2], evbuffer.PtrAdd)
			m.note(" %d", p.Pos())
		}
		return status(err)
	case "peek":
		return m.peek(b, a[1], a[2])
	case "reserve":
		return m.reserve(b, a)
	case "badcommit":
		return status(b.Commit([][]byte{make([]byte, 16)}))
	case "expand":
		return status(b.Expand(a[1]))
	case "reference":
		return status(b.AddReference(generate(a[1], a[2]), m.cleanup()))
	case "segment":
		return m.addSegment(b, a)
	case "iovec":
		n, _ := b.AddIOVec([][]byte{generate(a[1], a[2]), generate(a[1]+1, a[3]), generate(a[1]+2, a[4])})
		return n
	case "printf":
		text := bytes.ReplaceAll(generate(a[1], a[2]), []byte{0}, []byte("0"))
		return count(b.Printf("%05d <%s> %x", a[1], text, a[2]))
	case "freeze":
		b.Freeze(evbuffer.End(a[1] == 1))
		return 0
	case "unfreeze":
		b.Unfreeze(evbuffer.End(a[1] == 1))
		return 0
	case "callback":
		m.addCallback(b, a[1] == 1)
		return 0
	case "removecallback":
		m.live = slices.DeleteFunc(m.live, func(i int) bool { return i == a[0] })
		return status(m.callbacks[a[0]].Buffer().RemoveCallback(m.callbacks[a[0]]))
	case "enable":
		return status(m.callbacks[a[0]].SetFlags(evbuffer.CallbackEnabled))
	case "disable":
		return status(m.callbacks[a[0]].ClearFlags(evbuffer.CallbackEnabled))
	case "defer":
		m.deferred[a[0]] = true
		return status(b.DeferCallbacks(m.base))
	case "loop":
		_, err := m.base.Loop(event.LoopNonblock)
		ok(m.t, err)
		return 0
	case "transfer":
		return m.transfer(b, c, a[2])
	}
	m.t.Fatalf("unknown operation %s", op)
	return 0
}

func status(err error) int {
	if err != nil {
		return -1
	}
	return 0
}

func count(n int, err error) int {
	if err != nil {
		return -1
	}
	return n
}

func (m *machine) note(format string, args ...any) { fmt.Fprintf(&m.notes, format, args...) }
func (m *machine) noteHash(p []byte)               { m.note(" #%016x", hashOf(p)) }

// spread notes that data moves from one buffer to another.
func (m *machine) spread(from, to int) {
	m.shared[to] = m.shared[to] || m.shared[from]
	m.nested[to] = m.nested[to] || m.nested[from]
}

// copied returns a function that notes what a call has copied to p.
func (m *machine) copied(p []byte) func(int, error) int {
	return func(n int, err error) int {
		if n > 0 {
			m.noteHash(p[:n])
		}
		return count(n, err)
	}
}

func (m *machine) search(b *evbuffer.Buffer, op string, a [6]int) int {
	var start, end evbuffer.Ptr
	startAt, endAt := &start, &end
	switch {
	case op == "search" && a[3] < 0:
		startAt, endAt = nil, nil
	case op == "search":
		endAt = nil
		if b.SetPtr(&start, a[3], evbuffer.PtrSet) != nil {
			return -2
		}
	default:
		if b.SetPtr(&start, a[3], evbuffer.PtrSet) != nil || b.SetPtr(&end, a[4], evbuffer.PtrSet) != nil {
			return -2
		}
	}
	p, _ := b.SearchRange(generate(a[1], a[2]), startAt, endAt)
	return p.Pos()
}

func (m *machine) searchEOL(b *evbuffer.Buffer, style evbuffer.EOL, from int) int {
	var start *evbuffer.Ptr
	if from >= 0 {
		start = new(evbuffer.Ptr)
		if b.SetPtr(start, from, evbuffer.PtrSet) != nil {
			return -2
		}
	}
	p, n, _ := b.SearchEOL(start, style)
	m.note(" eol %d", n)
	return p.Pos()
}

func (m *machine) peek(b *evbuffer.Buffer, n, pos int) int {
	var p evbuffer.Ptr
	if b.SetPtr(&p, pos, evbuffer.PtrSet) != nil {
		return -1
	}
	need, err := b.Peek(n, &p, nil)
	ok(m.t, err)
	vecs := make([][]byte, need)
	_, err = b.Peek(n, &p, vecs)
	ok(m.t, err)
	seen := bytes.Join(vecs, nil)
	seen = seen[:min(n, len(seen))]
	m.noteHash(seen)
	return len(seen)
}

func (m *machine) reserve(b *evbuffer.Buffer, a [6]int) int {
	vecs := make([][]byte, a[3])
	n, err := b.Reserve(a[2], vecs)
	if err != nil {
		return -1
	}
	data := generate(a[1], a[4])
	for i := range vecs[:n] {
		done := copy(vecs[i], data)
		vecs[i] = vecs[i][:done]
		data = data[done:]
	}
	return status(b.Commit(vecs[:n]))
}

func (m *machine) cleanup() evbuffer.RefCleanup {
	id := m.nextCleanup
	m.nextCleanup++
	return func([]byte) { m.cleanups = append(m.cleanups, id) }
}

func (m *machine) addSegment(b *evbuffer.Buffer, a [6]int) int {
	id := m.nextCleanup
	m.nextCleanup++
	s, err := evbuffer.NewFileSegment(int(m.file.Fd()), int64(a[1]), int64(a[2]), evbuffer.DisableSendfile|evbuffer.SegmentFlag(a[5]))
	if err != nil {
		return -2
	}
	defer s.Free()
	s.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) { m.cleanups = append(m.cleanups, id) })
	return status(b.AddFileSegment(s, int64(a[3]), int64(a[4])))
}

func (m *machine) addCallback(b *evbuffer.Buffer, noDefer bool) {
	id := len(m.callbacks)
	e := b.AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		m.note(" c%d:%d+%d-%d", id, info.Orig, info.Added, info.Deleted)
	})
	m.callbacks = append(m.callbacks, e)
	m.live = append(m.live, id)
	if noDefer {
		ok(m.t, e.SetFlags(evbuffer.CallbackNoDefer))
	}
}

func (m *machine) transfer(b, c *evbuffer.Buffer, most int) int {
	n, err := b.WriteFDAtMost(m.pair[0], most)
	if n == 0 || err != nil {
		return -1
	}
	m.note(" read %d", count(c.ReadFD(m.pair[1], most)))
	var lost evbuffer.Buffer
	for {
		if _, err := lost.ReadFD(m.pair[1], -1); err != nil {
			return n
		}
	}
}

func (m *machine) reset() {
	_, err := m.base.Loop(event.LoopNonblock)
	ok(m.t, err)
	for _, i := range m.live {
		e := m.callbacks[i]
		ok(m.t, e.Buffer().RemoveCallback(e))
	}
	for i := range m.buffers {
		m.buffers[i].Unfreeze(evbuffer.Front)
		ok(m.t, m.buffers[i].Drain(m.buffers[i].Len()))
		m.buffers[i].Free()
	}
	slices.Sort(m.cleanups)
	m.shared, m.nested, m.deferred = [4]bool{}, [4]bool{}, [4]bool{}
	m.callbacks, m.live, m.nextCleanup = nil, nil, 0
}
