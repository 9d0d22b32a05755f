package evutil_test

import (
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestASCIIStrcasecmp(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"ABC", "ABC", 0},
		{"ABC", "abc", 0},
		{"ABC", "abcd", -1},
		{"ABC", "abb", 1},
		{"ABCd", "abc", 1},
		{"", "a", -1},
		{"Z", "a", 1},
		{"_", "A", -1},           // '_' lies between the cases
		{"[", "{", -1},           // not letters, although 32 apart as letters are
		{"\u00c9", "\u00e9", -1}, // not ASCII
		{"\xff", "a", 1},
		{"a\x00b", "A\x00C", -1},
	} {
		if got := evutil.ASCIIStrcasecmp(test.a, test.b); got != test.want {
			t.Errorf("%q and %q: %d, want %d", test.a, test.b, got, test.want)
		}
		if got := evutil.ASCIIStrcasecmp(test.b, test.a); got != -test.want {
			t.Errorf("%q and %q: %d, want %d", test.b, test.a, got, -test.want)
		}
	}
}

func TestASCIIStrncasecmp(t *testing.T) {
	for _, test := range []struct {
		a, b string
		n    int
		want int
	}{
		{"Libevent", "LibEvEnT", 100, 0},
		{"Libevent", "LibEvEnT", 4, 0},
		{"Libevent", "LibEXXXX", 4, 0},
		{"Libevent", "LibE", 4, 0},
		{"Libe", "LibEvEnT", 4, 0},
		{"Libe", "LibEvEnT", 5, -1},
		{"Lib", "LibEvEnT", 4, -1},
		{"abc", "def", 99, -1},
		{"Z", "qrst", 1, 1},
		{"a", "b", 0, 0},
		{"a", "b", -1, 0},
	} {
		if got := evutil.ASCIIStrncasecmp(test.a, test.b, test.n); got != test.want {
			t.Errorf("%q and %q up to %d: %d, want %d", test.a, test.b, test.n, got, test.want)
		}
	}
}

func TestASCIIStrcasecmpDoesNotAllocate(t *testing.T) {
	a, b := strings.Repeat("Header", 10), strings.Repeat("hEADER", 10)
	if n := testing.AllocsPerRun(100, func() { evutil.ASCIIStrcasecmp(a, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
