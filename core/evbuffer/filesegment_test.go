package evbuffer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/leak"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// openFile returns a descriptor of a file, for somebody who will close it.
func openFile(t testing.TB, name string) int {
	t.Helper()
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	ok(t, err)
	return int(fd)
}

// newSegment returns a segment of a whole file that lives as long as the test.
func newSegment(t testing.TB, name string, flags evbuffer.SegmentFlag) *evbuffer.FileSegment {
	t.Helper()
	s, err := evbuffer.NewFileSegment(openFile(t, name), 0, -1, flags|evbuffer.CloseOnFree)
	ok(t, err)
	t.Cleanup(s.Free)
	return s
}

// countCalls returns the system calls that are made until the end of the test.
func countCalls(t testing.TB) map[sysio.Op]int {
	calls := map[sysio.Op]int{}
	t.Cleanup(sysio.SetHook(func(c sysio.Call) (int, error) {
		calls[c.Op]++
		return c.Len, nil
	}))
	return calls
}

func TestPartsOfAFile(t *testing.T) {
	const text = "0123456789"
	name := writeFile(t, []byte(text))
	tests := []struct {
		offset, length         int64 // of the segment in the file
		partOffset, partLength int64 // of the part in the segment
		want                   string
	}{
		{0, -1, 0, -1, text},
		{0, 10, 0, 10, text},
		{2, -1, 0, -1, "23456789"},
		{2, 5, 0, -1, "23456"},
		{2, 5, 1, 3, "345"},
		{2, 5, 4, -1, "6"},
		{2, 5, 5, -1, ""},
		{2, 5, 0, 0, ""},
		{10, -1, 0, -1, ""},
		{0, 0, 0, 0, ""},
		{2, 0, 0, -1, ""},
	}
	for _, flags := range []evbuffer.SegmentFlag{0, evbuffer.DisableMmap, evbuffer.DisableSendfile, evbuffer.DisableLocking, evbuffer.DisableMmap | evbuffer.DisableSendfile} {
		for _, drains := range []evbuffer.Flag{0, evbuffer.DrainsToFD} {
			for _, tt := range tests {
				s, err := evbuffer.NewFileSegment(openFile(t, name), tt.offset, tt.length, flags|evbuffer.CloseOnFree)
				ok(t, err)
				b := bufferOf(t, "<")
				ok(t, b.SetFlags(drains))
				ok(t, b.AddFileSegment(s, tt.partOffset, tt.partLength))
				s.Free()
				ok(t, b.AddString(">"))
				want(t, "length", b.Len(), len(tt.want)+2)
				wantContent(t, b, "<"+tt.want+">")
				b.Free()
			}
		}
	}
}

func TestBadSegmentsAreErrors(t *testing.T) {
	fd := openFile(t, writeFile(t, []byte("0123456789")))
	defer sysio.Close(fd)
	tests := []struct {
		name           string
		offset, length int64
		flags          evbuffer.SegmentFlag
		want           error
	}{
		{"negative offset", -1, 5, 0, evbuffer.ErrRange},
		{"offset behind the end", 11, -1, 0, evbuffer.ErrRange},
		{"too large for anything", 5, math.MaxInt64, 0, evbuffer.ErrRange},
		{"unknown flag", 0, 5, evbuffer.DisableLocking << 1, evbuffer.ErrFlag},
	}
	for _, tt := range tests {
		_, err := evbuffer.NewFileSegment(fd, tt.offset, tt.length, tt.flags)
		wantError(t, tt.name, err, tt.want)
	}
	if _, err := evbuffer.NewFileSegment(-1, 0, -1, 0); err == nil {
		t.Error("the length of no file at all is known")
	}
}

func TestAFileShorterThanItsSegment(t *testing.T) {
	name := writeFile(t, []byte("0123456789"))
	pair := socketPair(t)
	for _, flags := range []evbuffer.SegmentFlag{0, evbuffer.DisableMmap, evbuffer.DisableSendfile} {
		s, err := evbuffer.NewFileSegment(openFile(t, name), 5, 100, flags|evbuffer.CloseOnFree)
		ok(t, err)
		var b evbuffer.Buffer
		wantError(t, "in memory", b.AddFileSegment(s, 0, -1), io.ErrUnexpectedEOF)
		wantContent(t, &b, "")

		ok(t, b.SetFlags(evbuffer.DrainsToFD))
		err = b.AddFileSegment(s, 0, -1)
		for err == nil {
			_, err = b.WriteFD(pair[0])
		}
		wantError(t, "sent", err, io.ErrUnexpectedEOF)
		mustCheck(t, &b)
		b.Free()
		s.Free()
	}
}

func TestCloseOnFree(t *testing.T) {
	name := writeFile(t, []byte("0123456789"))
	calls := countCalls(t)

	fd := openFile(t, name)
	s, err := evbuffer.NewFileSegment(fd, 0, -1, 0)
	ok(t, err)
	s.Free()
	want(t, "calls of close", calls[sysio.OpClose], 0)

	s, err = evbuffer.NewFileSegment(fd, 0, -1, evbuffer.CloseOnFree)
	ok(t, err)
	s.Free()
	s.Free()
	want(t, "calls of close", calls[sysio.OpClose], 1)
	if _, err := sysio.Size(fd); err == nil {
		t.Error("the descriptor is still open")
	}
}

func TestASegmentLivesAsLongAsSomebodyRefersToIt(t *testing.T) {
	s, err := evbuffer.NewFileSegment(openFile(t, writeFile(t, []byte("0123456789"))), 0, -1, evbuffer.CloseOnFree)
	ok(t, err)
	cleaned := 0
	s.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) { t.Error("the cleanup that was replaced") })
	s.SetCleanup(func(of *evbuffer.FileSegment, flags evbuffer.SegmentFlag) {
		cleaned++
		want(t, "segment", of, s)
		want(t, "flags", flags, evbuffer.CloseOnFree)
		if _, err := sysio.Size(s.FD()); err == nil {
			t.Error("the descriptor is still open")
		}
	})
	var a, b, c evbuffer.Buffer
	ok(t, a.AddFileSegment(s, 0, 5))
	ok(t, a.AddFileSegment(s, 3, -1))
	ok(t, b.AddFileSegment(s, 0, -1))
	s.Free()
	s.Free()
	ok(t, a.Drain(9))
	ok(t, c.AddBuffer(&a))
	b.Free()
	want(t, "cleanups with some bytes left", cleaned, 0)
	wantContent(t, &c, "789")
	_, err = c.Remove(make([]byte, 3))
	ok(t, err)
	want(t, "cleanups", cleaned, 1)
	wantError(t, "adding it now", a.AddFileSegment(s, 0, -1), evbuffer.ErrSegmentFreed)
}

func TestAFreedSegmentCannotBeAdded(t *testing.T) {
	s, err := evbuffer.NewFileSegment(openFile(t, writeFile(t, []byte("0123456789"))), 0, -1, evbuffer.CloseOnFree)
	ok(t, err)
	var a, b evbuffer.Buffer
	ok(t, a.AddFileSegment(s, 0, -1))
	s.Free()
	wantError(t, "adding it", b.AddFileSegment(s, 0, -1), evbuffer.ErrSegmentFreed)
	wantContent(t, &a, "0123456789")
	a.Free()
}

// Each way of bringing a file into memory shows in the calls it takes.
func TestWaysIntoMemory(t *testing.T) {
	name := writeFile(t, []byte("0123456789"))
	tests := []struct {
		name   string
		flags  evbuffer.SegmentFlag
		drains evbuffer.Flag
		want   []sysio.Op // to add it
		read   []sysio.Op // to read it then
	}{
		{"mapped", 0, 0, []sysio.Op{sysio.OpSize, sysio.OpMap}, nil},
		{"read", evbuffer.DisableMmap, 0, []sysio.Op{sysio.OpPread}, nil},
		{"mapped, as sendfile is off", evbuffer.DisableSendfile, evbuffer.DrainsToFD, []sysio.Op{sysio.OpSize, sysio.OpMap}, nil},
		{"read, as all else is off", evbuffer.DisableSendfile | evbuffer.DisableMmap, evbuffer.DrainsToFD, []sysio.Op{sysio.OpPread}, nil},
		{"left on disk", 0, evbuffer.DrainsToFD, nil, []sysio.Op{sysio.OpSize, sysio.OpMap}},
		{"left on disk, then read", evbuffer.DisableMmap, evbuffer.DrainsToFD, nil, []sysio.Op{sysio.OpPread}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == nil && !sysio.CanSendfile {
				t.Skip("this system has no sendfile")
			}
			s, err := evbuffer.NewFileSegment(openFile(t, name), 0, 10, tt.flags|evbuffer.CloseOnFree)
			ok(t, err)
			var calls []sysio.Op
			defer sysio.SetHook(func(c sysio.Call) (int, error) {
				calls = append(calls, c.Op)
				return c.Len, nil
			})()
			var b evbuffer.Buffer
			ok(t, b.SetFlags(tt.drains))
			ok(t, b.AddFileSegment(s, 0, -1))
			if !slices.Equal(calls, tt.want) {
				t.Errorf("adding it took %v, want %v", calls, tt.want)
			}
			calls = nil
			wantContent(t, &b, "0123456789")
			wantContent(t, &b, "0123456789")
			ok(t, b.AddFileSegment(s, 0, -1))
			if !slices.Equal(calls, tt.read) {
				t.Errorf("reading it took %v, want %v", calls, tt.read)
			}
			b.Free()
			calls = nil
			s.Free()
			gone := []sysio.Op{sysio.OpUnmap, sysio.OpClose}
			if tt.flags&evbuffer.DisableMmap != 0 {
				gone = gone[1:]
			}
			if !slices.Equal(calls, gone) {
				t.Errorf("freeing it took %v, want %v", calls, gone)
			}
		})
	}
}

// A header before a file can be looked at without the file.
func TestWhatLiesBeforeAFileLeavesItOnDisk(t *testing.T) {
	if !sysio.CanSendfile {
		t.Skip("this system has no sendfile")
	}
	s := newSegment(t, writeFile(t, []byte("0123456789")), 0)
	b := bufferOf(t, "header\n")
	ok(t, b.SetFlags(evbuffer.DrainsToFD))
	ok(t, b.AddFileSegment(s, 0, -1))
	calls := countCalls(t)
	p := make([]byte, 7)
	for name, do := range map[string]func() error{
		"CopyOut":   func() error { _, err := b.CopyOut(p); return err },
		"Pullup":    func() error { _, err := b.Pullup(7); return err },
		"Peek":      func() error { _, err := b.Peek(7, nil, make([][]byte, 2)); return err },
		"Search":    func() error { _, err := b.Search([]byte("der"), nil); return err },
		"SearchEOL": func() error { _, _, err := b.SearchEOL(nil, evbuffer.EOLCRLF); return err },
	} {
		ok(t, do())
		want(t, name+": kinds of calls", len(calls), 0)
	}
	_, err := b.ReadLine(evbuffer.EOLCRLF)
	ok(t, err)
	want(t, "kinds of calls", len(calls), 0)
	b.Free()
}

func TestAFileThatCannotBeMappedIsRead(t *testing.T) {
	for _, unmappable := range []sysio.Op{sysio.OpMap, sysio.OpSize} {
		testUnmappable(t, unmappable)
	}
}

func testUnmappable(t *testing.T, unmappable sysio.Op) {
	s := newSegment(t, writeFile(t, []byte("0123456789")), 0)
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op == unmappable {
			return 0, syscall.ENOMEM
		}
		return 3, nil // read it in small pieces
	})()
	var b evbuffer.Buffer
	ok(t, b.AddFileSegment(s, 0, -1))
	wantContent(t, &b, "0123456789")
	b.Free()
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	s := newSegment(t, writeFile(t, []byte("0123456789")), 0)
	broken := errors.New("broken disk")
	var fail bool
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		if fail && (c.Op == sysio.OpMap || c.Op == sysio.OpPread) {
			return 0, broken
		}
		return c.Len, nil
	})()
	fail = true
	b := bufferOf(t, "x")
	wantError(t, "adding it", b.AddFileSegment(s, 0, -1), broken)
	wantContent(t, b, "x")
	if !sysio.CanSendfile {
		return
	}

	// It is noticed late if the file was to be sent from disk.
	ok(t, b.SetFlags(evbuffer.DrainsToFD))
	ok(t, b.AddFileSegment(s, 0, -1))
	want(t, "contiguous bytes", b.ContiguousSpace(), 1)
	p := make([]byte, 5)
	vecs := make([][]byte, 2)
	for name, do := range map[string]func() error{
		"Remove":    func() error { _, err := b.Remove(p); return err },
		"CopyOut":   func() error { _, err := b.CopyOut(p); return err },
		"Pullup":    func() error { _, err := b.Pullup(3); return err },
		"Peek":      func() error { _, err := b.Peek(-1, nil, vecs); return err },
		"Search":    func() error { _, err := b.Search([]byte("9"), nil); return err },
		"Search x0": func() error { _, err := b.Search([]byte("x0"), nil); return err },
		"SearchEOL": func() error { _, _, err := b.SearchEOL(nil, evbuffer.EOLCRLF); return err },
		"ReadLine":  func() error { _, err := b.ReadLine(evbuffer.EOLAny); return err },
	} {
		wantError(t, name, do(), broken)
		want(t, name+": length", b.Len(), 11)
		mustCheck(t, b)
	}
	_, err := b.WriteTo(io.Discard)
	wantError(t, "WriteTo", err, broken)
	want(t, "length", b.Len(), 10)
	ok(t, b.Prepend([]byte("\r")))
	_, _, err = b.SearchEOL(nil, evbuffer.EOLAny)
	wantError(t, "SearchEOL", err, broken)
	fail = false
	wantContent(t, b, "\r0123456789")
	b.Free()
}

// What goes wrong when a segment is given up reaches the log.
func TestFailuresToFreeAreLogged(t *testing.T) {
	s, err := evbuffer.NewFileSegment(openFile(t, writeFile(t, []byte("0123456789"))), 0, -1, evbuffer.CloseOnFree)
	ok(t, err)
	var b evbuffer.Buffer
	ok(t, b.AddFileSegment(s, 0, -1))
	var logged []string
	event.SetLogCallback(func(_ event.LogSeverity, msg string) { logged = append(logged, msg) })
	defer event.SetLogCallback(nil)
	mapping := evbuffer.MappingOf(s)
	broken := errors.New("broken system")
	restore := sysio.SetHook(func(sysio.Call) (int, error) { return 0, broken })
	b.Free()
	s.Free()
	restore()
	ok(t, mapping.Unmap())
	ok(t, sysio.Close(s.FD()))
	want(t, "messages", len(logged), 2)
	for _, msg := range logged {
		if !strings.Contains(msg, broken.Error()) {
			t.Errorf("%q does not say why", msg)
		}
	}
}

func TestAddFileOwnsTheDescriptor(t *testing.T) {
	name := writeFile(t, []byte("0123456789"))
	closed := func(what string, fd int) {
		t.Helper()
		if _, err := sysio.Size(fd); err == nil {
			t.Errorf("%s: the descriptor is still open", what)
			sysio.Close(fd)
		}
	}
	var b evbuffer.Buffer
	fd := openFile(t, name)
	ok(t, b.AddFile(fd, 3, 4))
	wantContent(t, &b, "3456")
	b.Free()
	closed("freed", fd)

	fd = openFile(t, name)
	wantError(t, "bad offset", b.AddFile(fd, -1, 4), evbuffer.ErrRange)
	closed("bad offset", fd)

	fd = openFile(t, name)
	wantError(t, "too long", b.AddFile(fd, 5, 6), io.ErrUnexpectedEOF)
	closed("too long", fd)

	fd = openFile(t, name)
	b.Freeze(evbuffer.Back)
	wantError(t, "frozen", b.AddFile(fd, 0, -1), evbuffer.ErrFrozen)
	closed("frozen", fd)
}

func TestDisableLockingLeavesTheLockAlone(t *testing.T) {
	name := writeFile(t, []byte("0123456789"))
	for flags, locks := range map[evbuffer.SegmentFlag]bool{0: true, evbuffer.DisableLocking: false} {
		s := newSegment(t, name, flags)
		want(t, fmt.Sprintf("flags %d: operations lock", flags), evbuffer.LocksItself(s), locks)
	}
}

func TestASegmentLargerThanAPageFromTheMiddleOfOne(t *testing.T) {
	text := strings.Repeat("0123456789", 20000)
	name := writeFile(t, []byte(text))
	for _, flags := range []evbuffer.SegmentFlag{0, evbuffer.DisableMmap} {
		s, err := evbuffer.NewFileSegment(openFile(t, name), 70001, 100000, flags|evbuffer.CloseOnFree)
		ok(t, err)
		want(t, "length", s.Len(), 100000)
		var b evbuffer.Buffer
		ok(t, b.AddFileSegment(s, 5, -1))
		s.Free()
		wantContent(t, &b, text[70006:170001])
		b.Free()
	}
}

func TestFilesAreNotLeaked(t *testing.T) {
	before := leak.Descriptors()
	if before < 0 {
		t.Skip("this system does not tell how many descriptors are open")
	}
	name := writeFile(t, []byte("0123456789"))
	for range 10 {
		var b evbuffer.Buffer
		ok(t, b.AddFile(openFile(t, name), 0, -1))
		ok(t, b.Drain(10))
	}
	want(t, "descriptors", leak.Settled(leak.Descriptors, before), before)
}

// A segment may claim to be much longer than its file is. Finding out must not
// take memory for what is not there.
func TestReadingASegmentTakesNoMoreMemoryThanTheFileHas(t *testing.T) {
	name := writeFile(t, generate(1, 3<<20))
	for _, flags := range []evbuffer.SegmentFlag{0, evbuffer.DisableMmap} {
		s, err := evbuffer.NewFileSegment(openFile(t, name), 0, math.MaxInt/2, flags|evbuffer.CloseOnFree)
		ok(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var b evbuffer.Buffer
		wantError(t, "adding it", b.AddFileSegment(s, 0, -1), io.ErrUnexpectedEOF)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
			t.Errorf("it took %d bytes of memory", grown)
		}
		wantContent(t, &b, "")
		s.Free()
	}
}

func TestReadingALargeSegment(t *testing.T) {
	data := generate(1, 3<<20+12345)
	s := newSegment(t, writeFile(t, data), evbuffer.DisableMmap)
	var b evbuffer.Buffer
	ok(t, b.AddFileSegment(s, 0, -1))
	want(t, "content", bytes.Equal(content(t, &b), data), true)
	b.Free()
}

// What cannot be added leaves no trace in the segment.
func TestASegmentThatIsRefusedIsNotHeld(t *testing.T) {
	cleaned := 0
	s, err := evbuffer.NewFileSegment(openFile(t, writeFile(t, []byte("0123456789"))), 0, 20, evbuffer.CloseOnFree)
	ok(t, err)
	s.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) { cleaned++ })
	var b evbuffer.Buffer
	wantError(t, "out of range", b.AddFileSegment(s, 5, 16), evbuffer.ErrRange)
	wantError(t, "too short", b.AddFileSegment(s, 0, -1), io.ErrUnexpectedEOF)
	ok(t, b.AddFileSegment(s, 20, -1))
	b.Freeze(evbuffer.Back)
	wantError(t, "frozen", b.AddFileSegment(s, 0, 5), evbuffer.ErrFrozen)
	want(t, "cleanups before", cleaned, 0)
	s.Free()
	want(t, "cleanups", cleaned, 1)
}
