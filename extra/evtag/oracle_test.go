package evtag_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
)

var (
	oracleRounds = flag.Int("oracle.rounds", 20000, "records, and byte strings, to compare with C")
	oracleSeed   = flag.Uint64("oracle.seed", 1, "where to begin")
)

// A request is what the program in C, testdata/oracle.c, is asked. It encodes a record
// and decodes the input by each function.
type request struct {
	kind       byte
	tag, fixed uint32
	a, b       uint64
	data       []byte
	input      []byte
	cut        int // where the input is in two pieces
}

// The kinds of what is encoded.
const (
	kindNone byte = iota
	kindBytes
	kindBuffer
	kindInt
	kindInt64
	kindString
	kindTimeval
	kindBareInt
	kindBareInt64
	kinds

	flush byte = 255 // asks for all replies so far, and is a request of its own
)

// randomRecord makes a request for a record of any kind, whose input is the record as
// it is encoded here.
func randomRecord(t testing.TB, r *rand.Rand) request {
	q := request{kind: kindBytes + byte(r.UintN(uint(kinds-kindBytes))), tag: uint32(randomNumber(r) >> 32)}
	q.a, q.b = randomNumber(r), randomNumber(r)
	switch q.kind {
	case kindInt, kindBareInt:
		q.a >>= 32
	case kindTimeval:
		q.a, q.b = q.a>>32, q.b>>32
	case kindBytes, kindBuffer, kindString:
		q.data = randomData(r, q.kind == kindString)
	}
	q.fixed = uint32(len(q.data))
	q.input = q.encode(t)
	q.cut = r.IntN(len(q.input) + 1)
	return q
}

// randomNumber returns numbers of all lengths alike.
func randomNumber(r *rand.Rand) uint64 {
	v := r.Uint64()
	return v >> (r.UintN(32)) &^ (1<<r.UintN(33) - 1)
}

func randomData(r *rand.Rand, text bool) []byte {
	n := r.IntN(40)
	if r.UintN(50) == 0 {
		n = r.IntN(5000)
	}
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
		if text {
			p[i] |= 1
		}
	}
	return p
}

// encode returns the record as this package writes it.
func (q *request) encode(t testing.TB) []byte {
	var b, data evbuffer.Buffer
	var err error
	switch q.kind {
	case kindBytes:
		err = evtag.Marshal(&b, q.tag, q.data)
	case kindBuffer:
		ok(t, data.Add(q.data))
		err = evtag.MarshalBuffer(&b, q.tag, &data)
	case kindInt:
		err = evtag.MarshalInt(&b, q.tag, uint32(q.a))
	case kindInt64:
		err = evtag.MarshalInt64(&b, q.tag, q.a)
	case kindString:
		err = evtag.MarshalString(&b, q.tag, string(q.data))
	case kindTimeval:
		err = evtag.MarshalTimeval(&b, q.tag, evtag.Timeval{Sec: uint32(q.a), Usec: uint32(q.b)})
	case kindBareInt:
		err = evtag.EncodeInt(&b, uint32(q.a))
	case kindBareInt64:
		err = evtag.EncodeInt64(&b, q.a)
	}
	ok(t, err)
	return content(t, &b)
}

// append appends the request as the program in C reads it.
func (q *request) append(p []byte) []byte {
	le := binary.LittleEndian
	p = append(p, q.kind)
	p = le.AppendUint32(le.AppendUint32(p, q.tag), q.fixed)
	p = le.AppendUint64(le.AppendUint64(p, q.a), q.b)
	p = append(le.AppendUint32(p, uint32(len(q.data))), q.data...)
	return append(le.AppendUint32(p, uint32(len(q.input))), q.input...)
}

// operations are what decodes, in the order of the replies. Each returns what the
// program in C does for it.
var operations = []struct {
	name   string
	decode func(q *request, b *evbuffer.Buffer) ([]byte, error)
}{
	{"unmarshal_int", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		v, err := evtag.UnmarshalInt(b, q.tag)
		return u32(v), err
	}},
	{"unmarshal_int64", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		v, err := evtag.UnmarshalInt64(b, q.tag)
		return u64(v), err
	}},
	{"unmarshal_timeval", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		v, err := evtag.UnmarshalTimeval(b, q.tag)
		return append(u32(v.Sec), u32(v.Usec)...), err
	}},
	{"unmarshal_string", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		s, err := evtag.UnmarshalString(b, q.tag)
		return []byte(s), err
	}},
	{"unmarshal_fixed", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		p := make([]byte, q.fixed)
		return p, evtag.UnmarshalFixed(b, q.tag, p)
	}},
	{"unmarshal_header", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		tag, n, err := evtag.UnmarshalHeader(b)
		return append(u32(tag), u32(uint32(n))...), err
	}},
	{"unmarshal", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		var dst evbuffer.Buffer
		tag, _, err := evtag.Unmarshal(b, &dst)
		p := make([]byte, dst.Len())
		if _, err := dst.Remove(p); err != nil {
			return nil, err
		}
		return append(u32(tag), p...), err
	}},
	{"consume", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		return nil, evtag.Consume(b)
	}},
	{"peek", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		tag, n, err := evtag.Peek(b)
		return append(u32(tag), u32(uint32(n))...), err
	}},
	{"peek_length", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		n, err := evtag.PeekLength(b)
		return u32(uint32(n)), err
	}},
	{"payload_length", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		n, err := evtag.PayloadLength(b)
		return u32(uint32(n)), err
	}},
	{"decode_int", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		v, err := evtag.DecodeInt(b)
		return u32(v), err
	}},
	{"decode_int64", func(q *request, b *evbuffer.Buffer) ([]byte, error) {
		v, err := evtag.DecodeInt64(b)
		return u64(v), err
	}},
}

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// answer returns what an operation makes of the input, as the program in C writes it.
func (q *request) answer(t *testing.T, i int) []byte {
	var b evbuffer.Buffer
	ok(t, b.AddReference(q.input[:q.cut], nil))
	ok(t, b.AddReference(q.input[q.cut:], nil))
	p, err := operations[i].decode(q, &b)
	left := b.Len()
	if err == nil {
		return append(u32(uint32(left)), p...)
	}
	if left != len(q.input) {
		t.Errorf("%s of % x: failed, and took %d bytes", operations[i].name, q.input, len(q.input)-left)
	}
	return nil
}

// differences are what C does in another way, and why.
var differences = []struct {
	operation, reason string
	expected          func(q *request, ours, theirs []byte) bool
}{
	{"unmarshal_string", "C ends a string at its first NUL, and so loses what comes after it", func(_ *request, ours, theirs []byte) bool {
		if len(ours) < 4 || len(theirs) < 4 {
			return false
		}
		s, _, found := bytes.Cut(ours[4:], []byte{0})
		return found && bytes.Equal(ours[:4], theirs[:4]) && bytes.Equal(s, theirs[4:])
	}},
	{"peek_length", "C returns lengths that unmarshalling refuses, and adds to them in 32 bits", func(q *request, ours, _ []byte) bool {
		var b evbuffer.Buffer
		if err := b.Add(q.input); err != nil {
			return false
		}
		_, err := evtag.PayloadLength(&b)
		return ours == nil && errors.Is(err, evtag.ErrTooLong)
	}},
	{"payload_length", "C returns lengths that unmarshalling refuses", func(_ *request, ours, theirs []byte) bool {
		return ours == nil && len(theirs) == 8 && binary.LittleEndian.Uint32(theirs[4:]) > math.MaxInt32
	}},
}

// isExpected returns which of the differences it is, or -1.
func isExpected(operation string, q *request, ours, theirs []byte) int {
	for i, d := range differences {
		if d.operation == operation && d.expected(q, ours, theirs) {
			return i
		}
	}
	return -1
}

// TestSameAsC encodes random records here and in C, which must be the same bytes, and
// decodes here and there what was encoded.
func TestSameAsC(t *testing.T) {
	r := rand.New(rand.NewPCG(*oracleSeed, 1))
	compare(t, rounds(), func() request { return randomRecord(t, r) })
}

// TestWhatIsRefusedIsWhatCRefuses decodes byte strings here and in C: half of them are
// records with small faults, the others are random.
func TestWhatIsRefusedIsWhatCRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(*oracleSeed, 2))
	i := 0
	compare(t, rounds(), func() request {
		if i++; i%2 == 0 {
			return damaged(t, r)
		}
		return random(r)
	})
}

// damaged makes a request with a record in which one to three bytes were changed, cut
// off, inserted or repeated.
func damaged(t *testing.T, r *rand.Rand) request {
	q := randomRecord(t, r)
	q.kind, q.data = kindNone, nil
	p := q.input
	n := min(1+r.IntN(3), len(p))
	// The head is where most of the meaning is.
	at := r.IntN(len(p) - n + 1)
	if r.UintN(2) == 0 {
		at = min(at, r.IntN(8))
	}
	some := []byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}[:n]
	switch r.UintN(4) {
	case 0:
		copy(p[at:], some)
	case 1:
		p = append(p[:at:at], p[at+n:]...)
	case 2:
		p = append(append(p[:at:at], some...), p[at:]...)
	case 3:
		p = append(p[:at+n:at+n], p[at:]...)
	}
	q.input, q.cut = p, r.IntN(len(p)+1)
	return q
}

// random makes a request with any bytes, mostly such that tag and length make sense.
func random(r *rand.Rand) request {
	p := make([]byte, r.IntN(32))
	for i := range p {
		p[i] = byte(r.Uint32())
		if r.UintN(3) == 0 {
			p[i] &= 0x1f
		}
	}
	q := request{tag: r.Uint32N(4), fixed: r.Uint32N(16), input: p, cut: r.IntN(len(p) + 1)}
	var b evbuffer.Buffer
	if b.Add(p) == nil && r.UintN(8) > 0 {
		if tag, _, err := evtag.Peek(&b); err == nil {
			q.tag = tag
		}
	}
	return q
}

// rounds returns how many requests there are: fewer where each takes long.
func rounds() int {
	if testing.Short() || raceEnabled {
		return *oracleRounds / 10
	}
	return *oracleRounds
}

// compare sends n requests to the program in C, and compares its answers.
func compare(t *testing.T, n int, next func() request) {
	cmd := exec.Command(buildOracle(t))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	ok(t, err)
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	requests, written := make(chan []byte), make(chan error, 1)
	go func() {
		var err error
		for p := range requests {
			if err == nil {
				_, err = stdin.Write(p)
			}
		}
		written <- errors.Join(err, stdin.Close())
	}()
	in := bufio.NewReaderSize(stdout, 1<<16)
	seen, accepted := make([]int, len(differences)), make([]int, len(operations))
	for done := 0; done < n && !t.Failed(); {
		batch := make([]request, min(n-done, 1000))
		var p []byte
		for i := range batch {
			batch[i] = next()
			p = batch[i].append(p)
		}
		requests <- append(p, flush)
		for i := range batch {
			compareOne(t, in, &batch[i], seen, accepted)
		}
		done += len(batch)
	}
	close(requests)
	ok(t, <-written)
	ok(t, cmd.Wait())
	for i, d := range differences {
		t.Logf("%d times %s: %s", seen[i], d.operation, d.reason)
	}
	list := ""
	for i, o := range operations {
		list += fmt.Sprintf(" %s %d", o.name, accepted[i])
	}
	t.Logf("%d compared; accepted:%s", n, list)
}

// compareOne compares one answer, and counts differences that are known.
func compareOne(t *testing.T, in io.Reader, q *request, seen, accepted []int) {
	encoded := readReply(t, in)
	if q.kind != kindNone && !bytes.Equal(encoded, q.input) {
		t.Errorf("kind %d tag %d numbers %d %d data % x: ours % x, C's % x", q.kind, q.tag, q.a, q.b, q.data, q.input, encoded)
	}
	for i, o := range operations {
		theirs := readReply(t, in)
		ours := q.answer(t, i)
		if len(ours) > 0 {
			accepted[i]++
		}
		if bytes.Equal(ours, theirs) {
			continue
		}
		if k := isExpected(o.name, q, ours, theirs); k >= 0 {
			seen[k]++
			continue
		}
		t.Errorf("%s tag %d of % x: ours % x, C's % x", o.name, q.tag, q.input, ours, theirs)
	}
}

func readReply(t *testing.T, in io.Reader) []byte {
	t.Helper()
	var size [4]byte
	_, err := io.ReadFull(in, size[:])
	ok(t, err)
	n := binary.LittleEndian.Uint32(size[:])
	if n == 0 {
		return nil
	}
	p := make([]byte, n)
	_, err = io.ReadFull(in, p)
	ok(t, err)
	return p
}

// buildOracle compiles the program that does the same in C.
func buildOracle(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" { // where a compiler may be that of the system below
		t.Skip("needs libevent")
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	oracle := filepath.Join(t.TempDir(), "oracle")
	out, err := exec.Command(cc, "-O1", "-o", oracle, "testdata/oracle.c", "-levent_extra", "-levent_core").CombinedOutput()
	if err == nil {
		return oracle
	}
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatalf("cannot build the oracle: %v\n%s", err, out)
	}
	t.Skipf("needs a C compiler and libevent: %v", err)
	return ""
}
