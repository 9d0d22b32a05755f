//go:build unix

package interop

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A digger is dig or kdig, which have most of their options in common.
type digger struct {
	t      testing.TB
	path   string
	server *ourServer
}

func newDigger(t testing.TB, name string) *digger {
	t.Helper()
	return &digger{t: t, path: program(t, name), server: serve(t)}
}

// eachDigger runs a test with both.
func eachDigger(t *testing.T, test func(t *testing.T, d *digger)) {
	for _, name := range []string{"dig", "kdig"} {
		t.Run(name, func(t *testing.T) { test(t, newDigger(t, name)) })
	}
}

// run runs the program and returns what it prints.
func (d *digger) run(args ...string) string {
	d.t.Helper()
	all := append([]string{"@127.0.0.1", "-p", d.server.port(), "+time=10"}, args...)
	return start(d.t, nil, d.path, all...).ends()
}

// A reply is what such a program says about the response that it got.
type reply struct {
	status string
	flags  []string
	data   []string // of the answer's records, sorted
	text   string   // all of it
}

// ask asks one question, and reads what is printed.
func (d *digger) ask(args ...string) reply {
	d.t.Helper()
	return parseReply(d.t, d.run(args...))
}

func parseReply(t testing.TB, text string) reply {
	t.Helper()
	r := reply{text: text}
	answer := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.Contains(line, "ANSWER SECTION"):
			answer = true
		case line == "":
			answer = false
		case strings.HasPrefix(line, ";"):
			r.header(strings.ToLower(line))
		case answer:
			rr := record(t, line)
			r.data = append(r.data, strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
	}
	slices.Sort(r.data)
	return r
}

// header reads a line about the header of a message: "status: NOERROR; id: 7" or
// ";; Flags: qr aa; QUERY: 1".
func (r *reply) header(line string) {
	if _, rest, ok := strings.Cut(line, "status: "); ok {
		r.status = strings.ToUpper(strings.FieldsFunc(rest, func(c rune) bool { return c == ',' || c == ';' })[0])
	}
	if rest, ok := strings.CutPrefix(line, ";; flags: "); ok && r.flags == nil {
		flags, _, _ := strings.Cut(rest, ";")
		r.flags = strings.Fields(flags)
	}
}

func (r *reply) String() string {
	return strings.TrimSpace(r.status + " " + strings.Join(r.data, ", "))
}

func (r *reply) has(flag string) bool { return slices.Contains(r.flags, flag) }

// digExchanges are questions to our server, with what is answered.
var digExchanges = []exchange{
	{"www.example.org A", "NOERROR 192.0.2.10, 192.0.2.11"},
	{"WwW.eXample.oRg A", "NOERROR 192.0.2.10, 192.0.2.11"},
	{"www.example.org AAAA", "NOERROR 2001:db8::10"},
	{"four.example.org AAAA", "NOERROR"},
	{"alias.example.org A", "NOERROR 192.0.2.10, 192.0.2.11, www.example.org."},
	{"alias.example.org CNAME", "NOERROR www.example.org."},
	{"example.org MX", "NOERROR 10 mail.example.org."},
	{"text.example.org TXT", `NOERROR "one" "two"`},
	{"none.example.org A", "NXDOMAIN"},
	{"elsewhere.example.net A", "REFUSED"},
	{"-x 192.0.2.10", "NOERROR www.example.org."},
	{"-x 2001:db8::10", "NOERROR www.example.org."},
}

// TestDigAnswers asks in all ways in which messages can come.
func TestDigAnswers(t *testing.T) {
	eachDigger(t, func(t *testing.T, d *digger) {
		for _, way := range []string{"+noedns", "+bufsize=512", "+bufsize=4096", "+tcp", "+tcp +noedns"} {
			for _, x := range digExchanges {
				t.Run(way+"/"+x.question, func(t *testing.T) {
					d := &digger{t, d.path, d.server}
					r := d.ask(append(strings.Fields(way), strings.Fields(x.question)...)...)
					if got := r.String(); got != x.want {
						t.Errorf("got %s, want %s; it said\n%s", got, x.want, r.text)
					}
					if !r.has("qr") || !r.has("aa") || r.has("tc") {
						t.Errorf("flags %q, want qr and aa, and no tc", r.flags)
					}
				})
			}
		}
	})
}

// TestDigHasItsCase sees its question as it has asked it.
func TestDigHasItsCase(t *testing.T) {
	d := newDigger(t, "dig") // kdig asks in small letters
	if r := d.ask("+noqr", "WwW.eXample.oRg", "A"); strings.Count(r.text, "WwW.eXample.oRg.") < 3 {
		t.Errorf("the question or an answer's name is different; it said\n%s", r.text)
	}
}

// TestDigTruncated gets a truncated answer, and leaves it at that.
func TestDigTruncated(t *testing.T) {
	eachDigger(t, func(t *testing.T, d *digger) {
		for _, size := range []string{"+noedns", "+bufsize=512", "+bufsize=1232", "+bufsize=4096"} {
			t.Run(size, func(t *testing.T) {
				d := &digger{t, d.path, d.server}
				if r := d.ask(size, "+ignore", "many.example.org", "A"); !r.has("tc") || len(r.data) >= manyAddrs {
					t.Errorf("flags %q, %d records; want tc, and not all", r.flags, len(r.data))
				}
			})
		}
	})
}

// TestDigRetriesOverTCP asks again over TCP because an answer is truncated.
func TestDigRetriesOverTCP(t *testing.T) {
	eachDigger(t, func(t *testing.T, d *digger) {
		r := d.ask("many.example.org", "A")
		if r.has("tc") || len(r.data) != manyAddrs {
			t.Errorf("flags %q, %d records; want all %d", r.flags, len(r.data), manyAddrs)
		}
		if udp, tcp := d.server.udp.Load(), d.server.tcp.Load(); udp != 1 || tcp != 1 {
			t.Errorf("%d requests over UDP and %d over TCP, want one each", udp, tcp)
		}
	})
}

// TestDigBufferSize gets as much in a UDP message as it has room for.
func TestDigBufferSize(t *testing.T) {
	eachDigger(t, func(t *testing.T, d *digger) {
		if r := d.ask("+bufsize=1232", "few.example.org", "A"); len(r.data) != fewAddrs || r.has("tc") {
			t.Errorf("flags %q, %d records; want all %d", r.flags, len(r.data), fewAddrs)
		}
		if tcp := d.server.tcp.Load(); tcp != 0 {
			t.Errorf("%d requests over TCP, want none", tcp)
		}
		if r := d.ask("+bufsize=900", "+ignore", "few.example.org", "A"); !r.has("tc") {
			t.Errorf("flags %q, want tc", r.flags)
		}
		if r := d.ask("+noedns", "+ignore", "few.example.org", "A"); !r.has("tc") {
			t.Errorf("flags %q, want tc", r.flags)
		}
	})
}

// TestDigEDNS sees that we know EDNS, and which version.
func TestDigEDNS(t *testing.T) {
	eachDigger(t, func(t *testing.T, d *digger) {
		for args, want := range map[string]bool{"+bufsize=1232": true, "+noedns": false} {
			r := d.ask(args, "www.example.org")
			if got := strings.Contains(strings.ToLower(r.text), "version: 0"); got != want {
				t.Errorf("%s: EDNS in the response: %v; it said\n%s", args, got, r.text)
			}
		}
		args := []string{"+edns=1", "www.example.org"}
		if filepath.Base(d.path) == "dig" {
			args = append(args, "+noednsneg") // it would try again with another version
		}
		r := d.ask(args...)
		if r.status != "BADVERS" {
			t.Errorf("version 1 got %s, want BADVERS", r.status)
		}
	})
}

// TestKdigKeepsTheConnection asks several questions over one connection.
func TestKdigKeepsTheConnection(t *testing.T) {
	d := newDigger(t, "kdig")
	args := []string{"+tcp", "+keepopen", "+short"}
	var want []string
	for range 30 {
		args = append(args, "four.example.org", "A")
		want = append(want, "192.0.2.40")
	}
	if got := strings.Fields(d.run(args...)); !slices.Equal(got, want) {
		t.Errorf("got %d answers: %q", len(got), got)
	}
	if tcp := d.server.tcp.Load(); tcp != 30 {
		t.Errorf("%d requests over TCP, want 30", tcp)
	}
}

// TestDigMany asks a file of questions.
func TestDigMany(t *testing.T) {
	d := newDigger(t, "dig")
	var lines, want []string
	for range 100 {
		lines = append(lines, "four.example.org A +short")
		want = append(want, "192.0.2.40")
	}
	file := configure(t, "dnsmasq.conf", func(string) string { return strings.Join(lines, "\n") + "\n" })
	for _, way := range []string{"+notcp", "+tcp"} {
		if got := strings.Fields(d.run(way, "-f", file)); !slices.Equal(got, want) {
			t.Errorf("%s: got %d answers: %q", way, len(got), got)
		}
	}
}

// TestDNSPerfLosesNothing answers all of many queries.
func TestDNSPerfLosesNothing(t *testing.T) {
	path, s := program(t, "dnsperf"), serve(t)
	const queries = 5000
	file := configure(t, "dnsmasq.conf", func(string) string {
		return strings.Repeat("www.example.org A\nnone.example.org AAAA\n", queries/2)
	})
	for _, mode := range []string{"udp", "tcp"} {
		out := start(t, nil, path, "-s", "127.0.0.1", "-p", s.port(), "-d", file, "-n", "1", "-m", mode, "-c", "4").ends()
		for _, want := range []string{fmt.Sprintf("Queries completed:    %d (100.00%%)", queries), "NOERROR 2500", "NXDOMAIN 2500"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: want %q; it said\n%s", mode, want, out)
			}
		}
	}
}
