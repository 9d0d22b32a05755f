package message

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// lines shows fields as they would be written.
func lines(f *Fields) string { return string(f.AppendTo(nil)) }

func newFields(t testing.TB, pairs ...string) *Fields {
	t.Helper()
	f := new(Fields)
	for i := 0; i < len(pairs); i += 2 {
		if err := f.Add(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestFieldsAreFoundInAnyCase(t *testing.T) {
	f := newFields(t, "Host", "a", "X-Custom", "1", "x-custom", "2", "Empty", "")
	equal(t, "known", string(f.Get("hOST")), "a")
	equal(t, "other", string(f.Get("X-CUSTOM")), "1")
	equal(t, "missing is nil", f.Get("Accept") == nil, true)
	equal(t, "empty is not nil", f.Get("empty") != nil, true)
	equal(t, "has", f.Has("EMPTY"), true)
	equal(t, "has not", f.Has("Date"), false)
	equal(t, "second", f.Index("X-Custom", 2), 2)
	equal(t, "after the last", f.Index("X-Custom", 3), -1)
	equal(t, "contains", f.Contains(Host), true)
	equal(t, "contains not", f.Contains(Date), false)
	equal(t, "by name", string(f.GetKnown(Host)), "a")
	equal(t, "not by name", f.GetKnown(Date) == nil, true)
	var values []string
	for v := range f.Values("x-Custom") {
		values = append(values, string(v))
	}
	equal(t, "values", strings.Join(values, ","), "1,2")
	name, value := f.At(2)
	equal(t, "name as it came", string(name)+"="+string(value), "x-custom=2")
	var all []string
	for name, value := range f.All() {
		if string(name) == "Empty" {
			break
		}
		all = append(all, string(name)+string(value))
	}
	equal(t, "all", strings.Join(all, " "), "Hosta X-Custom1 x-custom2")
}

func TestKnownNames(t *testing.T) {
	for n := range Name(len(names)) {
		if n == Other {
			continue
		}
		equal(t, "lower case", NameOf(strings.ToLower(n.String())), n)
		equal(t, "upper case", NameOf(strings.ToUpper(n.String())), n)
		equal(t, "longer", NameOf(n.String()+"x"), Other)
		equal(t, "another end", NameOf(n.String()[:len(n.String())-1]+"_"), Other)
	}
	equal(t, "none", NameOf(""), Other)
	// "\r" and "-" are the same but for the bit that is the case of letters.
	equal(t, "control character", NameOf("Content\rLength"), Other)
	equal(t, "letters beyond ASCII", NameOf("Tran\u017ffer-Encoding"), Other)
}

func TestEditingFields(t *testing.T) {
	for _, test := range []struct {
		what string
		edit func(f *Fields)
		want string
	}{
		{"nothing", func(f *Fields) {}, "A: 1\r\nHost: h\r\na: 2\r\n"},
		{"set a new one", func(f *Fields) { f.Set("B", "3") }, "A: 1\r\nHost: h\r\na: 2\r\nB: 3\r\n"},
		{"set shorter", func(f *Fields) { f.Set("host", "") }, "A: 1\r\nHost: \r\na: 2\r\n"},
		{"set longer", func(f *Fields) { f.Set("host", "longer") }, "A: 1\r\nHost: longer\r\na: 2\r\n"},
		{"set several", func(f *Fields) { f.Set("a", "3") }, "A: 3\r\nHost: h\r\n"},
		{"remove one", func(f *Fields) { f.Remove("HOST") }, "A: 1\r\na: 2\r\n"},
		{"remove several", func(f *Fields) { f.Remove("a") }, "Host: h\r\n"},
		{"remove none", func(f *Fields) { f.Remove("B") }, "A: 1\r\nHost: h\r\na: 2\r\n"},
		{"remove and add", func(f *Fields) { f.Remove("Host"); f.Add("Host", "i") }, "A: 1\r\na: 2\r\nHost: i\r\n"},
		{"reset", func(f *Fields) { f.Reset() }, ""},
		{"reset and add", func(f *Fields) { f.Reset(); f.Add("B", "3") }, "B: 3\r\n"},
	} {
		f := newFields(t, "A", "1", "Host", "h", "a", "2")
		test.edit(f)
		equal(t, test.what, lines(f), test.want)
	}
	f := newFields(t, "A", "1", "Host", "h", "a", "2")
	equal(t, "removed", f.Remove("a"), 2)
	equal(t, "removed known", f.Remove("host"), 1)
	equal(t, "contains what was removed", f.Contains(Host), false)
	equal(t, "length", f.Len(), 0)
}

// TestEditingIsBounded sets and removes fields for a long time.
func TestEditingIsBounded(t *testing.T) {
	var f Fields
	model := map[string]string{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		name := fmt.Sprintf("X-%d", r.IntN(20))
		if r.IntN(4) == 0 {
			f.Remove(name)
			delete(model, name)
			continue
		}
		value := strings.Repeat("v", r.IntN(200))
		if err := f.Set(name, value); err != nil {
			t.Fatal(err)
		}
		model[name] = value
		if cap(f.text) > 64<<10 {
			t.Fatalf("%d bytes for %d fields", cap(f.text), f.Len())
		}
	}
	equal(t, "fields", f.Len(), len(model))
	for name, value := range model {
		equal(t, name, string(f.Get(name)), value)
	}
}

func TestWhatCannotBeAdded(t *testing.T) {
	for _, field := range []struct{ name, value string }{
		{"", "x"},
		{"X Y", "x"},
		{"X:", "x"},
		{"X\r\nY", "x"},
		{"X\x00", "x"},
		{"\u00e9", "x"},
		{"X", "a\r\nSet-Cookie: b"},
		{"X", "a\r\n b"},
		{"X", "a\nb"},
		{"X", "a\rb"},
		{"X", "a\x00b"},
		{"X", "a\x7fb"},
		{"X", " a"},
		{"X", "a\t"},
		{"X", " "},
	} {
		f := newFields(t, "X", "1")
		if err := f.Add(field.name, field.value); !errors.Is(err, ErrInvalid) {
			t.Errorf("add %q: %q: %v", field.name, field.value, err)
		}
		if err := f.Set(field.name, field.value); !errors.Is(err, ErrInvalid) {
			t.Errorf("set %q: %q: %v", field.name, field.value, err)
		}
		if err := CheckField(field.name, field.value); !errors.Is(err, ErrInvalid) {
			t.Errorf("check %q: %q: %v", field.name, field.value, err)
		}
		equal(t, "fields", lines(f), "X: 1\r\n")
	}
	equal(t, "value", lines(newFields(t, "X", "a\tb \u00e9 \"c\"")), "X: a\tb \u00e9 \"c\"\r\n")
}

func TestTokens(t *testing.T) {
	f := newFields(t, "Connection", "close , X-A,,", "Connection", "", "Connection", "\"y\", upgrade", "A", "a, b")
	for _, test := range []struct {
		name, token string
		want        bool
	}{
		{"Connection", "close", true},
		{"connection", "CLOSE", true},
		{"Connection", "x-a", true},
		{"Connection", "upgrade", true},
		{"Connection", "clos", false},
		{"Connection", "close ", false},
		{"Connection", "a", false},
		{"A", "b", true},
		{"A", "c", false},
		{"B", "b", false},
	} {
		equal(t, test.name+" has "+test.token, f.HasToken(test.name, test.token), test.want)
		if n := NameOf(test.name); n != Other {
			equal(t, "known "+test.name+" has "+test.token, f.HasTokenKnown(n, test.token), test.want)
		}
	}
	var tokens []string
	for token := range f.Tokens("Connection") {
		tokens = append(tokens, string(token))
	}
	equal(t, "tokens", strings.Join(tokens, "|"), `close|X-A|"y"|upgrade`)
	for token := range f.Tokens("A") {
		equal(t, "first", string(token), "a")
		break
	}
}

// TestResetKeepsLittle checks that a large header does not stay forever.
func TestResetKeepsLittle(t *testing.T) {
	var f Fields
	for i := range 1000 {
		f.Add(fmt.Sprint("X-", i), strings.Repeat("x", 100))
	}
	f.Reset()
	if cap(f.text) > keepText || cap(f.list) > keepFields {
		t.Errorf("kept %d bytes and %d fields", cap(f.text), cap(f.list))
	}
	f.Add("X", "y")
	small := cap(f.text)
	f.Reset()
	equal(t, "kept", cap(f.text), small)
}
