//go:build unix

package interop

import (
	"bytes"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// everything returns the message of a number. The same rules are in testdata/peer.c.
func everything(n uint32) *Everything {
	const xs = "xxxxxxxxxxxxxxxxx"
	big := uint64(n) * 0x100000001
	data := make([]byte, 300)
	for i := range data {
		data[i] = byte(n*7 + uint32(i))
	}
	text := "text " + xs[:n%17]
	m := new(Everything)
	m.SetNumber(n)
	m.SetBig(big)
	m.SetText(text)
	m.SetKey([8]byte(data))
	m.SetBlob(data[:n%300])
	m.SetInner(inner("inner", n&1 != 0, n))
	if n&1 != 0 {
		m.SetMaybeNumber(^n)
	}
	if n&2 != 0 {
		m.SetMaybeBig(^big)
	}
	if n&4 != 0 {
		m.SetMaybeText("")
	}
	if n&8 != 0 {
		m.SetMaybeKey([4]byte(data[8:]))
	}
	if n&16 != 0 {
		m.SetMaybeBlob(data[:n%5])
	}
	if n&32 != 0 {
		m.SetMaybeInner(inner("maybe", true, 0))
	}
	for i := range n % 5 {
		m.AddNumbers(n + i)
	}
	for i := range n >> 1 % 5 {
		m.AddBigs(big << i)
	}
	for i := range n >> 2 % 5 {
		m.AddTexts(text[i:])
	}
	for i := range n >> 3 % 5 {
		m.AddInners(inner(text[i:], i&1 != 0, i))
	}
	return m
}

func inner(name string, has bool, n uint32) *Inner {
	m := new(Inner)
	m.SetName(name)
	if has {
		m.SetN(n)
	}
	return m
}

// nothing returns a message whose encoding is not empty, which a request must not be.
func nothing() *Nothing {
	m := new(Nothing)
	m.SetN(7)
	return m
}

// is reports whether the message is the one of a number.
func (m *Everything) is(n uint32) bool {
	return bytes.Equal(m.AppendRecords(nil), everything(n).AppendRecords(nil))
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
