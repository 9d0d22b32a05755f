package evbuffer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestReadFDReadsWhatIsThere(t *testing.T) {
	pair := socketPair(t)
	b := bufferOf(t, "before ")
	_, err := bufferOf(t, "hello").WriteFD(pair[0])
	ok(t, err)
	n, err := b.ReadFD(pair[1], -1)
	ok(t, err)
	want(t, "bytes", n, 5)
	wantContent(t, b, "before hello")
}

func TestReadFDLimits(t *testing.T) {
	for _, tt := range []struct{ maxRead, most, want int }{
		{0, -1, evbuffer.DefaultMaxRead},
		{0, 10, 10},
		{0, 100000, evbuffer.DefaultMaxRead},
		{100, -1, 100},
		{100, 200, 100},
		{100, 50, 50},
		{10000, -1, 9999}, // that is all
		{1 << 30, -1, 9999},
		{100, 0, 0},
	} {
		for _, before := range []int{0, 1, 500, 512} {
			pair := socketPair(t)
			_, err := bufferOf(t, strings.Repeat("y", 9999)).WriteFD(pair[0])
			ok(t, err)
			b := bufferOf(t, strings.Repeat("x", before))
			ok(t, b.SetMaxRead(tt.maxRead))
			n, err := b.ReadFD(pair[1], tt.most)
			ok(t, err)
			want(t, fmt.Sprintf("%+v", tt), n, tt.want)
			wantContent(t, b, strings.Repeat("x", before)+strings.Repeat("y", n))
		}
	}
}

// A read that brings much less than it could have leaves the large chunk free
// for the next one.
func TestReadFDKeepsMemoryInProportion(t *testing.T) {
	for _, tt := range []struct{ before, size, want int }{
		{0, 1, 512},
		{0, 512, 512},
		{0, 513, 1024},
		{0, 2048, 2048},
		{0, 2049, evbuffer.MaxClassSize}, // copying it would take longer
		{0, 60000, evbuffer.MaxClassSize},
		{512, 100, 512 + 512},
		{500, 13, 512 + 512}, // a byte more than there is room for
		// Behind much data there is more to come.
		{evbuffer.MaxClassSize, 100, 2 * evbuffer.MaxClassSize},
	} {
		pair := socketPair(t)
		b := bufferOf(t, strings.Repeat("x", tt.before))
		ok(t, b.SetMaxRead(evbuffer.MaxClassSize))
		message := strings.Repeat("y", tt.size)
		_, err := bufferOf(t, message).WriteFD(pair[0])
		ok(t, err)
		n, err := b.ReadFD(pair[1], -1)
		ok(t, err)
		want(t, "bytes", n, tt.size)
		wantContent(t, b, strings.Repeat("x", tt.before)+message)
		want(t, fmt.Sprintf("memory of %+v", tt), memory(b), tt.want)
	}
}

func TestSmallReadsShareALargeChunk(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	pair := socketPair(t)
	var buffers [100]evbuffer.Buffer
	var into *byte
	chunks := 0
	for i := range buffers {
		ok(t, buffers[i].SetMaxRead(evbuffer.MaxClassSize))
		_, err := bufferOf(t, "message").WriteFD(pair[0])
		ok(t, err)
		if next := evbuffer.NextMemory(); next != into { // where it is read to next
			into = next
			chunks++
		}
		_, err = buffers[i].ReadFD(pair[1], -1)
		ok(t, err)
	}
	if chunks > 5 {
		t.Errorf("%d large chunks were needed", chunks)
	}
}

func TestReadFDAsksOnce(t *testing.T) {
	pair := socketPair(t)
	_, err := bufferOf(t, "hello").WriteFD(pair[0])
	ok(t, err)
	calls := countCalls(t)
	var b evbuffer.Buffer
	_, err = b.ReadFD(pair[1], -1)
	ok(t, err)
	want(t, "calls of recv", calls[sysio.OpRecv], 1)
	want(t, "kinds of calls", len(calls), 1)
}

func TestReadFDAtTheEnd(t *testing.T) {
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	ok(t, evutil.CloseSocket(pair[0]))
	defer evutil.CloseSocket(pair[1])
	b := bufferOf(t, "x")
	n, err := b.ReadFD(pair[1], -1)
	wantError(t, "at the end", err, io.EOF)
	want(t, "bytes", n, 0)
	wantContent(t, b, "x")
}

func TestReadFDNeverWaitsForASocket(t *testing.T) {
	pair := socketPair(t)
	var b evbuffer.Buffer
	_, err := b.ReadFD(pair[1], -1)
	if !evutil.IsRetriable(err) {
		t.Errorf("got %v", err)
	}
	want(t, "error", err, sysio.ErrAgain)
	if _, spare := evbuffer.Spare(&b); len(evbuffer.Chunks(&b)) != 0 || spare {
		t.Error("the buffer has kept memory for it")
	}
}

func TestWriteFDNeverWaitsForASocket(t *testing.T) {
	pair := socketPair(t)
	b := bufferOf(t, strings.Repeat("x", 10<<20))
	var err error
	written := 0
	for err == nil {
		var n int
		n, err = b.WriteFD(pair[0])
		written += n
	}
	want(t, "error", err, sysio.ErrAgain)
	want(t, "length", b.Len(), 10<<20-written)
	mustCheck(t, b)
}

func TestErrorsNameTheCallAndTheDescriptor(t *testing.T) {
	var b evbuffer.Buffer
	_, err := b.ReadFD(-1, -1)
	if err == nil || !strings.Contains(err.Error(), "fd -1") {
		t.Errorf("read: %v", err)
	}
	_, err = bufferOf(t, "x").WriteFD(-1)
	if err == nil || !strings.Contains(err.Error(), "fd -1") {
		t.Errorf("write: %v", err)
	}
	if runtime.GOOS != "windows" {
		wantError(t, "bad descriptor", err, syscall.EBADF)
	}
}

func TestErrorsWithOtherDescriptorsThanSockets(t *testing.T) {
	r, w, err := os.Pipe()
	ok(t, err)
	defer r.Close()
	defer w.Close()
	var b evbuffer.Buffer
	_, err = b.ReadFD(int(w.Fd()), -1)
	if err == nil || !strings.Contains(err.Error(), "read fd ") {
		t.Errorf("read: %v", err)
	}
	_, err = bufferOf(t, "x").WriteFD(int(r.Fd()))
	if err == nil || !strings.Contains(err.Error(), "write fd ") {
		t.Errorf("write: %v", err)
	}
}

func TestWriteFDAtMost(t *testing.T) {
	pair := socketPair(t)
	const text = "abcdefghij"
	for most := -1; most < 13; most++ {
		b := bufferOfPieces(t, "ab", "cdef", "ghi", "j")
		n, err := b.WriteFDAtMost(pair[0], most)
		ok(t, err)
		wanted := most
		if most < 0 || most > len(text) {
			wanted = len(text)
		}
		want(t, "written", n, wanted)
		wantContent(t, b, text[n:])
		var got evbuffer.Buffer
		if n > 0 {
			_, err = got.ReadFD(pair[1], -1)
			ok(t, err)
		}
		wantContent(t, &got, text[:n])
	}
}

func TestWriteFDGathersManyChunks(t *testing.T) {
	pair := socketPair(t)
	var b evbuffer.Buffer
	for range 10 * sysio.MaxVectors {
		ok(t, b.AddReference([]byte("abc"), nil))
	}
	calls := countCalls(t)
	for b.Len() > 0 {
		n, err := b.WriteFD(pair[0])
		ok(t, err)
		if n > 3*sysio.MaxVectors {
			t.Fatalf("%d bytes in one call", n)
		}
	}
	var got evbuffer.Buffer
	ok(t, got.SetMaxRead(1<<20))
	for got.Len() < 30*sysio.MaxVectors {
		_, err := got.ReadFD(pair[1], -1)
		ok(t, err)
	}
	wantContent(t, &got, strings.Repeat("abc", 10*sysio.MaxVectors))
	if calls[sysio.OpSend] > 20 { // a system that takes one piece at a time would need 640
		if runtime.GOOS != "solaris" {
			t.Errorf("%d calls", calls[sysio.OpSend])
		}
	}
}

func TestOtherDescriptorsThanSockets(t *testing.T) {
	r, w, err := os.Pipe()
	ok(t, err)
	defer r.Close()
	defer w.Close()
	calls := countCalls(t)
	var in, out evbuffer.Buffer
	for i := range 3 {
		ok(t, out.AddReference([]byte("hello "), nil))
		ok(t, out.AddReference([]byte("pipe"), nil))
		for out.Len() > 0 {
			_, err = out.WriteFD(int(w.Fd()))
			ok(t, err)
		}
		for in.Len() < 10*(i+1) {
			_, err = in.ReadFD(int(r.Fd()), -1)
			ok(t, err)
		}
	}
	wantContent(t, &in, "hello pipehello pipehello pipe")
	// It is found out once per buffer that it is no socket.
	want(t, "calls of recv", calls[sysio.OpRecv], 1)
	want(t, "calls of send", calls[sysio.OpSend], 1)
	ok(t, w.Close())
	_, err = in.ReadFD(int(r.Fd()), -1)
	wantError(t, "at the end", err, io.EOF)
}

func TestReadFDOfAFile(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	fd := openFile(t, writeFile(t, []byte(text)))
	defer sysio.Close(fd)
	var b evbuffer.Buffer
	var err error
	for err == nil {
		_, err = b.ReadFD(fd, -1)
	}
	wantError(t, "at the end", err, io.EOF)
	wantContent(t, &b, text)
}

// A faulty network: calls are cut short, interrupted, or refused for now.
var faults = map[string]func(c sysio.Call, r *rand.Rand) (int, error){
	"one byte at a time": func(sysio.Call, *rand.Rand) (int, error) { return 1, nil },
	"interrupted":        func(c sysio.Call, r *rand.Rand) (int, error) { return c.Len, mostly(r, interrupted) },
	"not ready":          func(c sysio.Call, r *rand.Rand) (int, error) { return c.Len, mostly(r, sysio.ErrAgain) },
	"all of it": func(c sysio.Call, r *rand.Rand) (int, error) {
		if err := mostly(r, interrupted); err != nil {
			return 0, err
		}
		return 1 + r.IntN(20), mostly(r, sysio.ErrAgain)
	},
}

// mostly returns err two times out of three.
func mostly(r *rand.Rand, err error) error {
	if r.IntN(3) == 0 {
		return nil
	}
	return err
}

func TestFaults(t *testing.T) {
	text := strings.Repeat("0123456789", 50)
	name := writeFile(t, []byte(text))
	for fault, decide := range faults {
		t.Run(fault, func(t *testing.T) {
			pair := socketPair(t)
			r := rand.New(rand.NewPCG(1, 2))
			defer sysio.SetHook(func(c sysio.Call) (int, error) {
				switch c.Op {
				case sysio.OpRecv, sysio.OpSend, sysio.OpSendfile:
					return decide(c, r)
				}
				return c.Len, nil
			})()
			var out, in evbuffer.Buffer
			ok(t, out.SetFlags(evbuffer.DrainsToFD))
			ok(t, out.AddString(text))
			ok(t, out.AddReference([]byte(text), nil))
			ok(t, out.AddFile(openFile(t, name), 0, -1))
			ok(t, out.AddString("."))
			wanted := text + text + text + "."
			for in.Len() < len(wanted) {
				if _, err := out.WriteFD(pair[0]); err != nil && !evutil.IsRetriable(err) {
					t.Fatal(err)
				}
				if _, err := in.ReadFD(pair[1], -1); err != nil && !evutil.IsRetriable(err) {
					t.Fatal(err)
				}
				mustCheck(t, &in, &out)
			}
			wantContent(t, &in, wanted)
			want(t, "left", out.Len(), 0)
		})
	}
}

func TestResetByThePeer(t *testing.T) {
	pair := socketPair(t)
	defer sysio.SetHook(func(c sysio.Call) (int, error) { return 0, syscall.ECONNRESET })()
	b := bufferOf(t, "x")
	_, err := b.WriteFD(pair[0])
	wantError(t, "write", err, syscall.ECONNRESET)
	_, err = b.ReadFD(pair[0], -1)
	wantError(t, "read", err, syscall.ECONNRESET)
	wantContent(t, b, "x")
	for _, part := range []string{"recv fd ", fmt.Sprint(pair[0])} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestSendfileThatIsImpossible(t *testing.T) {
	if !sysio.CanSendfile {
		t.Skip("this system has no sendfile")
	}
	pair := socketPair(t)
	calls := map[sysio.Op]int{}
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		calls[c.Op]++
		if c.Op == sysio.OpSendfile {
			return 0, syscall.EINVAL
		}
		return c.Len, nil
	})()
	s := newSegment(t, writeFile(t, []byte("0123456789")), 0)
	var b, got evbuffer.Buffer
	ok(t, b.SetFlags(evbuffer.DrainsToFD))
	for range 3 {
		ok(t, b.AddFileSegment(s, 0, -1))
		_, err := b.WriteFD(pair[0])
		ok(t, err)
		_, err = got.ReadFD(pair[1], -1)
		ok(t, err)
	}
	wantContent(t, &got, strings.Repeat("0123456789", 3))
	want(t, "calls of sendfile", calls[sysio.OpSendfile], 1)
}

func TestAFileThatCanNeitherBeSentNorRead(t *testing.T) {
	if !sysio.CanSendfile {
		t.Skip("this system has no sendfile")
	}
	pair := socketPair(t)
	s := newSegment(t, writeFile(t, []byte("0123456789")), 0)
	broken := errors.New("broken disk")
	var b evbuffer.Buffer
	defer b.Free()
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op == sysio.OpSendfile {
			return 0, syscall.EINVAL
		}
		return 0, broken
	})()
	ok(t, b.SetFlags(evbuffer.DrainsToFD))
	ok(t, b.AddFileSegment(s, 0, -1))
	_, err := b.WriteFD(pair[0])
	wantError(t, "write", err, broken)
	want(t, "length", b.Len(), 10)
}

func TestSendfileErrors(t *testing.T) {
	if !sysio.CanSendfile {
		t.Skip("this system has no sendfile")
	}
	pair := socketPair(t)
	s := newSegment(t, writeFile(t, []byte("0123456789")), 0)
	var b evbuffer.Buffer
	defer b.Free()
	defer sysio.SetHook(func(c sysio.Call) (int, error) { return 0, syscall.EPIPE })()
	ok(t, b.SetFlags(evbuffer.DrainsToFD))
	ok(t, b.AddFileSegment(s, 0, -1))
	_, err := b.WriteFD(pair[0])
	wantError(t, "sendfile", err, syscall.EPIPE)
	if !strings.Contains(err.Error(), "sendfile fd ") {
		t.Errorf("%q does not name the call", err)
	}
	want(t, "length", b.Len(), 10)
}

// A peer is what has arrived at the other end of a socket.
type peer struct {
	total      int64
	head, tail [7]byte
}

// receive reads up to the end of the stream.
func (p *peer) receive(f *os.File) error {
	block := make([]byte, 1<<20)
	for {
		n, err := f.Read(block)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if p.total == 0 {
			copy(p.head[:], block[:n])
		}
		last := block[max(0, n-len(p.tail)):n]
		copy(p.tail[:], p.tail[len(last):])
		copy(p.tail[len(p.tail)-len(last):], last)
		p.total += int64(n)
	}
}

// sendAll writes all of b to a socket, waiting for room whenever there is none.
func sendAll(b *evbuffer.Buffer, f *os.File) (err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for b.Len() > 0 && err == nil {
		if waitErr := conn.Write(func(fd uintptr) bool {
			_, err = b.WriteFD(int(fd))
			return err != sysio.ErrAgain
		}); waitErr != nil {
			return waitErr
		}
	}
	return err
}

// A large file goes from disk to the socket without ever being in memory.
func TestALargeFileIsSentFromDisk(t *testing.T) {
	if !sysio.CanSendfile {
		t.Skip("this system has no sendfile")
	}
	size := int64(1 << 30)
	if testing.Short() || raceEnabled {
		size = 16 << 20
	}
	name := writeFile(t, nil)
	ok(t, os.Truncate(name, size))
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	from, to := os.NewFile(uintptr(pair[0]), "from"), os.NewFile(uintptr(pair[1]), "to")
	defer to.Close()

	var p peer
	received := make(chan error, 1)
	go func() { received <- p.receive(to) }()
	calls := countCalls(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var b evbuffer.Buffer
	ok(t, b.SetFlags(evbuffer.DrainsToFD))
	ok(t, b.AddString("header "))
	ok(t, b.AddFile(openFile(t, name), 0, -1))
	ok(t, b.AddString("trailer"))
	want(t, "length", int64(b.Len()), size+14)
	err = sendAll(&b, from)
	runtime.ReadMemStats(&after)
	ok(t, from.Close())
	ok(t, err)
	ok(t, <-received)

	want(t, "bytes received", p.total, size+14)
	want(t, "first bytes", string(p.head[:]), "header ")
	want(t, "last bytes", string(p.tail[:]), "trailer")
	for op, n := range calls {
		switch op {
		case sysio.OpSendfile, sysio.OpSend: // of the header, the trailer, and in vain
		case sysio.OpSize, sysio.OpClose:
			want(t, "calls of fstat and close, each", n, 1)
		default:
			t.Errorf("%d calls of kind %d", n, op)
		}
	}
	if calls[sysio.OpSendfile] == 0 {
		t.Error("sendfile was not used")
	}
	// The peer's block is a megabyte, and everything else is next to nothing.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20 && !raceEnabled {
		t.Errorf("it has allocated %d bytes", grown)
	}
}

func TestSendfileStopsAtItsPartAndLimit(t *testing.T) {
	pair := socketPair(t)
	s := newSegment(t, writeFile(t, []byte("0123456789")), 0)
	var out, in evbuffer.Buffer
	ok(t, out.SetFlags(evbuffer.DrainsToFD))
	ok(t, out.AddFileSegment(s, 2, 5))
	ok(t, out.AddFileSegment(s, 0, 1))
	for out.Len() > 0 {
		n, err := out.WriteFDAtMost(pair[0], 3)
		ok(t, err)
		if n > 3 {
			t.Errorf("%d bytes", n)
		}
		mustCheck(t, &out)
	}
	_, err := in.ReadFD(pair[1], -1)
	ok(t, err)
	wantContent(t, &in, "234560")
}

func TestFilesToSendMoveBetweenBuffers(t *testing.T) {
	pair := socketPair(t)
	text := strings.Repeat("0123456789", 1000)
	s := newSegment(t, writeFile(t, []byte(text)), 0)
	calls := countCalls(t)
	var a, b, in evbuffer.Buffer
	ok(t, a.SetFlags(evbuffer.DrainsToFD))
	ok(t, a.AddFileSegment(s, 0, -1))
	_, err := a.RemoveBuffer(&b, 100)
	ok(t, err)
	_, err = a.RemoveBuffer(&b, 5000)
	ok(t, err)
	ok(t, b.AddBuffer(&a))
	if sysio.CanSendfile {
		want(t, "calls", len(calls), 0)
	}
	for in.Len() < len(text) {
		if b.Len() > 0 {
			_, err = b.WriteFD(pair[0])
			ok(t, err)
		}
		_, err = in.ReadFD(pair[1], -1)
		ok(t, err)
	}
	want(t, "content", bytes.Equal(content(t, &in), []byte(text)), true)
}
