//go:build unix

package interop

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/dns/evdns"
)

// cPeer compiles testdata/evdns.c: C's evdns.
func cPeer(t testing.TB) string {
	t.Helper()
	return compileC(t, "evdns", "-levent_core", "-levent_extra")
}

// TestCResolverAsksUs has C's resolver ask our server everything at once.
func TestCResolverAsksUs(t *testing.T) {
	c, s := cPeer(t), serve(t)
	want := []string{
		"a:www.example.org 192.0.2.10 192.0.2.11 ttl 300",
		"a:four.example.org 192.0.2.40 ttl 60",
		"a:alias.example.org 192.0.2.10 192.0.2.11 ttl 300",
		"aaaa:www.example.org 2001:db8::10 ttl 300",
		"a:none.example.org error 3",
		"aaaa:four.example.org error 70",
		"ptr:192.0.2.10 www.example.org ttl 300",
		"ptr6:2001:db8::10 www.example.org ttl 300",
		"addrinfo:www.example.org 192.0.2.10 192.0.2.11 2001:db8::10",
	}
	args := []string{"resolve", s.addr.String()}
	for _, line := range want {
		question, _, _ := strings.Cut(line, " ")
		args = append(args, question)
	}
	got := strings.Split(strings.TrimSpace(start(t, nil, c, args...).ends()), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("C got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestCResolverManyQuestions has C's resolver ask us hundreds of questions.
func TestCResolverManyQuestions(t *testing.T) {
	c, s := cPeer(t), serve(t)
	args := []string{"resolve", s.addr.String()}
	for range 500 {
		args = append(args, "a:four.example.org", "aaaa:www.example.org")
	}
	lines := strings.Split(strings.TrimSpace(start(t, nil, c, args...).ends()), "\n")
	counts := make(map[string]int)
	for _, line := range lines {
		counts[line]++
	}
	for _, line := range []string{"a:four.example.org 192.0.2.40 ttl 60", "aaaa:www.example.org 2001:db8::10 ttl 300"} {
		if counts[line] != 500 {
			t.Errorf("%d answers %q, want 500", counts[line], line)
		}
	}
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
