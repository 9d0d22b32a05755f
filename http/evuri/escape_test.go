package evuri_test

import (
	"testing"

	"github.com/go-libevent/libevent/http/evuri"
)

func TestEncodeURI(t *testing.T) {
	for _, test := range []struct{ in, want, plus string }{
		{"", "", ""},
		{"AZaz09-._~", "AZaz09-._~", "AZaz09-._~"},
		{"a b", "a%20b", "a+b"},
		{"+/?&=%", "%2B%2F%3F%26%3D%25", "%2B%2F%3F%26%3D%25"},
		{"\x00\x1f\x7f\xff", "%00%1F%7F%FF", "%00%1F%7F%FF"},
		{"é", "%C3%A9", "%C3%A9"},
	} {
		if got := evuri.Encode(test.in); got != test.want {
			t.Errorf("%q: %q, want %q", test.in, got, test.want)
		}
		if got := evuri.EncodePlus(test.in); got != test.plus {
			t.Errorf("%q with plus: %q, want %q", test.in, got, test.plus)
		}
		if got := string(evuri.AppendEncode([]byte("x"), []byte(test.in), false)); got != "x"+test.want {
			t.Errorf("%q appended: %q", test.in, got)
		}
	}
}

func TestDecodeURI(t *testing.T) {
	for _, test := range []struct{ in, want, plus, whole string }{
		{"", "", "", ""},
		{"a+b%20c", "a+b c", "a b c", "a+b c"},
		{"a+b?c+d?e+f", "a+b?c+d?e+f", "a b?c d?e f", "a+b?c d?e f"},
		{"a+b%3Fc+d", "a+b?c+d", "a b?c d", "a+b?c+d"},
		{"%", "%", "%", "%"},
		{"%4", "%4", "%4", "%4"},
		{"%4g%", "%4g%", "%4g%", "%4g%"},
		{"%%41", "%A", "%A", "%A"},
		{"%25%34%31", "%41", "%41", "%41"},
		{"%00%0d%0A%fF", "\x00\r\n\xff", "\x00\r\n\xff", "\x00\r\n\xff"},
		{"%2B", "+", "+", "+"},
	} {
		if got := evuri.Decode(test.in); got != test.want {
			t.Errorf("%q: %q, want %q", test.in, got, test.want)
		}
		if got := evuri.DecodePlus(test.in); got != test.plus {
			t.Errorf("%q with plus: %q, want %q", test.in, got, test.plus)
		}
		if got := evuri.DecodeURI(test.in); got != test.whole {
			t.Errorf("%q as a whole: %q, want %q", test.in, got, test.whole)
		}
		if got := string(evuri.AppendDecode([]byte("x"), []byte(test.in), false)); got != "x"+test.want {
			t.Errorf("%q appended: %q", test.in, got)
		}
	}
}

func TestDecodeUndoesEncode(t *testing.T) {
	for c := range 256 {
		s := string([]byte{byte(c), '4', '1', byte(c)})
		if got := evuri.DecodePlus(evuri.EncodePlus(s)); got != s {
			t.Errorf("%q became %q", s, got)
		}
		if got := evuri.Decode(evuri.Encode(s)); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestHTMLEscape(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"plain é", "plain é"},
		{`<a href="x" title='y'>&amp;</a>`, "&lt;a href=&quot;x&quot; title=&#039;y&#039;&gt;&amp;amp;&lt;/a&gt;"},
	} {
		if got := evuri.HTMLEscape(test.in); got != test.want {
			t.Errorf("%q: %q, want %q", test.in, got, test.want)
		}
		if got := string(evuri.AppendHTMLEscape([]byte("x"), []byte(test.in))); got != "x"+test.want {
			t.Errorf("%q appended: %q", test.in, got)
		}
	}
}

func TestEscapesDoNotAllocateWithoutNeed(t *testing.T) {
	buf := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		evuri.Encode("plain")
		evuri.DecodePlus("plain")
		evuri.HTMLEscape("plain")
		buf = evuri.AppendDecode(evuri.AppendEncode(buf[:0], "a/b", false), "%2F", false)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
