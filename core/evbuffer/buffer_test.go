package evbuffer_test

import (
	"errors"
	"math"
	"testing"
	"unsafe"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// bufferOf returns a buffer with this content.
func bufferOf(t testing.TB, s string) *evbuffer.Buffer {
	t.Helper()
	b := evbuffer.New()
	ok(t, b.AddString(s))
	return b
}

// bufferOfPieces returns a buffer in which each piece is a chunk, the odd ones
// by reference.
func bufferOfPieces(t testing.TB, pieces ...string) *evbuffer.Buffer {
	t.Helper()
	b := evbuffer.New()
	for i, p := range pieces {
		if i%2 == 0 {
			piece := bufferOf(t, p)
			evbuffer.AppendChunks(b, piece)
		} else {
			ok(t, b.AddReference([]byte(p), nil))
		}
	}
	want(t, "number of chunks", chunks(t, b), len(pieces))
	return b
}

func chunks(t testing.TB, b *evbuffer.Buffer) int {
	t.Helper()
	n, err := b.Peek(-1, nil, nil)
	ok(t, err)
	return n
}

// memory returns how much memory the chunks of a buffer have, apart from what was
// added by reference or is a file's.
func memory(b *evbuffer.Buffer) int {
	n := 0
	for _, c := range evbuffer.Chunks(b) {
		if !c.Borrowed {
			n += c.Cap
		}
	}
	return n
}

// wantError fails the test unless err wraps target; nil wants none.
func wantError(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: got error %v, want %v", what, err, target)
	}
}

func TestABufferIsSmall(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the limit is for 64-bit machines")
	}
	if size := unsafe.Sizeof(evbuffer.Buffer{}); size > 72 {
		t.Errorf("a Buffer takes %d bytes, want at most 72", size)
	}
}

func TestTheZeroBufferIsReady(t *testing.T) {
	var b evbuffer.Buffer
	want(t, "length", b.Len(), 0)
	want(t, "contiguous space", b.ContiguousSpace(), 0)
	want(t, "max read", b.MaxRead(), evbuffer.DefaultMaxRead)
	ok(t, b.AddString("hello"))
	wantContent(t, &b, "hello")
}

func TestAnEmptyBufferOwnsNoMemory(t *testing.T) {
	empty := []struct {
		name string
		do   func(b *evbuffer.Buffer)
	}{
		{"drained", func(b *evbuffer.Buffer) { b.Drain(b.Len()) }},
		{"removed", func(b *evbuffer.Buffer) { b.Remove(make([]byte, b.Len())) }},
		{"moved away", func(b *evbuffer.Buffer) { new(evbuffer.Buffer).AddBuffer(b) }},
		{"freed", func(b *evbuffer.Buffer) { b.Free() }},
	}
	for _, e := range empty {
		t.Run(e.name, func(t *testing.T) {
			b := bufferOf(t, "hello")
			ok(t, b.Expand(100000))
			if _, ok := evbuffer.Spare(b); !ok {
				t.Fatal("it has no spare memory to give up")
			}
			e.do(b)
			mustCheck(t, b)
			if n, spare := evbuffer.Spare(b); len(evbuffer.Chunks(b)) != 0 || spare {
				t.Errorf("it has %v and %d spare bytes", evbuffer.Chunks(b), n)
			}
		})
	}
}

func TestContiguousSpaceIsTheFirstChunk(t *testing.T) {
	b := bufferOfPieces(t, "first", "second")
	want(t, "contiguous space", b.ContiguousSpace(), 5)
}

func TestFreeMakesABufferAsGoodAsNew(t *testing.T) {
	b := bufferOf(t, "hello")
	called := 0
	e := b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { called++ })
	b.Freeze(evbuffer.Front)
	b.Freeze(evbuffer.Back)
	ok(t, b.SetMaxRead(10))
	ok(t, b.SetFlags(evbuffer.DrainsToFD))
	var at evbuffer.Ptr
	ok(t, b.SetPtr(&at, 0, evbuffer.PtrSet))
	cleaned := 0
	b.Unfreeze(evbuffer.Back)
	ok(t, b.AddReference([]byte("x"), func([]byte) { cleaned++ }))
	want(t, "calls of the callback before", called, 1)

	b.Free()
	want(t, "cleanups", cleaned, 1)
	want(t, "calls of the callback", called, 1)
	want(t, "length", b.Len(), 0)
	want(t, "max read", b.MaxRead(), evbuffer.DefaultMaxRead)
	want(t, "plain", evbuffer.IsPlain(b), true)
	wantError(t, "removing the callback", b.RemoveCallback(e), evbuffer.ErrNoCallback)
	_, err := b.Search([]byte("h"), &at)
	wantError(t, "using a position", err, evbuffer.ErrPosition)

	ok(t, b.AddString("again"))
	wantContent(t, b, "again")
	b.Free()
	b.Free()
	want(t, "cleanups", cleaned, 1)
}

func TestMaxReadIsLimited(t *testing.T) {
	var b evbuffer.Buffer
	ok(t, b.SetMaxRead(math.MaxInt32))
	want(t, "max read", b.MaxRead(), math.MaxInt32)
	wantError(t, "negative", b.SetMaxRead(-1), evbuffer.ErrRange)
	if math.MaxInt > math.MaxInt32 {
		n := math.MaxInt32
		wantError(t, "too large", b.SetMaxRead(n+1), evbuffer.ErrRange)
	}
	want(t, "max read after errors", b.MaxRead(), math.MaxInt32)
	ok(t, b.SetMaxRead(0))
	want(t, "max read", b.MaxRead(), evbuffer.DefaultMaxRead)
}

func TestUnknownFlagsAreRefused(t *testing.T) {
	var b evbuffer.Buffer
	wantError(t, "set", b.SetFlags(evbuffer.DrainsToFD|2), evbuffer.ErrFlag)
	want(t, "drains", evbuffer.Drains(&b), false)
	ok(t, b.SetFlags(evbuffer.DrainsToFD))
	wantError(t, "clear", b.ClearFlags(evbuffer.DrainsToFD|2), evbuffer.ErrFlag)
	want(t, "drains", evbuffer.Drains(&b), true)
	ok(t, b.SetFlags(0))
	want(t, "drains", evbuffer.Drains(&b), true)
	ok(t, b.ClearFlags(evbuffer.DrainsToFD))
	want(t, "drains", evbuffer.Drains(&b), false)
}

// An endTest is an operation that changes one end of a buffer.
type endTest struct {
	name string
	end  evbuffer.End
	do   func(b *evbuffer.Buffer) error
}

func endTests(t *testing.T) []endTest {
	pair := socketPair(t)
	file := writeFile(t, []byte("file"))
	segment := newSegment(t, file, 0)
	discard := func(_ int, err error) error { return err }
	return []endTest{
		{"Add", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.Add([]byte("x")) }},
		{"Add nothing", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.Add(nil) }},
		{"AddString", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.AddString("x") }},
		{"AddIOVec", evbuffer.Back, func(b *evbuffer.Buffer) error { return discard(b.AddIOVec([][]byte{{1}})) }},
		{"Printf", evbuffer.Back, func(b *evbuffer.Buffer) error { return discard(b.Printf("x")) }},
		{"AddBuffer", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.AddBuffer(bufferOf(t, "x")) }},
		{"AddBufferReference", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.AddBufferReference(bufferOf(t, "x")) }},
		{"AddReference", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.AddReference([]byte("x"), nil) }},
		{"AddFileSegment", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.AddFileSegment(segment, 0, -1) }},
		{"AddFile", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.AddFile(openFile(t, file), 0, -1) }},
		{"RemoveBuffer, destination", evbuffer.Back, func(b *evbuffer.Buffer) error { return discard(bufferOf(t, "xy").RemoveBuffer(b, 1)) }},
		{"Reserve", evbuffer.Back, func(b *evbuffer.Buffer) error { return discard(b.Reserve(1, make([][]byte, 1))) }},
		{"Commit", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.Commit(nil) }},
		{"ReadFD", evbuffer.Back, func(b *evbuffer.Buffer) error {
			ok(t, discard(bufferOf(t, "x").WriteFD(pair[0])))
			err := discard(b.ReadFD(pair[1], -1))
			new(evbuffer.Buffer).ReadFD(pair[1], -1)
			return err
		}},
		{"ReadFrom", evbuffer.Back, func(b *evbuffer.Buffer) error { _, err := b.ReadFrom(bufferOf(t, "x")); return err }},
		{"Write", evbuffer.Back, func(b *evbuffer.Buffer) error { return discard(b.Write([]byte("x"))) }},
		{"WriteByte", evbuffer.Back, func(b *evbuffer.Buffer) error { return b.WriteByte('x') }},
		{"WriteString", evbuffer.Back, func(b *evbuffer.Buffer) error { return discard(b.WriteString("x")) }},

		{"Prepend", evbuffer.Front, func(b *evbuffer.Buffer) error { return b.Prepend([]byte("x")) }},
		{"PrependBuffer", evbuffer.Front, func(b *evbuffer.Buffer) error { return b.PrependBuffer(bufferOf(t, "x")) }},
		{"PrependBuffer, source", evbuffer.Front, func(b *evbuffer.Buffer) error { return evbuffer.New().PrependBuffer(b) }},
		{"AddBuffer, source", evbuffer.Front, func(b *evbuffer.Buffer) error { return evbuffer.New().AddBuffer(b) }},
		{"RemoveBuffer", evbuffer.Front, func(b *evbuffer.Buffer) error { return discard(b.RemoveBuffer(evbuffer.New(), 1)) }},
		{"Drain", evbuffer.Front, func(b *evbuffer.Buffer) error { return b.Drain(1) }},
		{"Remove", evbuffer.Front, func(b *evbuffer.Buffer) error { return discard(b.Remove(make([]byte, 1))) }},
		{"CopyOut", evbuffer.Front, func(b *evbuffer.Buffer) error { return discard(b.CopyOut(make([]byte, 1))) }},
		{"CopyOutFrom", evbuffer.Front, func(b *evbuffer.Buffer) error { return discard(b.CopyOutFrom(nil, make([]byte, 1))) }},
		{"ReadLine", evbuffer.Front, func(b *evbuffer.Buffer) error { _, err := b.ReadLine(evbuffer.EOLLF); return err }},
		{"WriteFD", evbuffer.Front, func(b *evbuffer.Buffer) error { return discard(b.WriteFD(pair[0])) }},
		{"WriteFDAtMost", evbuffer.Front, func(b *evbuffer.Buffer) error { return discard(b.WriteFDAtMost(pair[0], 1)) }},
		{"WriteTo", evbuffer.Front, func(b *evbuffer.Buffer) error { _, err := b.WriteTo(evbuffer.New()); return err }},
		{"Read", evbuffer.Front, func(b *evbuffer.Buffer) error { return discard(b.Read(make([]byte, 1))) }},
		{"ReadByte", evbuffer.Front, func(b *evbuffer.Buffer) error { _, err := b.ReadByte(); return err }},
	}
}

func TestFrozenEndsDoNotChange(t *testing.T) {
	const text = "line\nanother\nthird"
	for _, e := range endTests(t) {
		for _, frozen := range []evbuffer.End{evbuffer.Front, evbuffer.Back} {
			name := e.name + map[evbuffer.End]string{evbuffer.Front: " with the front frozen", evbuffer.Back: " with the back frozen"}[frozen]
			t.Run(name, func(t *testing.T) {
				b := bufferOf(t, text)
				defer b.Free()
				changes := 0
				b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { changes++ })
				b.Freeze(frozen)
				b.Freeze(frozen)
				var wanted error
				if e.end == frozen {
					wanted = evbuffer.ErrFrozen
				}
				wantError(t, "frozen", e.do(b), wanted)
				if wanted != nil {
					want(t, "changes", changes, 0)
					wantContent(t, b, text)
				}
				b.Unfreeze(frozen)
				wantError(t, "unfrozen", e.do(b), nil)
				mustCheck(t, b)
			})
		}
	}
}

func TestTakingNothingIsPossibleFromAFrozenFront(t *testing.T) {
	b := bufferOf(t, "x")
	b.Freeze(evbuffer.Front)
	for _, p := range [][]byte{nil, {}} {
		for name, do := range map[string]func([]byte) (int, error){"Remove": b.Remove, "CopyOut": b.CopyOut, "Read": b.Read} {
			n, err := do(p)
			want(t, name, n, 0)
			wantError(t, name, err, nil)
		}
	}
	ok(t, b.Prepend(nil))
	empty := evbuffer.New()
	empty.Freeze(evbuffer.Front)
	ok(t, empty.Drain(5))
	ok(t, evbuffer.New().AddBuffer(empty))
}

func TestBadArgumentsAreErrors(t *testing.T) {
	other := bufferOf(t, "other")
	var otherPtr, stale, unset evbuffer.Ptr
	ok(t, other.SetPtr(&otherPtr, 1, evbuffer.PtrSet))
	segment := newSegment(t, writeFile(t, []byte("0123456789")), 0)
	discard := func(_ int, err error) error { return err }
	discardPtr := func(_ evbuffer.Ptr, err error) error { return err }
	var b *evbuffer.Buffer
	tests := []struct {
		name string
		do   func() error
		want error
	}{
		{"drain a negative number", func() error { return b.Drain(-1) }, evbuffer.ErrRange},
		{"expand by more than there can be", func() error { return b.Expand(math.MaxInt) }, evbuffer.ErrRange},
		{"expand by too much", func() error { return b.Expand(evbuffer.MaxReserve + 1) }, evbuffer.ErrRange},
		{"reserve too much", func() error { return discard(b.Reserve(evbuffer.MaxReserve+1, make([][]byte, 1))) }, evbuffer.ErrRange},
		{"reserve too much for an empty buffer", func() error { return discard(evbuffer.New().Reserve(math.MaxInt, make([][]byte, 1))) }, evbuffer.ErrRange},
		{"expand by a negative number", func() error { return b.Expand(-1) }, evbuffer.ErrRange},
		{"reserve a negative number", func() error { return discard(b.Reserve(-1, make([][]byte, 1))) }, evbuffer.ErrRange},
		{"reserve without vectors", func() error { return discard(b.Reserve(1, nil)) }, evbuffer.ErrRange},
		{"reserve more than can be counted", func() error { return discard(b.Reserve(math.MaxInt, make([][]byte, 1))) }, evbuffer.ErrRange},
		{"move a negative number", func() error { return discard(b.RemoveBuffer(other, -1)) }, evbuffer.ErrRange},
		{"pull up more than there is", func() error { _, err := b.Pullup(100); return err }, evbuffer.ErrRange},
		{"reference with a negative offset", func() error { return b.AddReferenceWithOffset([]byte("x"), -1, 1, nil) }, evbuffer.ErrRange},
		{"reference with a negative length", func() error { return b.AddReferenceWithOffset([]byte("x"), 0, -1, nil) }, evbuffer.ErrRange},
		{"reference beyond the end", func() error { return b.AddReferenceWithOffset([]byte("xy"), 1, 2, nil) }, evbuffer.ErrRange},
		{"reference from beyond the end", func() error { return b.AddReferenceWithOffset([]byte("xy"), 3, 0, nil) }, evbuffer.ErrRange},
		{"reference to itself", func() error { return b.AddBufferReference(b) }, evbuffer.ErrRange},
		{"segment from beyond the end", func() error { return b.AddFileSegment(segment, 11, -1) }, evbuffer.ErrRange},
		{"segment from before the start", func() error { return b.AddFileSegment(segment, -1, 1) }, evbuffer.ErrRange},
		{"segment to beyond the end", func() error { return b.AddFileSegment(segment, 5, 6) }, evbuffer.ErrRange},
		{"segment that overflows", func() error { return b.AddFileSegment(segment, 5, math.MaxInt64) }, evbuffer.ErrRange},

		{"add nil buffer", func() error { return b.AddBuffer(nil) }, event.ErrNil},
		{"prepend nil buffer", func() error { return b.PrependBuffer(nil) }, event.ErrNil},
		{"move to nil buffer", func() error { return discard(b.RemoveBuffer(nil, 1)) }, event.ErrNil},
		{"reference to nil buffer", func() error { return b.AddBufferReference(nil) }, event.ErrNil},
		{"nil segment", func() error { return b.AddFileSegment(nil, 0, 0) }, event.ErrNil},
		{"nil base", func() error { return b.DeferCallbacks(nil) }, event.ErrNil},
		{"nil position", func() error { return b.SetPtr(nil, 0, evbuffer.PtrSet) }, event.ErrNil},

		{"search from another buffer's position", func() error { return discardPtr(b.Search([]byte("x"), &otherPtr)) }, evbuffer.ErrPosition},
		{"search up to another buffer's position", func() error { return discardPtr(b.SearchRange([]byte("x"), nil, &otherPtr)) }, evbuffer.ErrPosition},
		{"search from a stale position", func() error { return discardPtr(b.Search([]byte("x"), &stale)) }, evbuffer.ErrPosition},
		{"search up to a stale position", func() error { return discardPtr(b.SearchRange([]byte("x"), nil, &stale)) }, evbuffer.ErrPosition},
		{"search from an unset position", func() error { return discardPtr(b.Search([]byte("x"), &unset)) }, evbuffer.ErrPosition},
		{"search line from another buffer's position", func() error { _, _, err := b.SearchEOL(&otherPtr, evbuffer.EOLLF); return err }, evbuffer.ErrPosition},
		{"copy from another buffer's position", func() error { return discard(b.CopyOutFrom(&otherPtr, make([]byte, 1))) }, evbuffer.ErrPosition},
		{"peek from another buffer's position", func() error { return discard(b.Peek(1, &otherPtr, nil)) }, evbuffer.ErrPosition},
		{"move another buffer's position", func() error { p := otherPtr; return b.SetPtr(&p, 1, evbuffer.PtrAdd) }, evbuffer.ErrPosition},
		{"move an unset position", func() error { p := unset; return b.SetPtr(&p, 1, evbuffer.PtrAdd) }, evbuffer.ErrPosition},
		{"position before the start", func() error { return b.SetPtr(new(evbuffer.Ptr), -1, evbuffer.PtrSet) }, evbuffer.ErrRange},
		{"position beyond the end", func() error { return b.SetPtr(new(evbuffer.Ptr), 8, evbuffer.PtrSet) }, evbuffer.ErrRange},

		{"unknown line ending", func() error { _, err := b.ReadLine(evbuffer.EOLNUL + 1); return err }, evbuffer.ErrFlag},
		{"negative line ending", func() error { _, _, err := b.SearchEOL(nil, -1); return err }, evbuffer.ErrFlag},
		{"unknown way to set a position", func() error { return b.SetPtr(new(evbuffer.Ptr), 0, evbuffer.PtrAdd+1) }, evbuffer.ErrFlag},
		{"commit of other memory", func() error { return b.Commit([][]byte{make([]byte, 1)}) }, evbuffer.ErrNotReserved},
		{"commit of nothing at all", func() error { return b.Commit([][]byte{nil}) }, evbuffer.ErrNotReserved},
		{"remove nil callback", func() error { return b.RemoveCallback(nil) }, evbuffer.ErrNoCallback},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b = bufferOf(t, ".content")
			ok(t, b.SetPtr(&stale, 1, evbuffer.PtrSet))
			ok(t, b.Drain(1))
			wantError(t, tt.name, tt.do(), tt.want)
			wantContent(t, b, "content")
			wantContent(t, other, "other")
		})
	}
}

func TestLengthsDoNotOverflow(t *testing.T) {
	full := evbuffer.OfLength(math.MaxInt - 2)
	three := func() *evbuffer.Buffer { return bufferOf(t, "abc") }
	discard := func(_ int, err error) error { return err }
	for name, do := range map[string]func() error{
		"Add":                func() error { return full.AddString("abc") },
		"AddIOVec":           func() error { return discard(full.AddIOVec([][]byte{{1, 2}, {3}})) },
		"Prepend":            func() error { return full.Prepend([]byte("abc")) },
		"AddBuffer":          func() error { return full.AddBuffer(three()) },
		"PrependBuffer":      func() error { return full.PrependBuffer(three()) },
		"RemoveBuffer":       func() error { return discard(three().RemoveBuffer(full, 3)) },
		"AddReference":       func() error { return full.AddReference([]byte("abc"), nil) },
		"AddBufferReference": func() error { return full.AddBufferReference(three()) },
		"Reserve":            func() error { return discard(full.Reserve(3, make([][]byte, 1))) },
		"Expand":             func() error { return full.Expand(3) },
		"ReadFD":             func() error { return discard(full.ReadFD(-1, -1)) },
	} {
		wantError(t, name, do(), evbuffer.ErrRange)
		want(t, name+": length", full.Len(), math.MaxInt-2)
	}
}
