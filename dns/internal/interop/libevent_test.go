//go:build unix

package interop

import (
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/dns/evdns"
)

// cPeer compiles testdata/evdns.c: C's evdns.
func cPeer(t testing.TB) string {
	t.Helper()
	return compileC(t, "evdns", "-levent_core", "-levent_extra")
}

// startCServer starts C's server, and returns its address.
func startCServer(t testing.TB) netip.AddrPort {
	t.Helper()
	p := start(t, nil, cPeer(t), "serve")
	return netip.MustParseAddrPort("127.0.0.1:" + p.match(t, `port (\d+)\n`))
}

// TestCServerAnswersUs asks a server of C's.
func TestCServerAnswersUs(t *testing.T) {
	exchanges := []exchange{
		{"a:www.example.org", "192.0.2.10 192.0.2.11 for 20m34s"},
		{"aaaa:www.example.org", "2001:db8::10 for 20m34s"},
		{"a:four.example.org", "192.0.2.40 for 20m34s"},
		{"aaaa:four.example.org", "name has no such records"},
		{"a:alias.example.org", "192.0.2.10 192.0.2.11 of www.example.org for 20m34s"},
		{"ptr:192.0.2.10", "www.example.org for 20m34s"},
		{"a:none.example.org", "no such name"},
		{"addrinfo:www.example.org", "192.0.2.10:80 192.0.2.11:80 [2001:db8::10]:80"},
	}
	a := newAsker(t, startCServer(t))
	for _, x := range exchanges {
		if got := a.look(x.question, evdns.NoSearch); got != x.want {
			t.Errorf("%s: got %s, want %s", x.question, got, x.want)
		}
	}
}

// TestCServerAnswersManyQuestions asks many distinct names at once.
func TestCServerAnswersManyQuestions(t *testing.T) {
	a := newAsker(t, startCServer(t))
	for i := range 2000 {
		question, want := "a:www.example.org", "192.0.2.10 192.0.2.11 for 20m34s"
		if i%2 == 0 {
			question, want = "a:none.example.org", "no such name"
		}
		a.begin(question, evdns.NoSearch, func(got string) {
			if got != want {
				t.Errorf("%s: got %s, want %s", question, got, want)
			}
		})
	}
	a.await()
}
