package evtag_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/extra/evtag"
)

// A tree is a message as generated code has it: a number, and messages of its own type.
type tree struct {
	n     uint32
	hasN  bool
	trees []*tree
}

func (t *tree) ParseRecords(r *evtag.Parser) error {
	outside, err := r.Enter()
	if err != nil {
		return evtag.InField("tree", "", err)
	}
	for r.Next() {
		field, err := "", error(nil)
		switch r.Tag() {
		case 1:
			field, err = "n", r.Int(&t.n, &t.hasN)
		case 2:
			var inner *tree
			if inner, err = evtag.NewMessage[tree](r, nil); err == nil {
				t.trees = append(t.trees, inner)
				err = inner.ParseRecords(r)
			}
			field = "trees"
		default:
			err = r.Unknown()
		}
		if err != nil {
			return evtag.InField("tree", field, err)
		}
	}
	return evtag.InField("tree", "", r.Leave(outside))
}

// parseTree decodes a message that is written in hexadecimal digits.
func parseTree(t *testing.T, input string, cfg *evtag.ParserConfig) (*tree, error) {
	t.Helper()
	b := bufferOf(t, unhex(t, input))
	r, err := evtag.ParseBuffer(b, cfg)
	m := new(tree)
	if err == nil {
		err = m.ParseRecords(&r)
	}
	err = r.End(err)
	if b.Len() != 0 {
		t.Errorf("%s: %d bytes are left", input, b.Len())
	}
	return m, err
}

func TestParserDecodesMessagesInMessages(t *testing.T) {
	m, err := parseTree(t, "02 03 010105 02 00 01 01 07 02 05 02 03 010106", nil)
	ok(t, err)
	if m.n != 7 || len(m.trees) != 3 || m.trees[0].n != 5 || m.trees[1].hasN || m.trees[2].trees[0].n != 6 {
		t.Errorf("%+v", m)
	}
}

func TestWhatIsWrongWithAMessageIsSaid(t *testing.T) {
	for _, tt := range []struct {
		input string
		cfg   *evtag.ParserConfig
		cause error
		text  string
	}{
		{"03 00", nil, evtag.ErrUnknown, "evtag: tree: tag 3: unknown field"},
		{"02 02 05 00", nil, evtag.ErrUnknown, "evtag: tree.trees: tag 5: unknown field"},
		{"010101 010101", nil, evtag.ErrDuplicate, "evtag: tree.n: field is there twice"},
		{"01", nil, evtag.ErrMalformed, "evtag: tree: malformed record"},
		{"0102 01", nil, evtag.ErrMalformed, "evtag: tree: malformed record"},
		{"8080808080", nil, evtag.ErrMalformed, "evtag: tree: malformed record"},
		{"01 80000000000 0", nil, evtag.ErrMalformed, "evtag: tree: malformed record"},
		{"0100", nil, evtag.ErrMalformed, "evtag: tree.n: malformed record"},
		{"02 02 01 01", nil, evtag.ErrMalformed, "evtag: tree.trees: malformed record"},
		{"02 02 02 00", &evtag.ParserConfig{MaxDepth: 1}, evtag.ErrTooDeep, "evtag: tree.trees.trees: records are nested too deep"},
		{"02 00", &evtag.ParserConfig{MaxDepth: -1}, evtag.ErrTooDeep, "evtag: tree.trees: records are nested too deep"},
		{"02 00 02 00", &evtag.ParserConfig{MaxMemory: 40}, evtag.ErrMemory, "evtag: tree.trees: message takes too much memory"},
		{"010101", &evtag.ParserConfig{MaxMessage: 2}, evtag.ErrTooLong, "evtag: unmarshal: payload is too long"},
		{"01 02 0100", &evtag.ParserConfig{Strict: true}, evtag.ErrNotCanonical, "evtag: tree.n: not as it would be written"},
		{"8100 01 01", &evtag.ParserConfig{Strict: true}, evtag.ErrNotCanonical, "evtag: tree: not as it would be written"},
	} {
		_, err := parseTree(t, tt.input, tt.cfg)
		if !errors.Is(err, tt.cause) || err.Error() != tt.text {
			t.Errorf("%s: %v, want %s", tt.input, err, tt.text)
		}
	}
	if _, err := parseTree(t, "8100 02 0100", nil); err != nil {
		t.Errorf("what C takes, though it never writes it: %v", err)
	}
}

func TestParserStoresFieldsOfAllTypes(t *testing.T) {
	b := evbuffer.New()
	ok(t, evtag.MarshalInt64(b, 1, 1<<40))
	ok(t, evtag.MarshalString(b, 2, "two"))
	ok(t, evtag.Marshal(b, 3, []byte("three")))
	ok(t, evtag.Marshal(b, 4, []byte("four")))
	for i := range uint32(3) {
		ok(t, evtag.MarshalInt(b, 5, i))
		ok(t, evtag.MarshalInt64(b, 6, uint64(i)<<40))
		ok(t, evtag.MarshalString(b, 7, "seven"))
	}
	r, err := evtag.Parse(content(t, b), nil)
	ok(t, err)
	_, err = r.Enter()
	ok(t, err)
	var (
		n64  uint64
		s    string
		p    []byte
		four [4]byte
		has  [5]bool
		ints []uint32
		long []uint64
		text []string
	)
	for r.Next() {
		switch r.Tag() {
		case 1:
			err = r.Int64(&n64, &has[1])
		case 2:
			err = r.String(&s, &has[2])
		case 3:
			err = r.Bytes(&p, &has[3])
		case 4:
			if err := r.Fixed(four[:3], new(bool)); !errors.Is(err, evtag.ErrLength) {
				t.Error(err)
			}
			err = r.Fixed(four[:], &has[4])
		case 5:
			err = r.AddInt(&ints)
		case 6:
			err = r.AddInt64(&long)
		case 7:
			err = r.AddString(&text)
		}
		ok(t, err)
	}
	ok(t, r.Leave(nil))
	ok(t, r.End(nil))
	if n64 != 1<<40 || s != "two" || string(p) != "three" || string(four[:]) != "four" || has != [5]bool{false, true, true, true, true} {
		t.Error(n64, s, p, four, has)
	}
	if !slices.Equal(ints, []uint32{0, 1, 2}) || !slices.Equal(long, []uint64{0, 1 << 40, 2 << 40}) || !slices.Equal(text, []string{"seven", "seven", "seven"}) {
		t.Error(ints, long, text)
	}
}

func TestReserveAndCommitAppendToABuffer(t *testing.T) {
	b := bufferOf(t, []byte("<"))
	p, err := evtag.Reserve(b, 100)
	ok(t, err)
	p = evtag.AppendRecord(p, 1, "one")
	p = evtag.AppendRecord(p, 1, []byte("two"))
	p = evtag.AppendIntRecord(p, 300, 1<<40)
	ok(t, evtag.Commit(b, p))
	ok(t, b.Drain(1))
	one, err := evtag.UnmarshalString(b, 1)
	ok(t, err)
	two, err := evtag.UnmarshalString(b, 1)
	ok(t, err)
	if b.Len() != evtag.SizeIntRecord(300, 1<<40) {
		t.Errorf("the number has %d bytes", b.Len())
	}
	n, err := evtag.UnmarshalInt64(b, 300)
	ok(t, err)
	if one != "one" || two != "two" || n != 1<<40 {
		t.Error(one, two, n)
	}
	if _, err := evtag.Reserve(nil, 1); !errors.Is(err, event.ErrNil) {
		t.Error(err)
	}
	if _, err := evtag.Reserve(b, evtag.MaxPayload); err == nil {
		t.Error("all memory there is")
	}
	ok(t, b.Freeze(evbuffer.Back))
	if _, err := evtag.Reserve(b, 1); !errors.Is(err, evbuffer.ErrFrozen) {
		t.Error(err)
	}
	if err := evtag.Commit(b, p); !errors.Is(err, evbuffer.ErrFrozen) {
		t.Error(err)
	}
	if _, err := evtag.ParseBuffer(nil, nil); !errors.Is(err, event.ErrNil) {
		t.Error(err)
	}
	if _, err := evtag.Parse(make([]byte, 3), &evtag.ParserConfig{MaxMessage: 2}); !errors.Is(err, evtag.ErrTooLong) {
		t.Error(err)
	}
}

func TestMemoryIsKeptUnlessItIsMuch(t *testing.T) {
	s := []string{"a", "b"}
	if kept := evtag.Keep(s); cap(kept) != 2 || len(kept) != 0 || s[0] != "" {
		t.Error(kept, s)
	}
	if kept := evtag.Keep(make([]byte, 1<<20)); kept != nil {
		t.Error("a megabyte is kept")
	}
}

// FuzzParser decodes anything within small limits: it ends, and what was decoded had room.
func FuzzParser(f *testing.F) {
	f.Add([]byte{2, 3, 1, 1, 5, 2, 0, 1, 1, 7})
	f.Fuzz(func(t *testing.T, p []byte) {
		for _, strict := range []bool{false, true} {
			r, err := evtag.Parse(p, &evtag.ParserConfig{MaxDepth: 3, MaxMemory: 1000, Strict: strict})
			ok(t, err)
			m := new(tree)
			if m.ParseRecords(&r) == nil && count(m, 0) > 1+1000/24 {
				t.Errorf("%d messages", count(m, 0))
			}
		}
	})
}

func count(m *tree, depth int) int {
	if depth > 3 {
		panic("too deep")
	}
	n := 1
	for _, inner := range m.trees {
		n += count(inner, depth+1)
	}
	return n
}
