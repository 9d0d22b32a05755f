package evbuffer_test

import (
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// TestCleanupsRunExactlyOnce takes references out of buffers in all ways there
// are.
func TestCleanupsRunExactlyOnce(t *testing.T) {
	pair := socketPair(t)
	discard := func(_ int, err error) error { return err }
	gone := []struct {
		name string
		// do makes everything in b go away.
		do func(b *evbuffer.Buffer) error
	}{
		{"drained", func(b *evbuffer.Buffer) error { return b.Drain(b.Len()) }},
		{"drained by and by", func(b *evbuffer.Buffer) error {
			for b.Len() > 0 {
				ok(t, b.Drain(1))
			}
			return nil
		}},
		{"removed", func(b *evbuffer.Buffer) error { return discard(b.Remove(make([]byte, b.Len()))) }},
		{"read", func(b *evbuffer.Buffer) error { return discard(b.Read(make([]byte, b.Len()))) }},
		{"read as a line", func(b *evbuffer.Buffer) error {
			ok(t, b.AddString("\n"))
			_, err := b.ReadLine(evbuffer.EOLLF)
			return err
		}},
		{"written", func(b *evbuffer.Buffer) error {
			err := discard(b.WriteFD(pair[0]))
			new(evbuffer.Buffer).ReadFD(pair[1], -1)
			return err
		}},
		{"written to a writer", func(b *evbuffer.Buffer) error { _, err := b.WriteTo(evbuffer.New()); return err }},
		{"freed", func(b *evbuffer.Buffer) error { b.Free(); return nil }},
		{"pulled up", func(b *evbuffer.Buffer) error {
			ok(t, b.Prepend([]byte("x")))
			_, err := b.Pullup(-1)
			return err
		}},
		{"moved and drained", func(b *evbuffer.Buffer) error {
			to := evbuffer.New()
			ok(t, to.AddBuffer(b))
			return to.Drain(to.Len())
		}},
		{"prepended and drained", func(b *evbuffer.Buffer) error {
			to := evbuffer.New()
			ok(t, to.PrependBuffer(b))
			return to.Drain(to.Len())
		}},
		{"moved in part, copied", func(b *evbuffer.Buffer) error {
			to := evbuffer.New()
			_, err := b.RemoveBuffer(to, b.Len()-1)
			ok(t, err)
			to.Free()
			return b.Drain(1)
		}},
		{"shared and drained", func(b *evbuffer.Buffer) error {
			to := evbuffer.New()
			ok(t, to.AddBufferReference(b))
			ok(t, b.Drain(b.Len()))
			return to.Drain(to.Len())
		}},
		{"shared and drained the other way round", func(b *evbuffer.Buffer) error {
			to := evbuffer.New()
			ok(t, to.AddBufferReference(b))
			ok(t, to.Drain(to.Len()))
			return b.Drain(b.Len())
		}},
		{"shared twice and freed", func(b *evbuffer.Buffer) error {
			x, y := evbuffer.New(), evbuffer.New()
			ok(t, x.AddBufferReference(b))
			ok(t, y.AddBufferReference(b))
			x.Free()
			b.Free()
			y.Free()
			return nil
		}},
		{"shared with a buffer it then moves to", func(b *evbuffer.Buffer) error {
			to := evbuffer.New()
			ok(t, to.AddBufferReference(b))
			ok(t, to.AddBuffer(b))
			return to.Drain(to.Len())
		}},
	}
	for _, tt := range gone {
		t.Run(tt.name, func(t *testing.T) {
			var cleaned [3]int
			b := evbuffer.New()
			for i := range cleaned {
				memory := []byte(strings.Repeat("x", 1+i))
				ok(t, b.AddReference(memory, func(p []byte) {
					if &p[0] != &memory[0] || len(p) != len(memory) {
						t.Error("the cleanup got other memory")
					}
					cleaned[i]++
				}))
			}
			want(t, "cleanups before", cleaned, [3]int{})
			ok(t, tt.do(b))
			want(t, "cleanups", cleaned, [3]int{1, 1, 1})
			b.Free()
			want(t, "cleanups after Free", cleaned, [3]int{1, 1, 1})
		})
	}
}

func TestACleanupWaitsForTheLastByte(t *testing.T) {
	cleaned := 0
	b := evbuffer.New()
	ok(t, b.AddReference([]byte("abc"), func([]byte) { cleaned++ }))
	ok(t, b.Drain(2))
	want(t, "cleanups with a byte left", cleaned, 0)
	ok(t, b.Drain(1))
	want(t, "cleanups", cleaned, 1)
}

func TestASplitReferenceIsCleanedUpOnce(t *testing.T) {
	cleaned := 0
	from, to := evbuffer.New(), evbuffer.New()
	ok(t, from.AddReference(make([]byte, 100000), func([]byte) { cleaned++ }))
	for _, n := range []int{10000, 20000, 30000} {
		_, err := from.RemoveBuffer(to, n)
		ok(t, err)
	}
	want(t, "chunks", chunks(t, to), 3)
	from.Free()
	ok(t, to.Drain(59999))
	want(t, "cleanups with a byte left", cleaned, 0)
	ok(t, to.Drain(1))
	want(t, "cleanups", cleaned, 1)
}

func TestAnEmptyReferenceIsCleanedUpAtOnce(t *testing.T) {
	cleaned := 0
	var b evbuffer.Buffer
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { t.Error("nothing has changed") })
	ok(t, b.AddReference([]byte{}, func([]byte) { cleaned++ }))
	ok(t, b.AddReferenceWithOffset([]byte("abc"), 3, 0, func([]byte) { cleaned++ }))
	ok(t, b.AddReference(nil, func(data []byte) {
		want(t, "memory is nil", data == nil, true)
		cleaned++
	}))
	ok(t, b.AddReferenceWithOffset(nil, 0, 0, func([]byte) { cleaned++ }))
	want(t, "cleanups", cleaned, 4)
	wantContent(t, &b, "")
	ok(t, b.AddReference([]byte{}, nil))
	ok(t, b.AddReference(nil, nil))
}

func TestARefusedReferenceIsNotCleanedUp(t *testing.T) {
	var b evbuffer.Buffer
	b.Freeze(evbuffer.Back)
	never := func([]byte) { t.Error("cleaned up") }
	wantError(t, "frozen", b.AddReference([]byte("x"), never), evbuffer.ErrFrozen)
	wantError(t, "frozen", b.AddReference([]byte{}, never), evbuffer.ErrFrozen)
	wantError(t, "nil", b.AddReference(nil, never), evbuffer.ErrFrozen)
	wantError(t, "out of range", b.AddReferenceWithOffset([]byte("x"), 1, 1, never), evbuffer.ErrRange)
	wantError(t, "out of range of nil", b.AddReferenceWithOffset(nil, 0, 1, never), evbuffer.ErrRange)
}

func TestReferenceWithOffset(t *testing.T) {
	memory := []byte("0123456789")
	var cleaned string
	var b evbuffer.Buffer
	ok(t, b.AddReferenceWithOffset(memory, 3, 4, func(p []byte) { cleaned = string(p) }))
	wantContent(t, &b, "3456")
	want(t, "address", addresses(t, &b)[0], &memory[3])
	ok(t, b.Drain(4))
	want(t, "cleaned up", cleaned, "0123456789")
}

// A cleanup runs in the middle of an operation, and may do what it likes.
func TestCleanupsMayUseTheBuffer(t *testing.T) {
	uses := map[string]func(b *evbuffer.Buffer){
		"add":     func(b *evbuffer.Buffer) { b.AddString("!") },
		"prepend": func(b *evbuffer.Buffer) { b.Prepend([]byte("!")) },
		"drain":   func(b *evbuffer.Buffer) { b.Drain(b.Len()) },
		"pull up": func(b *evbuffer.Buffer) { b.Pullup(-1) },
		"free":    func(b *evbuffer.Buffer) { b.Free() },
		"move":    func(b *evbuffer.Buffer) { evbuffer.New().AddBuffer(b) },
	}
	operations := map[string]func(b *evbuffer.Buffer){
		"Drain":   func(b *evbuffer.Buffer) { b.Drain(4) },
		"Remove":  func(b *evbuffer.Buffer) { b.Remove(make([]byte, 4)) },
		"Pullup":  func(b *evbuffer.Buffer) { b.Pullup(5) },
		"Free":    func(b *evbuffer.Buffer) { b.Free() },
		"WriteTo": func(b *evbuffer.Buffer) { b.WriteTo(evbuffer.New()) },
		"Move":    func(b *evbuffer.Buffer) { to := evbuffer.New(); b.RemoveBuffer(to, 4); to.Free() },
		"Replies": func(b *evbuffer.Buffer) { b.ReadLine(evbuffer.EOLNUL) },
	}
	for opName, operation := range operations {
		for useName, use := range uses {
			t.Run(useName+" in "+opName, func(t *testing.T) {
				b := bufferOf(t, "ab")
				cleaned := 0
				ok(t, b.AddReference([]byte("cd"), func([]byte) { cleaned++; use(b) }))
				ok(t, b.AddString("ef\x00 and more"))
				operation(b)
				mustCheck(t, b)
				want(t, "cleanups", cleaned, 1)
				b.Free()
				mustCheck(t, b)
			})
		}
	}
}

func TestBufferReferencesShareMemory(t *testing.T) {
	b := bufferOfPieces(t, "ab", "cd")
	to := bufferOf(t, "x")
	ok(t, to.AddBufferReference(b))
	wantContent(t, to, "xabcd")
	wantContent(t, b, "abcd")
	at := addresses(t, b)
	if shared := addresses(t, to)[1:]; shared[0] != at[0] || shared[1] != at[1] {
		t.Error("it was copied")
	}
	// From now on they go their own ways.
	ok(t, b.AddString("ef"))
	ok(t, b.Prepend([]byte("!")))
	ok(t, to.AddString("gh"))
	ok(t, b.Drain(2))
	wantContent(t, b, "bcdef")
	wantContent(t, to, "xabcdgh")
	ok(t, to.Drain(2))
	_, err := b.Pullup(-1)
	ok(t, err)
	_, err = to.Pullup(-1)
	ok(t, err)
	wantContent(t, b, "bcdef")
	wantContent(t, to, "bcdgh")
}

func TestSharedMemoryIsUsedAgainAfterTheLastOne(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	b, to := bufferOf(t, "hello"), evbuffer.New()
	memory := addresses(t, b)[0]
	ok(t, to.AddBufferReference(b))
	b.Free()
	other := bufferOf(t, "other")
	if addresses(t, other)[0] == memory {
		t.Fatal("memory in use was given away")
	}
	to.Free()
	again := bufferOf(t, "again")
	want(t, "memory", addresses(t, again)[0], memory)
}

func TestNestedReferencesAreRefused(t *testing.T) {
	segment := newSegment(t, writeFile(t, []byte("file")), 0)
	b := bufferOf(t, "x")
	reference := evbuffer.New()
	ok(t, reference.AddBufferReference(b))
	moved := evbuffer.New()
	ok(t, moved.AddBuffer(bufferOf(t, "moved")))
	part := evbuffer.New()
	ok(t, part.AddBufferReference(bufferOf(t, strings.Repeat("x", 20000))))
	file := evbuffer.New()
	ok(t, file.AddFileSegment(segment, 0, -1))
	defer file.Free()
	for name, tt := range map[string]struct {
		src  *evbuffer.Buffer
		want error
	}{
		"a buffer reference":            {reference, evbuffer.ErrNested},
		"a part of a buffer reference":  {part, evbuffer.ErrNested},
		"a file segment":                {file, evbuffer.ErrNested},
		"what has been referenced":      {b, nil},
		"what was moved here":           {moved, nil},
		"memory that is by reference":   {bufferOfPieces(t, "a", "b"), nil},
		"nothing":                       {evbuffer.New(), nil},
		"itself, as long as it's empty": {nil, nil},
	} {
		to := evbuffer.New()
		if tt.src == nil {
			tt.src = to
		}
		before := tt.src.Len()
		wantError(t, name, to.AddBufferReference(tt.src), tt.want)
		want(t, name+", length of the source", tt.src.Len(), before)
		if tt.want != nil {
			want(t, name+", length", to.Len(), 0)
		}
		mustCheck(t, to, tt.src)
	}
}

// Callbacks see what a cleanup does to the buffer as a change of its own, after
// the one that made the cleanup run.
func TestChangesByCleanupsComeAfterwards(t *testing.T) {
	var log []string
	operations := map[string]func(b *evbuffer.Buffer) error{
		"Drain":   func(b *evbuffer.Buffer) error { return b.Drain(4) },
		"Remove":  func(b *evbuffer.Buffer) error { _, err := b.Remove(make([]byte, 4)); return err },
		"WriteTo": func(b *evbuffer.Buffer) error { _, err := b.WriteTo(evbuffer.New()); return err },
		"Read":    func(b *evbuffer.Buffer) error { _, err := b.Read(make([]byte, 4)); return err },
	}
	for name, do := range operations {
		t.Run(name, func(t *testing.T) {
			var b evbuffer.Buffer
			ok(t, b.AddReference([]byte("abcd"), func([]byte) {
				log = append(log, "cleanup")
				if b.Len() == 0 && name != "WriteTo" { // that would go on for ever
					ok(t, b.AddString("xyz"))
				}
			}))
			record(&b, &log, "")
			ok(t, do(&b))
			if name == "WriteTo" {
				wantLog(t, &log, "4+0-4", "cleanup")
			} else {
				wantLog(t, &log, "4+0-4", "cleanup", "0+3-0")
			}
		})
	}
}

func TestACleanupMayFreeTheBufferAndUseItAgain(t *testing.T) {
	var log []string
	var b evbuffer.Buffer
	ok(t, b.AddReference([]byte("abcd"), func([]byte) {
		b.Free()
		record(&b, &log, "new ")
		ok(t, b.AddString("xyz"))
	}))
	ok(t, b.Drain(4))
	wantLog(t, &log, "new 0+3-0")
	wantContent(t, &b, "xyz")
}
