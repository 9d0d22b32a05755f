//go:build unix

package interop

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
)

// An Inner is the message Inner of peer.rpc. What need not be set is a pointer, here and
// below.
type Inner struct {
	Name string
	N    *uint32
}

// An Everything is the message Everything of peer.rpc, with fields of all types.
type Everything struct {
	Number uint32
	Big    uint64
	Text   string
	Key    [8]byte
	Blob   []byte
	Inner  Inner

	MaybeNumber *uint32
	MaybeBig    *uint64
	MaybeText   *string
	MaybeKey    *[4]byte
	MaybeBlob   []byte // or nil
	MaybeInner  *Inner

	Numbers []uint32
	Bigs    []uint64
	Texts   []string
	Inners  []Inner

	seen [13]bool // tags of fields that are no arrays
}

const innersTag = 0x12345

// everything returns the message of a number. The same rules are in testdata/peer.c.
func everything(n uint32) *Everything {
	const xs = "xxxxxxxxxxxxxxxxx"
	big := uint64(n) * 0x100000001
	data := make([]byte, 300)
	for i := range data {
		data[i] = byte(n*7 + uint32(i))
	}
	text := "text " + xs[:n%17]
	m := &Everything{Number: n, Big: big, Text: text, Key: [8]byte(data), Blob: data[:n%300], Inner: inner("inner", n&1 != 0, n)}
	if n&1 != 0 {
		m.MaybeNumber = new(^n)
	}
	if n&2 != 0 {
		m.MaybeBig = new(^big)
	}
	if n&4 != 0 {
		m.MaybeText = new("")
	}
	if n&8 != 0 {
		m.MaybeKey = (*[4]byte)(data[8:])
	}
	if n&16 != 0 {
		m.MaybeBlob = data[: n%5 : n%5]
	}
	if n&32 != 0 {
		m.MaybeInner = new(inner("maybe", true, 0))
	}
	for i := range n % 5 {
		m.Numbers = append(m.Numbers, n+i)
	}
	for i := range n >> 1 % 5 {
		m.Bigs = append(m.Bigs, big<<i)
	}
	for i := range n >> 2 % 5 {
		m.Texts = append(m.Texts, text[i:])
	}
	for i := range n >> 3 % 5 {
		m.Inners = append(m.Inners, inner(text[i:], i&1 != 0, i))
	}
	return m
}

func inner(name string, has bool, n uint32) Inner {
	if has {
		return Inner{name, &n}
	}
	return Inner{Name: name}
}

// is reports whether the message is the one of a number.
func (m *Everything) is(n uint32) bool {
	var got, want evbuffer.Buffer
	if errors.Join(m.AppendTo(&got), everything(n).AppendTo(&want)) != nil {
		return false
	}
	a, _ := got.Pullup(-1)
	b, _ := want.Pullup(-1)
	return bytes.Equal(a, b)
}

// Reset implements evrpc.Message, as do the others.
func (m *Everything) Reset() { *m = Everything{} }

// Complete says that there is a number, which no message of everything is without.
func (m *Everything) Complete() error {
	if m.Text == "" {
		return errors.New("Everything: text is missing")
	}
	return nil
}

func (m *Everything) AppendTo(out *evbuffer.Buffer) error {
	var err error
	note := func(e error) { err = errors.Join(err, e) }
	note(evtag.MarshalInt(out, 1, m.Number))
	note(evtag.MarshalInt64(out, 2, m.Big))
	note(evtag.MarshalString(out, 3, m.Text))
	note(evtag.Marshal(out, 4, m.Key[:]))
	note(evtag.Marshal(out, 5, m.Blob))
	note(m.Inner.appendTo(out, 6))
	if m.MaybeNumber != nil {
		note(evtag.MarshalInt(out, 7, *m.MaybeNumber))
	}
	if m.MaybeBig != nil {
		note(evtag.MarshalInt64(out, 8, *m.MaybeBig))
	}
	if m.MaybeText != nil {
		note(evtag.MarshalString(out, 9, *m.MaybeText))
	}
	if m.MaybeKey != nil {
		note(evtag.Marshal(out, 10, m.MaybeKey[:]))
	}
	if m.MaybeBlob != nil {
		note(evtag.Marshal(out, 11, m.MaybeBlob))
	}
	if m.MaybeInner != nil {
		note(m.MaybeInner.appendTo(out, 12))
	}
	for _, v := range m.Numbers {
		note(evtag.MarshalInt(out, 13, v))
	}
	for _, v := range m.Bigs {
		note(evtag.MarshalInt64(out, 14, v))
	}
	for _, v := range m.Texts {
		note(evtag.MarshalString(out, 15, v))
	}
	for i := range m.Inners {
		note(m.Inners[i].appendTo(out, innersTag))
	}
	return err
}

func (in *Inner) appendTo(out *evbuffer.Buffer, tag uint32) error {
	var b evbuffer.Buffer
	err := evtag.MarshalString(&b, 1, in.Name)
	if in.N != nil {
		err = errors.Join(err, evtag.MarshalInt(&b, 2, *in.N))
	}
	return errors.Join(err, evtag.MarshalBuffer(out, tag, &b))
}

func (m *Everything) Unmarshal(in *evbuffer.Buffer) error {
	r := evtag.NewReader(in)
	for r.Len() > 0 {
		tag, _, err := r.PeekTag()
		if err == nil {
			err = m.field(&r, tag)
		}
		if err != nil {
			m.Reset()
			return fmt.Errorf("Everything: tag %d: %w", tag, err)
		}
	}
	for tag := 1; tag <= 6; tag++ {
		if !m.seen[tag] {
			m.Reset()
			return fmt.Errorf("Everything: tag %d is missing", tag)
		}
	}
	return r.Drain()
}

var errTwice = errors.New("comes twice")

// field reads a field.
func (m *Everything) field(r *evtag.Reader, tag uint32) (err error) {
	if int(tag) < len(m.seen) {
		if m.seen[tag] {
			return errTwice
		}
		m.seen[tag] = true
	}
	switch tag {
	case 1:
		m.Number, err = r.Int(tag)
	case 2:
		m.Big, err = r.Int64(tag)
	case 3:
		m.Text, err = r.String(tag)
	case 4:
		err = r.Fixed(tag, m.Key[:])
	case 5:
		m.Blob, err = r.AppendBytes([]byte{}, tag)
	case 6:
		err = m.Inner.read(r, tag)
	case 7:
		m.MaybeNumber, err = pointer(r.Int(tag))
	case 8:
		m.MaybeBig, err = pointer(r.Int64(tag))
	case 9:
		m.MaybeText, err = pointer(r.String(tag))
	case 10:
		m.MaybeKey = new([4]byte)
		err = r.Fixed(tag, m.MaybeKey[:])
	case 11:
		m.MaybeBlob, err = r.AppendBytes([]byte{}, tag)
	case 12:
		m.MaybeInner = new(Inner)
		err = m.MaybeInner.read(r, tag)
	default:
		err = m.element(r, tag)
	}
	return err
}

// element reads an element of an array.
func (m *Everything) element(r *evtag.Reader, tag uint32) (err error) {
	switch tag {
	case 13:
		m.Numbers, err = with(m.Numbers)(r.Int(tag))
	case 14:
		m.Bigs, err = with(m.Bigs)(r.Int64(tag))
	case 15:
		m.Texts, err = with(m.Texts)(r.String(tag))
	case innersTag:
		var in Inner
		err = in.read(r, tag)
		m.Inners = append(m.Inners, in)
	default:
		err = errors.New("not known")
	}
	return err
}

func (in *Inner) read(r *evtag.Reader, tag uint32) error {
	nested, err := r.Nested(tag)
	for err == nil && nested.Len() > 0 {
		if tag, _, err = nested.PeekTag(); err != nil {
			break
		}
		switch tag {
		case 1:
			in.Name, err = nested.String(tag)
		case 2:
			in.N, err = pointer(nested.Int(tag))
		default:
			err = errors.New("not known")
		}
	}
	return err
}

func pointer[T any](v T, err error) (*T, error) { return &v, err }

// with returns a function that appends a value.
func with[T any](list []T) func(v T, err error) ([]T, error) {
	return func(v T, err error) ([]T, error) { return append(list, v), err }
}

func TestEverythingIsDecodedAsItWasEncoded(t *testing.T) {
	for n := range uint32(1000) {
		var b evbuffer.Buffer
		if err := everything(n).AppendTo(&b); err != nil {
			t.Fatal(n, err)
		}
		m := new(Everything)
		if err := m.Unmarshal(&b); err != nil || !m.is(n) || m.is(n+1) || b.Len() > 0 {
			t.Fatalf("%d: %v, %+v", n, err, m)
		}
	}
}
