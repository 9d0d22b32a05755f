package evdns_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

func TestResolveIPv4(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	a := lookup(t, loop, b, "www.example.com")
	a.want(t, "192.0.2.1")
	if a.Type != evdns.TypeA || a.TTL != 300*time.Second || a.CanonName != "" || a.Names != nil {
		t.Errorf("%+v", a.Answer)
	}
}

func TestResolveIPv6(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	a := new(answer)
	_, err := b.ResolveIPv6("www.example.com.", 0, a.callback)
	ok(t, err)
	dispatch(t, loop)
	a.want(t, "2001:db8::1")
	if a.Type != evdns.TypeAAAA {
		t.Errorf("type %v", a.Type)
	}
}

func TestResolveReverse(t *testing.T) {
	for addr, name := range map[string]string{
		"192.0.2.7":        "7.2.0.192.in-addr.arpa",
		"::ffff:192.0.2.7": "7.2.0.192.in-addr.arpa",
		"2001:db8::1":      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
		"fe80::1%1":        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa",
	} {
		t.Run(addr, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			a := new(answer)
			_, err := b.ResolveReverse(netip.MustParseAddr(addr), 0, a.callback)
			ok(t, err)
			dispatch(t, loop)
			if a.err != nil || a.Type != evdns.TypePTR || !slices.Equal(a.Names, []string{"host.example.com"}) {
				t.Errorf("%+v, %v", a.Answer, a.err)
			}
			if got := u.questions(); !slices.Equal(got, []string{name}) {
				t.Errorf("asked for %v, want %v", got, name)
			}
		})
	}
}

func TestAnswerWithSeveralAddressesHasTheLeastTTL(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	u.does(func(q *question) {
		name := q.msg.Question[0].Name
		q.send(q.reply(0,
			record(t, name+" 60 IN A 192.0.2.1"),
			record(t, name+" 50 IN A 192.0.2.2"),
			record(t, name+" 70 IN TXT other"),
			record(t, "other.example. 10 IN A 192.0.2.3")))
	})
	a := lookup(t, loop, b, "www.example.com")
	want := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	if a.err != nil || !slices.Equal(a.Addrs, want) || a.TTL != 50*time.Second {
		t.Errorf("%+v, %v", a.Answer, a.err)
	}
}

func TestAliases(t *testing.T) {
	chain := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf("a%d.example. 100 IN CNAME a%d.example.", i, i+1))
		}
		return append(lines, fmt.Sprintf("a%d.example. 200 IN A 192.0.2.9", n))
	}
	reversed := chain(5)
	slices.Reverse(reversed)
	for _, c := range []struct {
		name    string
		records []string
		canon   string
		err     error
	}{
		{"one", chain(1), "a1.example", nil},
		{"a long chain", chain(60), "a60.example", nil},
		{"too long a chain", chain(100), "", evdns.ErrNoData},
		{"a chain in the wrong order", reversed, "a5.example", nil},
		{"an alias for nothing", []string{"a0.example. 1 IN CNAME b.example."}, "", evdns.ErrNoData},
		{"an alias for itself", []string{"a0.example. 1 IN CNAME a0.example."}, "", evdns.ErrNoData},
		{"a circle", []string{
			"a0.example. 1 IN CNAME a1.example.",
			"a1.example. 1 IN CNAME a2.example.",
			"a2.example. 1 IN CNAME a1.example.",
			"b.example. 1 IN A 192.0.2.9",
		}, "", evdns.ErrNoData},
		{"the address of another name", []string{"b.example. 1 IN A 192.0.2.9"}, "", evdns.ErrNoData},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "edns-udp-size", "8192")
			u.does(func(q *question) {
				m := q.reply(0)
				for _, line := range c.records {
					m.Answer = append(m.Answer, record(t, line))
				}
				q.send(m)
			})
			a := lookup(t, loop, b, "a0.example")
			if c.err != nil {
				a.fails(t, c.err)
				return
			}
			a.want(t, "192.0.2.9")
			if a.CanonName != c.canon || a.TTL != 100*time.Second {
				t.Errorf("canonical name %q, TTL %v", a.CanonName, a.TTL)
			}
		})
	}
}

func TestCNAMECallback(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	u.does(func(q *question) {
		name := q.msg.Question[0].Name
		if q.name() == "plain.example" {
			q.good()
			return
		}
		q.send(q.reply(0, record(t, name+" 9 IN CNAME real.example."), record(t, "real.example. 9 IN A 192.0.2.1")))
	})
	var got []evdns.Answer
	for _, name := range []string{"alias.example", "plain.example"} {
		_, err := b.ResolveIPv4(name, evdns.CNAMECallback, func(a evdns.Answer, err error) {
			ok(t, err)
			got = append(got, a)
		})
		ok(t, err)
		dispatch(t, loop)
	}
	if len(got) != 3 || got[0].Type != evdns.TypeA || got[1].Type != evdns.TypeCNAME || got[2].Type != evdns.TypeA {
		t.Fatalf("%+v", got)
	}
	if !slices.Equal(got[1].Names, []string{"real.example"}) || got[0].CanonName != "real.example" {
		t.Errorf("%+v", got)
	}
}

func TestNoAnswer(t *testing.T) {
	soa := record(t, "example. 90 IN SOA ns.example. mail.example. 1 2 3 4 60")
	for _, c := range []struct {
		name  string
		rcode int
		err   error
		ttl   time.Duration
	}{
		{"no such name", dns.RcodeNameError, evdns.ErrNotExist, time.Minute},
		{"no such record", dns.RcodeSuccess, evdns.ErrNoData, time.Minute},
		{"cannot read the query", dns.RcodeFormatError, evdns.ErrFormat, time.Minute},
		{"something else", dns.RcodeNotZone, evdns.ErrUnknown, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			u.does(func(q *question) {
				m := q.reply(c.rcode)
				m.Ns = []dns.RR{soa}
				q.send(m)
			})
			a := lookup(t, loop, b, "www.example")
			a.fails(t, c.err)
			if a.Type != evdns.TypeA || a.TTL != c.ttl {
				t.Errorf("%+v", a.Answer)
			}
			if len(u.questions()) != 1 {
				t.Errorf("asked %v", u.questions())
			}
		})
	}
}

func TestErrorsSayWhatTheyAreAbout(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	u.does(complains(dns.RcodeNameError))
	a := lookup(t, loop, b, "www.example.com")
	if want := "evdns: lookup www.example.com A at " + u.addr.String() + ": no such name"; a.err.Error() != want {
		t.Errorf("%q, want %q", a.err, want)
	}
}

func TestNames(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	name253 := label63 + "." + label63 + "." + label63 + "." + label63[:61]
	for _, c := range []struct {
		about, name string
		good        bool
	}{
		{"one letter", "a", true},
		{"a dot at the end", "www.example.com.", true},
		{"an underscore", "_dns._tcp.example.com", true},
		{"a label of 63 bytes", label63 + ".com", true},
		{"a label of 64 bytes", label63 + "a.com", false},
		{"253 bytes", name253, true},
		{"253 bytes and a dot", name253 + ".", true},
		{"254 bytes", name253 + "a", false},
		{"254 bytes and a dot", name253 + "a.", false},
		{"nothing", "", false},
		{"the root", ".", false},
		{"an empty label", "www..com", false},
		{"an empty label at the start", ".www.com", false},
		{"an empty label at the end", "www.com..", false},
		{"a space", "www example.com", false},
		{"a zero byte", "www\x00.example.com", false},
		{"a backslash", `www\.example.com`, false},
		{"a letter that is not ASCII", "wörld.example.com", false},
	} {
		t.Run(c.about, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			a := new(answer)
			_, err := b.ResolveIPv4(c.name, 0, a.callback)
			if !c.good {
				if !errors.Is(err, evdns.ErrName) {
					t.Errorf("error %v", err)
				}
				dispatch(t, loop)
				if a.calls != 0 || len(u.questions()) != 0 {
					t.Errorf("%d calls, %d questions", a.calls, len(u.questions()))
				}
				return
			}
			ok(t, err)
			dispatch(t, loop)
			a.want(t, "192.0.2.1")
			if got := u.questions(); !slices.Equal(got, []string{strings.TrimSuffix(c.name, ".")}) {
				t.Errorf("asked for %q", got)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	nothing := func(evdns.Answer, error) {}
	check := func(about string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", about, err, want)
		}
	}
	_, err := b.ResolveIPv4("a", 0x40, nothing)
	check("flags", err, evdns.ErrFlags)
	_, err = b.ResolveIPv4("a", 0, nil)
	check("callback", err, event.ErrNil)
	_, err = b.Query("a", dns.TypeTXT, 0, nil)
	check("callback of Query", err, event.ErrNil)
	_, err = b.Query("a", dns.TypeAXFR, 0, func(*dns.Msg, error) {})
	check("zone transfer", err, errors.ErrUnsupported)
	_, err = b.Query("a..b", dns.TypeTXT, 0, func(*dns.Msg, error) {})
	check("name", err, evdns.ErrName)
	_, err = b.Query(strings.Repeat(`\097.`, 127), dns.TypeTXT, 0, func(*dns.Msg, error) {})
	check("the longest name", err, nil)
	_, err = b.Query(strings.Repeat(`\097.`, 128), dns.TypeTXT, 0, func(*dns.Msg, error) {})
	check("a longer name", err, evdns.ErrName)
	_, err = b.ResolveReverse(netip.Addr{}, 0, nothing)
	check("address", err, evdns.ErrAddress)
	check("nameserver", b.AddNameserver(netip.AddrPort{}), evdns.ErrAddress)
	check("nameserver", b.AddNameserverString("somewhere"), evdns.ErrAddress)
	check("nameserver", b.AddNameserver(u.addr), evdns.ErrExists)
	check("dial", b.AddTLSNameserver(u.addr, nil), event.ErrNil)
	_, err = evdns.NewBase(nil, 0)
	check("event base", err, event.ErrNil)
	_, err = evdns.NewBase(loop, 0x80)
	check("flags of the base", err, evdns.ErrFlags)
	b.Free(true)
	_, err = b.ResolveIPv4("a", 0, nothing)
	check("freed", err, evdns.ErrFreed)
	check("freed", b.AddNameserverString("127.0.0.1"), evdns.ErrFreed)
}

func TestQuery(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	ask := func(name string, qtype uint16) (msg *dns.Msg, err error) {
		t.Helper()
		calls := 0
		_, startErr := b.Query(name, qtype, 0, func(m *dns.Msg, e error) {
			calls++
			msg, err = m, e
		})
		ok(t, startErr)
		dispatch(t, loop)
		if calls != 1 {
			t.Fatalf("%d calls", calls)
		}
		return msg, err
	}
	msg, err := ask("Example.com", dns.TypeTXT)
	ok(t, err)
	if len(msg.Answer) != 1 || msg.Answer[0].(*dns.TXT).Txt[0] != "text" || msg.Question[0].Name != "Example.com." {
		t.Errorf("%v", msg)
	}
	msg, err = ask(`a\.b.\000\255.example.`, dns.TypeA)
	ok(t, err)
	if msg.Question[0].Name != `a\.b.\000\255.example.` {
		t.Errorf("%v", msg)
	}
	msg, err = ask(".", dns.TypeNS)
	if msg == nil || !errors.Is(err, evdns.ErrNoData) {
		t.Errorf("no data: %v, %v", msg, err)
	}
	u.does(complains(dns.RcodeNameError))
	msg, err = ask("nowhere.example", dns.TypeMX)
	if msg == nil || msg.Rcode != dns.RcodeNameError || !errors.Is(err, evdns.ErrNotExist) {
		t.Errorf("no such name: %v, %v", msg, err)
	}
	u.does(func(q *question) { q.sendWire(append(q.reply0(), 1, 2, 3)) })
	if msg, err = ask("odd.example", dns.TypeMX); msg != nil || !errors.Is(err, evdns.ErrTruncated) {
		t.Errorf("malformed: %v, %v", msg, err)
	}
	// A message that ends before its first record does not say that there are none.
	u.does(func(q *question) {
		wire := q.reply0()
		binary.BigEndian.PutUint16(wire[6:], 1)
		q.sendWire(wire)
	})
	if msg, err = ask("cut.example", dns.TypeMX); msg != nil || !errors.Is(err, evdns.ErrTruncated) {
		t.Errorf("cut off: %v, %v", msg, err)
	}
}

// The random case of the query is not seen in what is made of the answer.
func TestNamesHaveTheCaseOfTheNameThatWasGiven(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	u.does(func(q *question) {
		name := q.msg.Question[0].Name
		q.send(q.reply(0, record(t, name+" 9 IN CNAME real.of."+name), record(t, "real.of."+name+" 9 IN A 192.0.2.1")))
	})
	const name = "A.Name.With-Quite-Some-Letters.Example"
	a := lookup(t, loop, b, name)
	if want := "real.of." + name; a.CanonName != want {
		t.Errorf("canonical name %s, want %s", a.CanonName, want)
	}
	_, err := b.Query(name, dns.TypeA, 0, func(m *dns.Msg, err error) {
		ok(t, err)
		if got := m.Answer[1].Header().Name; got != "real.of."+name+"." || m.Question[0].Name != name+"." {
			t.Errorf("%v", m)
		}
	})
	ok(t, err)
	dispatch(t, loop)
}

// A search may lead to a name that is too long, if it has escapes.
func TestSearchWithANameThatIsTooLong(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20", "ndots", "9")
	label := strings.Repeat("a", 63)
	ok(t, b.AddSearch(strings.Join([]string{label, label, label, label[:50]}, ".")))
	calls := 0
	_, err := b.Query(`a\.example`, dns.TypeTXT, 0, func(_ *dns.Msg, err error) {
		ok(t, err)
		calls++
	})
	ok(t, err)
	dispatch(t, loop)
	if calls != 1 || len(u.questions()) != 1 {
		t.Errorf("%d calls, asked for %q", calls, u.questions())
	}
}

func TestCallbacksComeLater(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	a := start(t, b, "a.example")
	if a.calls != 0 {
		t.Error("called before the loop has run")
	}
	dispatch(t, loop)
	a.want(t, "192.0.2.1")
}
