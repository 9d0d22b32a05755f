package messages_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/extra/evtag"
	"github.com/go-libevent/libevent/rpc/evrpc"
	"github.com/go-libevent/libevent/rpc/internal/messages"
)

// All of them are messages of evrpc.
var _ = []evrpc.Message{new(messages.Everything), new(messages.Node), new(messages.Nothing), new(messages.Part)}

func TestRandomMessagesComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		kind, m := randomMessage(r)
		sent := encode(t, m)
		again := newMessages[kind]()
		ok(t, decode(t, again, sent, r.IntN(len(sent)+1)))
		if !bytes.Equal(encode(t, again), sent) {
			t.Fatalf("type %d: % x", kind, sent)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, tt := range []struct {
		without func(m *messages.Everything)
		text    string
	}{
		{func(m *messages.Everything) { m.ClearNumber() }, "evtag: everything.number: field is missing"},
		{func(m *messages.Everything) { m.ClearLarge() }, "evtag: everything.large: field is missing"},
		{func(m *messages.Everything) { m.ClearText() }, "evtag: everything.text: field is missing"},
		{func(m *messages.Everything) { m.ClearKey() }, "evtag: everything.key: field is missing"},
		{func(m *messages.Everything) { m.ClearData() }, "evtag: everything.data: field is missing"},
		{func(m *messages.Everything) { m.ClearOne() }, "evtag: everything.one: field is missing"},
		{func(m *messages.Everything) { m.One().ClearName() }, "evtag: everything.one.name: field is missing"},
		{func(m *messages.Everything) { m.SetMaybeOne(new(messages.Part)) }, "evtag: everything.maybe_one.name: field is missing"},
		{func(m *messages.Everything) { m.AddNewParts() }, "evtag: everything.parts.name: field is missing"},
		{func(m *messages.Everything) { m.AddParts(nil) }, "evtag: everything.parts: field is missing"},
	} {
		m := randomEverything(r)
		tt.without(m)
		err := m.AppendTo(evbuffer.New())
		if !errors.Is(err, evtag.ErrMissing) || err.Error() != tt.text || m.Complete() == nil {
			t.Errorf("%v, want %s", err, tt.text)
		}
		if m.HasOne() && len(m.Parts()) > 0 && m.Parts()[len(m.Parts())-1] == nil {
			continue // there is no encoding
		}
		if err := decode(t, new(messages.Everything), m.AppendRecords(nil), 0); err == nil || err.Error() != tt.text {
			t.Errorf("decoded: %v, want %s", err, tt.text)
		}
	}
}

func TestWhatIsThereTwiceIsRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	m := randomEverything(r)
	randomOptional(r, m)
	for _, tt := range []struct{ record, field string }{
		{"\x01\x01\x05", "number"}, {"\x02\x01\x05", "large"}, {"\x03\x00", "text"}, {"\x04\x18\x10" + string(make([]byte, 24)), "key"},
		{"\x05\x00", "data"}, {"\x06\x02\x01\x00", "one"},
	} {
		err := decode(t, m, append(encode(t, randomEverything(r)), tt.record...), 0)
		if !errors.Is(err, evtag.ErrDuplicate) || err.Error() != "evtag: everything."+tt.field+": field is there twice" {
			t.Errorf("%s: %v", tt.field, err)
		}
	}
}

// deep returns a node with so many others around it.
func deep(n int) *messages.Node {
	m := new(messages.Node)
	for range n {
		outer := new(messages.Node)
		outer.SetNext(m)
		m = outer
	}
	return m
}

func TestDepthIsLimited(t *testing.T) {
	most := deep(evtag.DefaultMaxDepth)
	ok(t, decode(t, new(messages.Node), encode(t, most), 0))
	more := deep(evtag.DefaultMaxDepth + 1)
	if err := more.AppendTo(evbuffer.New()); !errors.Is(err, evtag.ErrTooDeep) {
		t.Error("encoded:", err)
	}
	if err := decode(t, new(messages.Node), more.AppendRecords(nil), 0); !errors.Is(err, evtag.ErrTooDeep) {
		t.Error("decoded:", err)
	}
	b := evbuffer.New()
	ok(t, b.Add(more.AppendRecords(nil)))
	ok(t, new(messages.Node).UnmarshalWith(b, &evtag.ParserConfig{MaxDepth: evtag.DefaultMaxDepth + 1}))
	circle := new(messages.Node)
	circle.AddChildren(circle)
	if err := circle.Complete(); !errors.Is(err, evtag.ErrTooDeep) {
		t.Error("in a circle:", err)
	}
}

func TestMemoryIsLimited(t *testing.T) {
	// Each child takes two bytes on the way.
	b := evbuffer.New()
	ok(t, b.Add(bytes.Repeat([]byte{3, 0}, 1<<20)))
	m := new(messages.Node)
	if err := m.UnmarshalWith(b, &evtag.ParserConfig{MaxMemory: 1 << 20}); !errors.Is(err, evtag.ErrMemory) || m.Children() != nil {
		t.Error(err, len(m.Children()))
	}
}

func TestNoBuffer(t *testing.T) {
	m := new(messages.Nothing)
	if err := m.AppendTo(nil); !errors.Is(err, event.ErrNil) {
		t.Error(err)
	}
	if err := m.Unmarshal(nil); !errors.Is(err, event.ErrNil) {
		t.Error(err)
	}
}

// What cannot be taken out of the buffer was not decoded either.
func TestAFrozenBufferLeavesTheMessageEmpty(t *testing.T) {
	b := evbuffer.New()
	ok(t, b.Add([]byte{1, 0}))
	ok(t, b.Freeze(evbuffer.Front))
	m := new(messages.Node)
	if err := m.Unmarshal(b); !errors.Is(err, evbuffer.ErrFrozen) || m.HasName() {
		t.Error(err, m.HasName())
	}
}

// What comes and goes in a steady state costs no memory but that of strings and of messages
// in messages.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	m := new(messages.Part)
	m.SetName("")
	m.SetContent(make([]byte, 100))
	b := evbuffer.New()
	if n := testing.AllocsPerRun(100, func() {
		ok(t, m.AppendTo(b))
		ok(t, m.Unmarshal(b))
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
