package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/internal/ascii"
	"github.com/go-libevent/libevent/http/internal/message"
)

// lines shows fields as they would be written.
func lines(f *message.Fields) string { return string(f.AppendTo(nil)) }

func newFields(t testing.TB, pairs ...string) *message.Fields {
	t.Helper()
	f := new(message.Fields)
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

func TestFieldsOfARequestCanBeEdited(t *testing.T) {
	var h RequestHead
	if _, done, err := h.Parse([]byte(typicalRequest), nil); !done || err != nil {
		t.Fatal(done, err)
	}
	for i := range 10000 {
		if err := h.Header.Set("Cookie", strings.Repeat("x", i%100)); err != nil {
			t.Fatal(err)
		}
	}
	h.Header.Set("Host", "other.example.com:8080")
	h.Header.Remove("Referer")
	equal(t, "method", string(h.Method()), "GET")
	equal(t, "target", string(h.Target()), "/articles/2026/11/an-event-loop?page=2&sort=date")
	equal(t, "host", string(h.Host()), "other.example.com:8080")
	equal(t, "cookie", string(h.Header.Get("Cookie")), strings.Repeat("x", 9999%100))
	equal(t, "fields", h.Header.Len(), 9)
}

// TestFieldsThatCannotBeWritten checks that no field gets past AppendField that
// Fields would not take.
func TestFieldsThatCannotBeWritten(t *testing.T) {
	for _, field := range []struct{ name, value string }{
		{"", "x"}, {"X Y", "x"}, {"X\r\nY", "x"}, {"X", "a\r\nSet-Cookie: b"}, {"X", "a\nb"}, {"X", " a"},
	} {
		if _, err := AppendField(nil, field.name, field.value); !errors.Is(err, message.ErrInvalid) {
			t.Errorf("append %q: %q: %v", field.name, field.value, err)
		}
	}
}

// TestValidBytes compares the checks of eight bytes at a time with the plain
// ones.
func TestValidBytes(t *testing.T) {
	for size := range 20 {
		for at := range size {
			for c := range 256 {
				b := slices.Repeat([]byte{'a'}, size)
				b[at] = byte(c)
				if got, want := validBytes(b), ascii.All(b, ascii.ValueByte); got != want {
					t.Fatalf("%q in a value: got %v, want %v", b, got, want)
				}
				if got, want := validTarget(b), ascii.All(b, ascii.TargetByte); got != want {
					t.Fatalf("%q in a target: got %v, want %v", b, got, want)
				}
			}
		}
	}
}
