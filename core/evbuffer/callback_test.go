package evbuffer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/evtest"
)

// record makes changes of b known to log.
func record(b *evbuffer.Buffer, log *[]string, name string) *evbuffer.CallbackEntry {
	return b.AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		*log = append(*log, fmt.Sprintf("%s%d+%d-%d", name, info.Orig, info.Added, info.Deleted))
	})
}

func wantLog(t *testing.T, log *[]string, wanted ...string) {
	t.Helper()
	if !slices.Equal(*log, wanted) {
		t.Errorf("callbacks got %v, want %v", *log, wanted)
	}
	*log = nil
}

func TestCallbacksAreToldOfEveryChange(t *testing.T) {
	pair := socketPair(t)
	segment := newSegment(t, writeFile(t, []byte("0123")), 0)
	discard := func(_ int, err error) error { return err }
	tests := []struct {
		name string
		do   func(b *evbuffer.Buffer) error
		want string // for a buffer with "ab\ncd"; empty: nothing
	}{
		{"Add", func(b *evbuffer.Buffer) error { return b.Add([]byte("xyz")) }, "5+3-0"},
		{"Add nothing", func(b *evbuffer.Buffer) error { return b.Add(nil) }, ""},
		{"AddString", func(b *evbuffer.Buffer) error { return b.AddString("xyz") }, "5+3-0"},
		{"AddIOVec", func(b *evbuffer.Buffer) error { return discard(b.AddIOVec([][]byte{{1}, {2, 3}})) }, "5+3-0"},
		{"Printf", func(b *evbuffer.Buffer) error { return discard(b.Printf("%d", 123)) }, "5+3-0"},
		{"Prepend", func(b *evbuffer.Buffer) error { return b.Prepend([]byte("xyz")) }, "5+3-0"},
		{"Prepend nothing", func(b *evbuffer.Buffer) error { return b.Prepend(nil) }, ""},
		{"AddBuffer", func(b *evbuffer.Buffer) error { return b.AddBuffer(bufferOf(t, "xyz")) }, "5+3-0"},
		{"AddBuffer of nothing", func(b *evbuffer.Buffer) error { return b.AddBuffer(evbuffer.New()) }, ""},
		{"AddBuffer to another", func(b *evbuffer.Buffer) error { return evbuffer.New().AddBuffer(b) }, "5+0-5"},
		{"PrependBuffer", func(b *evbuffer.Buffer) error { return b.PrependBuffer(bufferOf(t, "xyz")) }, "5+3-0"},
		{"PrependBuffer to another", func(b *evbuffer.Buffer) error { return evbuffer.New().PrependBuffer(b) }, "5+0-5"},
		{"RemoveBuffer", func(b *evbuffer.Buffer) error { return discard(b.RemoveBuffer(evbuffer.New(), 2)) }, "5+0-2"},
		{"RemoveBuffer of all", func(b *evbuffer.Buffer) error { return discard(b.RemoveBuffer(evbuffer.New(), 9)) }, "5+0-5"},
		{"RemoveBuffer to it", func(b *evbuffer.Buffer) error { return discard(bufferOf(t, "xyz").RemoveBuffer(b, 2)) }, "5+2-0"},
		{"AddBufferReference", func(b *evbuffer.Buffer) error { return b.AddBufferReference(bufferOf(t, "xyz")) }, "5+3-0"},
		{"AddReference", func(b *evbuffer.Buffer) error { return b.AddReference([]byte("xyz"), nil) }, "5+3-0"},
		{"AddFileSegment", func(b *evbuffer.Buffer) error { return b.AddFileSegment(segment, 1, -1) }, "5+3-0"},
		{"Commit", func(b *evbuffer.Buffer) error {
			vecs := make([][]byte, 1)
			ok(t, discard(b.Reserve(3, vecs)))
			return b.Commit([][]byte{vecs[0][:3]})
		}, "5+3-0"},
		{"Drain", func(b *evbuffer.Buffer) error { return b.Drain(2) }, "5+0-2"},
		{"Drain of all", func(b *evbuffer.Buffer) error { return b.Drain(9) }, "5+0-5"},
		{"Drain of nothing", func(b *evbuffer.Buffer) error { return b.Drain(0) }, ""},
		{"Remove", func(b *evbuffer.Buffer) error { return discard(b.Remove(make([]byte, 2))) }, "5+0-2"},
		{"ReadLine", func(b *evbuffer.Buffer) error { _, err := b.ReadLine(evbuffer.EOLLF); return err }, "5+0-3"},
		{"ReadFD", func(b *evbuffer.Buffer) error {
			ok(t, discard(bufferOf(t, "xyz").WriteFD(pair[0])))
			return discard(b.ReadFD(pair[1], -1))
		}, "5+3-0"},
		{"WriteFD", func(b *evbuffer.Buffer) error {
			err := discard(b.WriteFD(pair[0]))
			new(evbuffer.Buffer).ReadFD(pair[1], -1)
			return err
		}, "5+0-5"},
		{"WriteTo", func(b *evbuffer.Buffer) error { _, err := b.WriteTo(evbuffer.New()); return err }, "5+0-5"},
		{"ReadFrom", func(b *evbuffer.Buffer) error { _, err := b.ReadFrom(bufferOf(t, "xyz")); return err }, "5+3-0"},
		{"CopyOut", func(b *evbuffer.Buffer) error { return discard(b.CopyOut(make([]byte, 3))) }, ""},
		{"Pullup", func(b *evbuffer.Buffer) error { _, err := b.Pullup(-1); return err }, ""},
		{"Peek", func(b *evbuffer.Buffer) error { return discard(b.Peek(-1, nil, make([][]byte, 1))) }, ""},
		{"Expand", func(b *evbuffer.Buffer) error { return b.Expand(1000) }, ""},
		{"Compact", func(b *evbuffer.Buffer) error { b.Compact(); return nil }, ""},
		{"Free", func(b *evbuffer.Buffer) error { b.Free(); return nil }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := bufferOf(t, "ab\ncd")
			defer b.Free()
			var log []string
			record(b, &log, "")
			ok(t, tt.do(b))
			if tt.want == "" {
				wantLog(t, &log)
			} else {
				wantLog(t, &log, tt.want)
			}
		})
	}
}

func TestBothBuffersOfAMoveAreTold(t *testing.T) {
	from, to := bufferOf(t, "abcdef"), bufferOf(t, "x")
	var log []string
	record(from, &log, "from ")
	record(to, &log, "to ")
	_, err := from.RemoveBuffer(to, 2)
	ok(t, err)
	wantLog(t, &log, "to 1+2-0", "from 6+0-2")
	ok(t, to.AddBuffer(from))
	wantLog(t, &log, "from 4+0-4", "to 3+4-0")
}

func TestTheLatestCallbackComesFirst(t *testing.T) {
	var b evbuffer.Buffer
	var log []string
	for _, name := range []string{"a ", "b ", "c "} {
		record(&b, &log, name)
	}
	ok(t, b.AddString("x"))
	wantLog(t, &log, "c 0+1-0", "b 0+1-0", "a 0+1-0")
}

func TestDisabledCallbacksAreNotCalled(t *testing.T) {
	var b evbuffer.Buffer
	var log []string
	e := record(&b, &log, "")
	ok(t, e.ClearFlags(evbuffer.CallbackEnabled))
	ok(t, b.AddString("abc"))
	wantLog(t, &log)
	ok(t, e.SetFlags(evbuffer.CallbackEnabled))
	ok(t, b.AddString("de"))
	wantLog(t, &log, "3+2-0")
}

func TestRemovedCallbacksAreNotCalled(t *testing.T) {
	var b evbuffer.Buffer
	var log []string
	first, second, third := record(&b, &log, "1 "), record(&b, &log, "2 "), record(&b, &log, "3 ")
	ok(t, b.RemoveCallback(second))
	ok(t, b.AddString("a"))
	wantLog(t, &log, "3 0+1-0", "1 0+1-0")
	wantError(t, "removing it again", b.RemoveCallback(second), evbuffer.ErrNoCallback)
	wantError(t, "removing it from elsewhere", evbuffer.New().RemoveCallback(first), evbuffer.ErrNoCallback)
	wantError(t, "setting its flags", second.SetFlags(evbuffer.CallbackEnabled), evbuffer.ErrNoCallback)
	wantError(t, "clearing its flags", second.ClearFlags(evbuffer.CallbackEnabled), evbuffer.ErrNoCallback)
	wantError(t, "setting flags of none at all", new(evbuffer.CallbackEntry).SetFlags(evbuffer.CallbackEnabled), evbuffer.ErrNoCallback)
	wantError(t, "removing none at all", b.RemoveCallback(new(evbuffer.CallbackEntry)), evbuffer.ErrNoCallback)
	ok(t, b.RemoveCallback(third))
	ok(t, b.RemoveCallback(first))
	ok(t, b.AddString("b"))
	wantLog(t, &log)
	mustCheck(t, &b)
}

func TestUnknownCallbackFlagsAreRefused(t *testing.T) {
	e := evbuffer.New().AddCallback(nil)
	wantError(t, "set", e.SetFlags(evbuffer.CallbackEnabled|4), evbuffer.ErrFlag)
	wantError(t, "clear", e.ClearFlags(4), evbuffer.ErrFlag)
	want(t, "flags", evbuffer.Flags(e), evbuffer.CallbackEnabled)
}

func TestACallbackKnowsItsBufferAndData(t *testing.T) {
	var b evbuffer.Buffer
	called := false
	e := b.AddCallback(func(e *evbuffer.CallbackEntry, _ evbuffer.CallbackInfo) {
		called = true
		want(t, "buffer", e.Buffer(), &b)
		want(t, "data", e.Data, any("mine"))
	})
	e.Data = "mine"
	ok(t, b.AddString("x"))
	want(t, "called", called, true)
}

func TestANilCallbackIsNeverCalled(t *testing.T) {
	var b evbuffer.Buffer
	b.AddCallback(nil)
	ok(t, b.AddString("x"))
}

func TestCallbacksMayDoAnything(t *testing.T) {
	var b evbuffer.Buffer
	var log []string
	var others []*evbuffer.CallbackEntry
	tests := map[string]struct {
		do   func(e *evbuffer.CallbackEntry)
		want []string
	}{
		"nothing":         {func(*evbuffer.CallbackEntry) {}, []string{"3 0+4-0", "1 0+4-0"}},
		"remove itself":   {func(e *evbuffer.CallbackEntry) { ok(t, b.RemoveCallback(e)) }, []string{"3 0+4-0", "1 0+4-0"}},
		"remove the next": {func(*evbuffer.CallbackEntry) { ok(t, b.RemoveCallback(others[0])) }, []string{"3 0+4-0"}},
		"remove the one before": {func(*evbuffer.CallbackEntry) { ok(t, b.RemoveCallback(others[1])) },
			[]string{"3 0+4-0", "1 0+4-0"}},
		"remove all": {func(e *evbuffer.CallbackEntry) {
			ok(t, b.RemoveCallback(others[0]))
			ok(t, b.RemoveCallback(others[1]))
			ok(t, b.RemoveCallback(e))
		}, []string{"3 0+4-0"}},
		"disable the next": {func(*evbuffer.CallbackEntry) { ok(t, others[0].ClearFlags(evbuffer.CallbackEnabled)) }, []string{"3 0+4-0"}},
		"add another":      {func(*evbuffer.CallbackEntry) { record(&b, &log, "new ") }, []string{"3 0+4-0", "1 0+4-0"}},
		"free the buffer":  {func(*evbuffer.CallbackEntry) { b.Free() }, []string{"3 0+4-0"}},
		"free it and use it again": {func(*evbuffer.CallbackEntry) {
			b.Free()
			record(&b, &log, "new ")
			ok(t, b.AddString("x"))
		}, []string{"3 0+4-0", "new 0+1-0"}},
		"change the buffer": {func(e *evbuffer.CallbackEntry) {
			ok(t, e.ClearFlags(evbuffer.CallbackEnabled))
			ok(t, b.Drain(1))
		}, []string{"3 0+4-0", "1 0+4-0", "3 4+0-1", "1 4+0-1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b.Free()
			log = nil
			others = []*evbuffer.CallbackEntry{record(&b, &log, "1 ")}
			b.AddCallback(func(e *evbuffer.CallbackEntry, _ evbuffer.CallbackInfo) { tt.do(e) })
			others = append(others, record(&b, &log, "3 "))
			ok(t, b.AddString("abcd"))
			wantLog(t, &log, tt.want...)
			mustCheck(t, &b)
		})
	}
}

// An observer notes what it is told, and by which buffer.
type observer struct {
	log  *[]string
	name string
}

func (o *observer) BufferChanged(b *evbuffer.Buffer, info evbuffer.CallbackInfo) {
	*o.log = append(*o.log, fmt.Sprintf("%s%d+%d-%d=%d", o.name, info.Orig, info.Added, info.Deleted, b.Len()))
}

func TestAnObserverIsToldAfterTheCallbacks(t *testing.T) {
	var b evbuffer.Owned
	var log []string
	record(&b.Buffer, &log, "callback ")
	b.Own(&observer{&log, "observer "})
	ok(t, b.AddString("abc"))
	wantLog(t, &log, "callback 0+3-0", "observer 0+3-0=3")
	ok(t, b.Drain(1))
	wantLog(t, &log, "callback 3+0-1", "observer 3+0-1=2")
	ok(t, b.Add(nil))
	ok(t, b.Drain(0))
	wantLog(t, &log)
}

func TestABufferHasOneObserver(t *testing.T) {
	var b evbuffer.Owned
	var log []string
	b.Own(&observer{&log, "first "})
	b.Own(&observer{&log, "second "})
	ok(t, b.AddString("a"))
	wantLog(t, &log, "second 0+1-0=1")
	b.Own(nil)
	ok(t, b.AddString("a"))
	wantLog(t, &log)
}

func TestAnObserverIsNotDeferred(t *testing.T) {
	base := evtest.Base(t)
	var b evbuffer.Owned
	var log []string
	record(&b.Buffer, &log, "callback ")
	b.Own(&observer{&log, "observer "})
	ok(t, b.DeferCallbacks(base))
	ok(t, b.AddString("abc"))
	ok(t, b.Drain(1))
	wantLog(t, &log, "observer 0+3-0=3", "observer 3+0-1=2")
	evtest.Turn(t, base)
	wantLog(t, &log, "callback 0+3-1")
}

func TestAFreedBufferHasNoObserver(t *testing.T) {
	var b evbuffer.Owned
	var log []string
	b.Own(&observer{&log, ""})
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { b.Free() })
	ok(t, b.AddString("abc"))
	ok(t, b.AddString("abc"))
	wantLog(t, &log)
}
