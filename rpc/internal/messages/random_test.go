package messages_test

import (
	"math/rand/v2"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
	"github.com/go-libevent/libevent/rpc/internal/messages"
)

// A message is what all generated types are.
type message interface {
	Reset()
	Complete() error
	AppendTo(*evbuffer.Buffer) error
	Unmarshal(*evbuffer.Buffer) error
	UnmarshalWith(*evbuffer.Buffer, *evtag.ParserConfig) error
	RecordsSize() int
	AppendRecords([]byte) []byte
}

// newMessages are the types, in the order of the driver's.
var newMessages = []func() message{
	func() message { return new(messages.Everything) },
	func() message { return new(messages.Node) },
	func() message { return new(messages.Nothing) },
	func() message { return new(messages.Part) },
}

// ok fails a test at once if there is an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// encode returns the encoding of a complete message.
func encode(t testing.TB, m message) []byte {
	t.Helper()
	var b evbuffer.Buffer
	ok(t, m.AppendTo(&b))
	p := make([]byte, b.Len())
	_, err := b.Remove(p)
	ok(t, err)
	return p
}

// decode decodes a message from pieces, of which the first ends at cut.
func decode(t testing.TB, m message, p []byte, cut int) error {
	t.Helper()
	var b evbuffer.Buffer
	if cut > 0 {
		ok(t, b.AddReference(p[:cut], nil))
	}
	if cut < len(p) {
		ok(t, b.AddReference(p[cut:], nil))
	}
	err := m.Unmarshal(&b)
	if b.Len() != 0 {
		t.Fatalf("%d bytes are left", b.Len())
	}
	return err
}

// number returns numbers of all lengths alike.
func number(r *rand.Rand) uint64 { return r.Uint64() >> r.UintN(64) }

// text returns a text without NULs.
func text(r *rand.Rand) string {
	p := data(r)
	for i := range p {
		p[i] |= 1
	}
	return string(p)
}

func data(r *rand.Rand) []byte {
	n := r.IntN(20)
	if r.UintN(40) == 0 {
		n = r.IntN(600)
	}
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// yes returns true half of the time.
func yes(r *rand.Rand) bool { return r.UintN(2) == 0 }

// randomMessage returns a message of any type, with its number.
func randomMessage(r *rand.Rand) (int, message) {
	switch r.UintN(8) {
	case 0:
		return 3, randomPart(r)
	case 1:
		return 2, new(messages.Nothing)
	case 2, 3:
		return 1, randomNode(r, 0)
	}
	return 0, randomEverything(r)
}

func randomPart(r *rand.Rand) *messages.Part {
	m := new(messages.Part)
	m.SetName(text(r))
	if yes(r) {
		m.SetContent(data(r))
	}
	if yes(r) {
		m.SetReset_(number(r))
	}
	return m
}

func randomNode(r *rand.Rand, depth int) *messages.Node {
	m := new(messages.Node)
	if yes(r) {
		m.SetName(text(r))
	}
	if depth < 5 && yes(r) {
		m.SetNext(randomNode(r, depth+1))
	}
	for depth < 4 && r.UintN(3) == 0 {
		m.AddChildren(randomNode(r, depth+1))
	}
	return m
}

func randomEverything(r *rand.Rand) *messages.Everything {
	m := new(messages.Everything)
	m.SetNumber(uint32(number(r) >> 32))
	m.SetLarge(number(r))
	m.SetText(text(r))
	m.SetKey([messages.KeySize]byte(append(make([]byte, messages.KeySize), data(r)...)[:messages.KeySize]))
	m.SetData(data(r))
	m.SetOne(randomPart(r))
	randomOptional(r, m)
	for r.UintN(3) > 0 {
		m.AddNumbers(uint32(number(r) >> 32))
	}
	for r.UintN(3) > 0 {
		m.AddLarges(number(r))
	}
	for r.UintN(3) > 0 {
		m.AddTexts(text(r))
	}
	for r.UintN(3) > 0 {
		m.AddParts(randomPart(r))
	}
	return m
}

func randomOptional(r *rand.Rand, m *messages.Everything) {
	if yes(r) {
		m.SetMaybeNumber(uint32(number(r) >> 32))
	}
	if yes(r) {
		m.SetMaybeLarge(number(r))
	}
	if yes(r) {
		m.SetMaybeText(text(r))
	}
	if yes(r) {
		m.SetMaybeKey([3]byte{1, byte(r.Uint32()), 3})
	}
	if yes(r) {
		m.SetMaybeData(data(r))
	}
	if yes(r) {
		m.SetMaybeOne(randomPart(r))
	}
}

// damage changes, cuts, inserts or repeats one to three bytes, or moves whole records.
func damage(r *rand.Rand, p []byte) []byte {
	if r.UintN(4) == 0 {
		return moveRecords(r, p)
	}
	if len(p) == 0 {
		return []byte{byte(r.Uint32())}
	}
	n := min(1+r.IntN(3), len(p))
	at := r.IntN(len(p) - n + 1)
	some := []byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}[:n]
	switch r.UintN(4) {
	case 0:
		copy(p[at:], some)
	case 1:
		p = append(p[:at:at], p[at+n:]...)
	case 2:
		p = append(append(p[:at:at], some...), p[at:]...)
	case 3:
		p = append(p[:at+n:at+n], p[at:]...)
	}
	return p
}

// moveRecords shuffles the records of a message, and at times leaves one out or repeats it.
func moveRecords(r *rand.Rand, p []byte) []byte {
	var records [][]byte
	for rest := p; len(rest) > 0; {
		var b evbuffer.Buffer
		if b.Add(rest) != nil {
			return p
		}
		n, err := evtag.PeekLength(&b)
		if err != nil || n > int64(len(rest)) {
			return p
		}
		records = append(records, rest[:n])
		rest = rest[n:]
	}
	if len(records) == 0 {
		return p
	}
	switch r.UintN(4) {
	case 0:
		records = records[1:]
	case 1:
		records = append(records, records[r.IntN(len(records))])
	}
	r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	var moved []byte
	for _, record := range records {
		moved = append(moved, record...)
	}
	return moved
}
