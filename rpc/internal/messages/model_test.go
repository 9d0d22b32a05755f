package messages_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
	"github.com/go-libevent/libevent/rpc/internal/messages"
)

// A model is a message of type Everything as a simple struct: nil is what is not set.
type model struct {
	number, maybeNumber *uint32
	large, maybeLarge   *uint64
	text, maybeText     *string
	key                 *[messages.KeySize]byte
	maybeKey            *[3]byte
	data, maybeData     *[]byte
	one, maybeOne       *string // the name
	numbers             []uint32
	larges              []uint64
	texts               []string
	parts               []string
}

// FuzzOperations sets, adds and clears fields of a message and of a model, which stay the
// same; and so they are when the message was encoded, and decoded to one that was used.
func FuzzOperations(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, "text")
	f.Add([]byte{1, 12, 12, 28, 13, 13, 29, 14, 30, 15, 31, 16, 3, 32, 2}, "")
	used := new(messages.Everything)
	f.Fuzz(func(t *testing.T, operations []byte, s string) {
		m, want := new(messages.Everything), new(model)
		for i, op := range operations {
			want.change(m, op, uint64(i)<<(i%60), s)
			if got := modelOf(m); !reflect.DeepEqual(got, want) {
				t.Fatalf("after %v:\ngot  %+v\nwant %+v", operations[:i+1], got, want)
			}
		}
		var b evbuffer.Buffer
		ok(t, b.AddString("before"))
		if err := m.AppendTo(&b); (err == nil) != want.complete() || (m.Complete() == nil) != want.complete() {
			t.Fatalf("%v: %+v", err, want)
		} else if err != nil {
			if b.Len() != len("before") {
				t.Fatal("something was written")
			}
			return
		}
		ok(t, b.Drain(len("before")))
		p, err := b.Pullup(-1)
		ok(t, err)
		if expected := want.encode(t); !bytes.Equal(p, expected) || m.RecordsSize() != len(p) {
			t.Fatalf("%+v:\ngot  % x, %d bytes\nwant % x", want, p, m.RecordsSize(), expected)
		}
		ok(t, used.Unmarshal(&b))
		if got := modelOf(used); !reflect.DeepEqual(got, want) {
			t.Fatalf("after decoding:\ngot  %+v\nwant %+v", got, want)
		}
	})
}

// change does the same to a message and to the model.
func (w *model) change(m *messages.Everything, op byte, n uint64, s string) {
	small := uint32(n)
	part := new(messages.Part)
	part.SetName(s)
	switch op % 48 {
	case 0:
		m.SetNumber(small)
		w.number = &small
	case 1:
		m.SetLarge(n)
		w.large = &n
	case 2:
		m.SetText(s)
		w.text = &s
	case 3:
		key := [messages.KeySize]byte{byte(n)}
		m.SetKey(key)
		w.key = &key
	case 4:
		data := []byte(s)
		m.SetData(data)
		w.data = &data
	case 5:
		m.SetOne(part)
		w.one = &s
	case 6:
		m.SetMaybeNumber(small)
		w.maybeNumber = &small
	case 7:
		m.SetMaybeLarge(n)
		w.maybeLarge = &n
	case 8:
		m.SetMaybeText(s)
		w.maybeText = &s
	case 9:
		key := [3]byte{byte(n)}
		m.SetMaybeKey(key)
		w.maybeKey = &key
	case 10:
		data := []byte(s)
		m.SetMaybeData(data)
		w.maybeData = &data
	case 11:
		m.MutableMaybeOne().SetName(s)
		w.maybeOne = &s
	case 12:
		m.AddNumbers(small)
		w.numbers = append(w.numbers, small)
	case 13:
		m.AddLarges(n)
		w.larges = append(w.larges, n)
	case 14:
		m.AddTexts(s)
		w.texts = append(w.texts, s)
	case 15:
		if n%2 == 0 {
			m.AddParts(part)
		} else {
			m.AddNewParts().SetName(s)
		}
		w.parts = append(w.parts, s)
	default:
		w.clear(m, op%48, small, n, s, part)
	}
}

// clear does what makes fields empty, and what replaces arrays.
func (w *model) clear(m *messages.Everything, op byte, small uint32, n uint64, s string, part *messages.Part) {
	switch op {
	case 16:
		m.ClearNumber()
		w.number = nil
	case 17:
		m.ClearLarge()
		w.large = nil
	case 18:
		m.ClearText()
		w.text = nil
	case 19:
		m.ClearKey()
		w.key = nil
	case 20:
		m.ClearData()
		w.data = nil
	case 21:
		m.ClearOne()
		w.one = nil
	case 22:
		m.ClearMaybeNumber()
		w.maybeNumber = nil
	case 23:
		m.ClearMaybeLarge()
		w.maybeLarge = nil
	case 24:
		m.ClearMaybeText()
		w.maybeText = nil
	case 25:
		m.ClearMaybeKey()
		w.maybeKey = nil
	case 26:
		m.ClearMaybeData()
		w.maybeData = nil
	case 27:
		m.SetMaybeOne(nil)
		w.maybeOne = nil
	case 28:
		m.ClearNumbers()
		w.numbers = nil
	case 29:
		m.ClearLarges()
		w.larges = nil
	case 30:
		m.ClearTexts()
		w.texts = nil
	case 31:
		m.ClearParts()
		w.parts = nil
	case 32:
		m.Reset()
		*w = model{}
	case 33:
		m.SetNumbers([]uint32{small, 0})
		w.numbers = []uint32{small, 0}
	case 34:
		m.SetLarges([]uint64{n})
		w.larges = []uint64{n}
	case 35:
		m.SetTexts([]string{s, "", s})
		w.texts = []string{s, "", s}
	case 36:
		m.SetParts([]*messages.Part{part})
		w.parts = []string{s}
	}
}

// modelOf returns a message as a model.
func modelOf(m *messages.Everything) *model {
	w := &model{
		number: value(m.HasNumber(), m.Number()), maybeNumber: value(m.HasMaybeNumber(), m.MaybeNumber()),
		large: value(m.HasLarge(), m.Large()), maybeLarge: value(m.HasMaybeLarge(), m.MaybeLarge()),
		text: value(m.HasText(), m.Text()), maybeText: value(m.HasMaybeText(), m.MaybeText()),
		key: value(m.HasKey(), m.Key()), maybeKey: value(m.HasMaybeKey(), m.MaybeKey()),
		data: value(m.HasData(), append([]byte{}, m.Data()...)), maybeData: value(m.HasMaybeData(), append([]byte{}, m.MaybeData()...)),
		numbers: append([]uint32(nil), m.Numbers()...), larges: append([]uint64(nil), m.Larges()...), texts: append([]string(nil), m.Texts()...),
	}
	if m.HasOne() {
		w.one = value(true, m.One().Name())
	}
	if m.HasMaybeOne() {
		w.maybeOne = value(true, m.MaybeOne().Name())
	}
	for _, part := range m.Parts() {
		w.parts = append(w.parts, part.Name())
	}
	return w
}

func value[T any](set bool, v T) *T {
	if !set {
		return nil
	}
	return &v
}

// complete reports whether all is set that has to be.
func (w *model) complete() bool {
	return w.number != nil && w.large != nil && w.text != nil && w.key != nil && w.data != nil && w.one != nil
}

// encode writes the model, which is complete, record by record.
func (w *model) encode(t *testing.T) []byte {
	var b evbuffer.Buffer
	part := func(tag uint32, name string) {
		var inner evbuffer.Buffer
		ok(t, evtag.MarshalString(&inner, 1, name))
		ok(t, evtag.MarshalBuffer(&b, tag, &inner))
	}
	ok(t, evtag.MarshalInt(&b, 1, *w.number))
	ok(t, evtag.MarshalInt64(&b, 2, *w.large))
	ok(t, evtag.MarshalString(&b, 3, *w.text))
	ok(t, evtag.Marshal(&b, 4, w.key[:]))
	ok(t, evtag.Marshal(&b, 5, *w.data))
	part(6, *w.one)
	w.encodeOptional(t, &b)
	if w.maybeOne != nil {
		part(0x7fffffff, *w.maybeOne)
	}
	for _, n := range w.numbers {
		ok(t, evtag.MarshalInt(&b, 30, n))
	}
	for _, n := range w.larges {
		ok(t, evtag.MarshalInt64(&b, 29, n))
	}
	for _, s := range w.texts {
		ok(t, evtag.MarshalString(&b, 28, s))
	}
	for _, s := range w.parts {
		part(27, s)
	}
	p, err := b.Pullup(-1)
	ok(t, err)
	return p
}

func (w *model) encodeOptional(t *testing.T, b *evbuffer.Buffer) {
	if w.maybeNumber != nil {
		ok(t, evtag.MarshalInt(b, 0x10, *w.maybeNumber))
	}
	if w.maybeLarge != nil {
		ok(t, evtag.MarshalInt64(b, 0x80, *w.maybeLarge))
	}
	if w.maybeText != nil {
		ok(t, evtag.MarshalString(b, 16384, *w.maybeText))
	}
	if w.maybeKey != nil {
		ok(t, evtag.Marshal(b, 0x200000, w.maybeKey[:]))
	}
	if w.maybeData != nil {
		ok(t, evtag.Marshal(b, 0x10000000, *w.maybeData))
	}
}

// FuzzUnmarshal decodes anything: it ends, what is taken is complete and comes back the same.
func FuzzUnmarshal(f *testing.F) {
	f.Add(byte(1), []byte{2, 0, 3, 2, 1, 0}, 2)
	f.Fuzz(func(t *testing.T, kind byte, p []byte, cut int) {
		m := newMessages[int(kind)%len(newMessages)]()
		if decode(t, m, p, min(max(cut, 0), len(p))) != nil {
			if m.RecordsSize() != 0 {
				t.Fatal("after an error the message is not empty")
			}
			return
		}
		first := encode(t, m)
		again := newMessages[int(kind)%len(newMessages)]()
		ok(t, decode(t, again, first, 0))
		if !bytes.Equal(encode(t, again), first) {
			t.Fatalf("% x", first)
		}
	})
}
