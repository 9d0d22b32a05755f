package ascii_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// letters and digits are in most of the classes.
const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func TestClasses(t *testing.T) {
	visible := func(but string) (s string) {
		for c := 0x21; c < 256; c++ {
			if c != 0x7f && strings.IndexByte(but, byte(c)) < 0 {
				s += string([]byte{byte(c)})
			}
		}
		return s
	}
	const unreserved, delims = alphanumeric + "-._~", "!$&'()*+,;="
	for _, test := range []struct {
		name  string
		class ascii.Class
		want  string
	}{
		{"letter", ascii.Alpha, alphanumeric[:52]},
		{"digit", ascii.Digit, "0123456789"},
		{"hexadecimal digit", ascii.Hex, "0123456789abcdefABCDEF"},
		{"unreserved", ascii.Unreserved, unreserved},
		{"scheme", ascii.SchemeByte, alphanumeric + "+-."},
		{"userinfo", ascii.UserinfoByte, unreserved + delims + ":"},
		{"host", ascii.HostByte, unreserved + delims},
		{"path", ascii.PathByte, unreserved + delims + ":@/"},
		{"query", ascii.QueryByte, unreserved + delims + ":@/?"},
		{"token", ascii.TokenByte, alphanumeric + "!#$%&'*+-.^_`|~"},
		{"value", ascii.ValueByte, visible("") + " \t"},
		{"target", ascii.TargetByte, visible("#")},
	} {
		for c := range 256 {
			want := strings.IndexByte(test.want, byte(c)) >= 0
			if got := ascii.Is(byte(c), test.class); got != want {
				t.Errorf("%q is a byte of class %s: %v, want %v", byte(c), test.name, got, want)
			}
		}
	}
}

func TestToken(t *testing.T) {
	for s, want := range map[string]bool{"": false, "GET": true, "a b": false, "a/b": false, "x-1": true, "\xff": false} {
		if got := ascii.IsToken(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

func TestScheme(t *testing.T) {
	for s, want := range map[string]bool{"": false, "http": true, "1a": false, "+a": false, "a+1-.": true, "a_b": false, "é": false} {
		if got := ascii.IsScheme(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

func TestEqualFold(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"aZ-[", "Az-[", true}, {"a", "b", false}, {"a", "ab", false},
		{"@", "`", false}, {"[", "{", false}, {"\u212a", "k", false}, {"É", "é", false},
	} {
		if got := ascii.EqualFold(test.a, []byte(test.b)); got != test.want {
			t.Errorf("%q, %q: %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

func TestSpanStopsAtBytesAndBrokenEscapes(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "a%20b/c": 5, "%4": 0, "%4g": 0, "a%": 1, "%41": 3, "%%41": 0} {
		if got := ascii.Span(s, ascii.HostByte); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func TestHexValue(t *testing.T) {
	for c := range 256 {
		if s := fmt.Sprintf("%02X%02x", c, c); ascii.HexValue(s[0])<<4|ascii.HexValue(s[1]) != byte(c) || ascii.HexValue(s[2])<<4|ascii.HexValue(s[3]) != byte(c) {
			t.Errorf("%s is not %d", s, c)
		}
	}
}

// TestAddresses compares with net/netip which IPv6 addresses there are.
func TestAddresses(t *testing.T) {
	for _, s := range []string{
		"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8", "1:2::7:8",
		"::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "64:ff9b::192.0.2.1", "::1.2.3.4", "FE80::aBcD",
		"", ":", ":::", "1", "1:", ":1", "1:2", "1:::2", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1:", ":1::", "1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3", "::1.2.3.4.5", "::256.2.3.4", "::1.2.3.04", "::1..3.4", "1.2.3.4", "::1.2.3.4:5", "::.1.2.3",
		"1:2:3:4:5::6:1.2.3.4", "1:2:3:4:5:6::1.2.3.4", "::1.2.3.a", "::a.2.3.4", "1.2.3.4::", "::1 ",
	} {
		_, err := netip.ParseAddr(s)
		want := err == nil && strings.Contains(s, ":")
		if got := ascii.IsIPv6(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
		if got := ascii.IsIPv6([]byte(s)); got != want {
			t.Errorf("%q as bytes: %v, want %v", s, got, want)
		}
	}
}
