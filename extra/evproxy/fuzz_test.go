package evproxy_test

import (
	"bytes"
	"reflect"
	"regexp"
	"testing"

	"github.com/go-libevent/libevent/extra/evproxy"
)

// lines is version 1 as a regular expression, but for the addresses and the size of the
// numbers.
var lines = regexp.MustCompile(`^PROXY (UNKNOWN( [^\r\n]*)?|TCP4( [0-9.]{7,15}){2}( (0|[1-9][0-9]{0,4})){2}|TCP6( [0-9a-fA-F:.]{2,45}){2}( (0|[1-9][0-9]{0,4})){2})\r\n`)

// FuzzParse has what is parsed written again, as what it means; each beginning of it be
// incomplete; and compares lines with a regular expression.
func FuzzParse(f *testing.F) {
	for _, test := range valid() {
		f.Add([]byte(test.in))
	}
	for _, test := range hostile {
		f.Add([]byte(test.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h, n, err := evproxy.Parse(in)
		if err != nil {
			return
		}
		for i := range n {
			if _, _, err := evproxy.Parse(in[:i]); err != evproxy.ErrIncomplete {
				t.Fatalf("%d bytes of %q: error %v", i, in[:n], err)
			}
		}
		if h.Version == 1 && (n > 107 || !lines.Match(in[:n])) {
			t.Fatalf("%q is taken for a line", in[:n])
		}
		if h.Source == nil {
			return
		}
		p, err := h.AppendTo(nil)
		if err != nil {
			t.Fatalf("%q is %v, which cannot be written: %v", in[:n], h, err)
		}
		again, m, err := evproxy.Parse(append(p, in[n:]...))
		if err != nil || m != len(p) || !sameHeader(h, again) {
			t.Fatalf("%q is %v, which was written as %q: %v, %v", in[:n], h, p, again, err)
		}
		if _, err := again.AppendTo(bytes.Clone(p)); err != nil {
			t.Fatal(err)
		}
	})
}

// sameHeader compares two headers. Addresses of IPv4 in IPv6 are written as what they are.
func sameHeader(a, b *evproxy.Header) bool {
	x, y := *a, *b
	x.Source, x.Destination, y.Source, y.Destination = nil, nil, nil, nil
	return reflect.DeepEqual(x, y) && a.String() == b.String()
}
