package sysio

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func socketPair(t testing.TB) [2]int {
	t.Helper()
	pair, err := Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	t.Cleanup(func() {
		CloseSocket(pair[0])
		CloseSocket(pair[1])
	})
	return pair
}

// newFile opens a file with this content, for reading and writing.
func newFile(t testing.TB, content string) *os.File {
	t.Helper()
	f, err := os.CreateTemp("", "sysio")
	ok(t, err)
	t.Cleanup(func() {
		f.Close()
		ok(t, os.Remove(f.Name()))
	})
	_, err = f.WriteString(content)
	ok(t, err)
	_, err = f.Seek(0, 0)
	ok(t, err)
	return f
}

// pieces cuts a text into slices of n bytes.
func pieces(text string, n int) [][]byte {
	return slices.Collect(slices.Chunk([]byte(text), n))
}

// transferFunc is how the functions that move bytes look.
type transferFunc func(fd int, bufs [][]byte) (int, error)

// writeAll writes all of bufs.
func writeAll(t *testing.T, write transferFunc, fd int, bufs [][]byte) {
	t.Helper()
	for len(bufs) > 0 {
		n, err := write(fd, bufs)
		ok(t, err)
		for len(bufs) > 0 && n >= len(bufs[0]) {
			n -= len(bufs[0])
			bufs = bufs[1:]
		}
		if n > 0 {
			bufs[0] = bufs[0][n:]
		}
	}
}

// readAll reads n bytes into slices of size bytes.
func readAll(t *testing.T, read transferFunc, fd, n, size int) string {
	t.Helper()
	got := make([]byte, 0, n)
	for len(got) < n {
		bufs := pieces(strings.Repeat(".", min(n-len(got), size*MaxVectors)), size)
		k, err := read(fd, bufs)
		ok(t, err)
		got = append(got, bytes.Join(bufs, nil)[:k]...)
	}
	return string(got)
}

func TestSocketsMoveVectors(t *testing.T) {
	pair := socketPair(t)
	text := strings.Repeat("0123456789", 64)
	for _, size := range []int{10, 11, 300, 1000} {
		writeAll(t, Send, pair[0], pieces(text, size))
		want(t, "received", readAll(t, Recv, pair[1], len(text), size), text)
	}
}

func TestFilesMoveVectors(t *testing.T) {
	text := strings.Repeat("0123456789", 64)
	for _, size := range []int{10, 11, 300, 1000} {
		f := newFile(t, "")
		writeAll(t, Write, int(f.Fd()), pieces(text, size))
		_, err := f.Seek(0, 0)
		ok(t, err)
		want(t, "read", readAll(t, Read, int(f.Fd()), len(text), size), text)
		n, err := Read(int(f.Fd()), pieces("....", 1))
		ok(t, err)
		want(t, "bytes at the end", n, 0)
	}
}

func TestSocketsNeverWait(t *testing.T) {
	pair := socketPair(t)
	_, err := Recv(pair[0], pieces("....", 4))
	want(t, "Recv", err, ErrAgain)
	_, err = Recv(pair[0], pieces("....", 2))
	want(t, "Recv to vectors", err, ErrAgain)
	block := pieces(strings.Repeat(".", 1<<20), 1<<14)
	for err = nil; err == nil; {
		_, err = Send(pair[0], block)
	}
	want(t, "Send of vectors", err, ErrAgain)
	for err = nil; err == nil; {
		_, err = Send(pair[0], pieces("....", 4))
	}
	want(t, "Send", err, ErrAgain)
}

func TestTheEndOfAStream(t *testing.T) {
	pair, err := Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	defer CloseSocket(pair[1])
	ok(t, CloseSocket(pair[0]))
	for _, size := range []int{4, 1} {
		n, err := Recv(pair[1], pieces("....", size))
		ok(t, err)
		want(t, "bytes", n, 0)
	}
}

func TestPread(t *testing.T) {
	f := newFile(t, "0123456789")
	p := make([]byte, 4)
	for offset, wanted := range map[int64]string{0: "0123", 3: "3456", 8: "89", 10: "", 20: ""} {
		n, err := Pread(int(f.Fd()), p, offset)
		ok(t, err)
		want(t, "read", string(p[:n]), wanted)
	}
}

func TestSize(t *testing.T) {
	n, err := Size(int(newFile(t, "0123456789").Fd()))
	ok(t, err)
	want(t, "size", n, 10)
	if _, err := Size(-1); err == nil {
		t.Error("the size of nothing is known")
	}
}

func TestMapAnyPart(t *testing.T) {
	text := strings.Repeat("0123456789", 30000)
	f := newFile(t, text)
	for _, part := range []struct {
		offset int64
		n      int
	}{{0, 1}, {0, len(text)}, {1, 10}, {4096, 5000}, {65535, 2}, {70001, 200000}} {
		m, err := Map(int(f.Fd()), part.offset, part.n)
		ok(t, err)
		want(t, "mapped", string(m.Data), text[part.offset:int(part.offset)+part.n])
		ok(t, m.Unmap())
	}
	if _, err := Map(-1, 0, 10); err == nil {
		t.Error("nothing was mapped")
	}
}

func TestSendfile(t *testing.T) {
	pair := socketPair(t)
	f := newFile(t, "0123456789")
	n, err := Sendfile(pair[0], int(f.Fd()), 2, 5)
	if !CanSendfile {
		if !CannotSendfile(err) {
			t.Errorf("got %v", err)
		}
		return
	}
	ok(t, err)
	want(t, "bytes", n, 5)
	want(t, "received", readAll(t, Recv, pair[1], 5, 10), "23456")
	n, err = Sendfile(pair[0], int(f.Fd()), 8, 5)
	ok(t, err)
	want(t, "bytes up to the end", n, 2)
	n, err = Sendfile(pair[0], int(f.Fd()), 10, 5)
	ok(t, err)
	want(t, "bytes behind the end", n, 0)
	_, err = Sendfile(pair[0], -1, 0, 5)
	if err == nil || CannotSendfile(err) {
		t.Errorf("without a file: %v", err)
	}
}

func TestClose(t *testing.T) {
	name := newFile(t, "0123456789").Name()
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	ok(t, err)
	ok(t, Close(int(fd)))
	if _, err := Size(int(fd)); err == nil {
		t.Error("it is still open")
	}
}

// A callTest makes a system call that moves four bytes, if it moves any.
type callTest struct {
	op   Op
	call func() (int, error)
}

func callTests(t *testing.T) []callTest {
	pair := socketPair(t)
	f := newFile(t, "0123456789")
	fd := int(f.Fd())
	source := newFile(t, strings.Repeat(".", 1000))
	_, err := Send(pair[1], pieces(strings.Repeat(".", 1000), 1000))
	ok(t, err)
	p := func() [][]byte { return pieces("....", 2) }
	tests := []callTest{
		{OpRecv, func() (int, error) { return Recv(pair[0], p()) }},
		{OpSend, func() (int, error) { return Send(pair[0], p()) }},
		{OpRead, func() (int, error) { return Read(int(source.Fd()), p()) }},
		{OpWrite, func() (int, error) { return Write(fd, p()) }},
		{OpPread, func() (int, error) { return Pread(fd, make([]byte, 4), 2) }},
	}
	if CanSendfile {
		tests = append(tests, callTest{OpSendfile, func() (int, error) { return Sendfile(pair[0], fd, 2, 4) }})
	}
	return tests
}

func TestHooksSeeEachCall(t *testing.T) {
	for _, tt := range callTests(t) {
		var seen []Call
		restore := SetHook(func(c Call) (int, error) {
			seen = append(seen, c)
			return c.Len, nil
		})
		_, err := tt.call()
		restore()
		ok(t, err)
		want(t, "calls", len(seen), 1)
		want(t, "kind", seen[0].Op, tt.op)
		want(t, "length", seen[0].Len, 4)
		_, err = tt.call()
		ok(t, err)
		want(t, "calls after the hook has gone", len(seen), 1)
	}
}

func TestHooksCutCallsShort(t *testing.T) {
	for _, tt := range callTests(t) {
		for limit := 1; limit < 6; limit++ {
			restore := SetHook(func(Call) (int, error) { return limit, nil })
			n, err := tt.call()
			restore()
			ok(t, err)
			if n > limit || n < 1 {
				t.Errorf("call %d: %d bytes with a limit of %d", tt.op, n, limit)
			}
		}
	}
}

func TestInterruptedCallsAreMadeAgain(t *testing.T) {
	for _, tt := range callTests(t) {
		attempts := 0
		restore := SetHook(func(c Call) (int, error) {
			attempts++
			if attempts < 5 {
				return 0, ErrInterrupted
			}
			return c.Len, nil
		})
		n, err := tt.call()
		restore()
		ok(t, err)
		want(t, "attempts", attempts, 5)
		if n == 0 {
			t.Errorf("call %d has moved nothing", tt.op)
		}
	}
}

func TestHooksNest(t *testing.T) {
	var log string
	note := func(s string) Hook {
		return func(c Call) (int, error) { log += s; return c.Len, nil }
	}
	outer := SetHook(note("outer "))
	inner := SetHook(note("inner "))
	Size(-1)
	inner()
	Size(-1)
	outer()
	Size(-1)
	want(t, "calls", log, "inner outer ")
}

func TestCallsDoNotAllocate(t *testing.T) {
	pair := socketPair(t)
	p, q := make([]byte, 64), make([]byte, 64)
	n := testing.AllocsPerRun(100, func() {
		Send(pair[0], [][]byte{p, q})
		Recv(pair[1], [][]byte{p, q})
		Send(pair[0], [][]byte{p})
		Recv(pair[1], [][]byte{p})
		if runtime.GOOS != "windows" { // where x/sys allocates the error
			Recv(pair[1], [][]byte{p})
		}
	})
	want(t, "allocations", n, 0)
}

func BenchmarkSendRecv(b *testing.B) {
	pair := socketPair(b)
	p := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		Send(pair[0], [][]byte{p})
		Recv(pair[1], [][]byte{p})
	}
}
