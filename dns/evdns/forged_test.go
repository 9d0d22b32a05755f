package evdns_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

// An answer counts only if it comes from the nameserver and repeats the id and
// the question. What does not is ignored, and the right answer still awaited.
func TestForgedAnswersAreIgnored(t *testing.T) {
	forge := func(q *question, change func(*dns.Msg)) {
		m := q.reply(0, record(t, q.msg.Question[0].Name+" 9 IN A 192.0.2.66"))
		change(m)
		q.send(m)
	}
	for _, c := range []struct {
		name string
		do   func(*question)
	}{
		{"another address", func(q *question) {
			wire, err := q.reply(0, record(t, q.msg.Question[0].Name+" 9 IN A 192.0.2.66")).Pack()
			if err != nil {
				t.Error(err)
			}
			from, err := listenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
			if err != nil {
				t.Error(err)
				return
			}
			defer from.Close()
			from.WriteToUDPAddrPort(wire, q.from)
		}},
		{"another id", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Id++ })
			forge(q, func(m *dns.Msg) { m.Id ^= 0x8000 })
		}},
		{"another name", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Question[0].Name = "www.example.org." })
		}},
		{"a longer name", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Question[0].Name = "a." + m.Question[0].Name })
		}},
		{"another type", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA })
		}},
		{"another class", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS })
		}},
		{"no question", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Question = nil })
		}},
		{"no question, and no answer", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Question, m.Answer = nil, nil })
		}},
		{"no question, and no such name", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Question, m.Answer, m.Rcode = nil, nil, dns.RcodeNameError })
		}},
		{"two questions", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) })
		}},
		{"letters in another case", func(q *question) {
			forge(q, func(m *dns.Msg) {
				name := []byte(m.Question[0].Name)
				name[0] ^= 0x20
				m.Question[0].Name = string(name)
			})
		}},
		{"a query", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Response = false })
		}},
		{"another operation", func(q *question) {
			forge(q, func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify })
		}},
		{"less than a header", func(q *question) { q.sendWire(q.wire[:11]) }},
		{"a header only", func(q *question) {
			q.sendWire([]byte{q.wire[0], q.wire[1], 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		}},
		{"nothing", func(q *question) { q.sendWire(nil) }},
	} {
		for _, over := range []string{"UDP", "TCP"} {
			if over == "TCP" && slices.Contains([]string{"another address", "letters in another case", "less than a header", "nothing"}, c.name) {
				continue
			}
			t.Run(c.name+", "+over, func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				b := newResolver(t, loop, u)
				set(t, b, "timeout", "20")
				if over == "TCP" {
					set(t, b, "use-vc", "")
				}
				u.does(func(q *question) {
					c.do(q)
					q.at("192.0.2.1")
				})
				lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
				if n := len(u.questions()); n != 1 {
					t.Errorf("asked %d times", n)
				}
			})
		}
	}
}

func TestRandomCase(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20")
	seen := map[string]bool{}
	u.does(func(q *question) {
		seen[q.msg.Question[0].Name] = true
		q.good()
	})
	const name = "abcdefghijklmnopqrstuvwxyz-0123456789.example.com"
	for range 20 {
		lookup(t, loop, b, name)
	}
	u.stop()
	if len(seen) != 20 {
		t.Errorf("%d ways to write it in 20 questions", len(seen))
	}
	for _, name := range u.questions() {
		if name != "abcdefghijklmnopqrstuvwxyz-0123456789.example.com" {
			t.Errorf("asked for %s", name)
		}
	}
}

// Without random case, the nameserver may write names as it likes.
func TestCaseThatIsNotRandom(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20", "randomize-case", "0")
	u.does(func(q *question) {
		if q.msg.Question[0].Name != "wWw.example.com." {
			t.Errorf("asked for %s", q.msg.Question[0].Name)
		}
		m := q.reply(0, record(t, "WWW.EXAMPLE.COM. 9 IN A 192.0.2.1"))
		m.Question[0].Name = "WWW.EXAMPLE.COM."
		q.send(m)
	})
	lookup(t, loop, b, "wWw.example.com").want(t, "192.0.2.1")
}

// Ids and ports cannot be told in advance.
func TestIDsAndPortsVary(t *testing.T) {
	const n = 3000 // of which no port may have more than 512
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20", "max-inflight", "50")
	ids, ports := map[uint16]int{}, map[uint16]int{}
	u.does(func(q *question) {
		ids[q.msg.Id]++
		ports[q.from.Port()]++
		if q.number == 200 && len(ports) != 4 { // none has been replaced yet
			t.Errorf("%d ports at the start", len(ports))
		}
		q.good()
	})
	for i := range n {
		start(t, b, fmt.Sprintf("host%d.example.com", i))
	}
	dispatch(t, loop)
	u.stop()
	if len(ids) < n*9/10 {
		t.Errorf("%d ids for %d questions", len(ids), n)
	}
	for port, uses := range ports {
		if uses > 512 {
			t.Errorf("%d questions from port %d", uses, port)
		}
	}
	if len(ports) < 8 { // four at a time, all of which were replaced
		t.Errorf("%d ports", len(ports))
	}
}

func TestMalformedAnswers(t *testing.T) {
	rest := func(q *question) []byte { return q.reply0() }
	for name, records := range map[string][]byte{
		"no record where there should be one": nil,
		"a name that ends too soon":           {5, 'a'},
		"a name that points to itself":        {0xc0, 0xff},
		"a name that points beyond the end":   {0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4},
		"a label of a reserved kind":          {0x80, 0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4},
		"an address that is too short":        {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 3, 1, 2, 3},
		"an address that is too long":         {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 5, 1, 2, 3, 4, 5},
		"a record that ends in its header":    {0xc0, 12, 0, 1, 0, 1, 0, 0},
		"data that ends too soon":             {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2},
		"an alias that points in a circle":    {0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "20")
			u.does(func(q *question) {
				wire := rest(q)
				records := slices.Clone(records)
				if i := slices.Index(records, 0xff); i == 1 && records[0] == 0xc0 {
					records[1] = byte(len(wire)) // where it stands itself
				}
				if n := len(records); n > 2 && records[n-1] == 0 && records[n-2] == 0xc0 {
					records[n-1] = byte(len(wire) + n - 2)
				}
				q.sendWire(append(wire, records...))
			})
			lookup(t, loop, b, "www.example.com").fails(t, evdns.ErrTruncated)
		})
	}
}

// Records of other classes than that of the question are not taken.
func TestRecordsOfOtherClasses(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20")
	u.does(func(q *question) {
		q.send(q.reply(0,
			record(t, "www.example.com. 9 CH CNAME other.example.com."),
			record(t, "other.example.com. 9 IN A 192.0.2.66"),
			&dns.A{Hdr: dns.RR_Header{Name: "www.example.com.", Rrtype: dns.TypeA, Class: dns.ClassCHAOS, Ttl: 9}, A: net.IPv4(192, 0, 2, 67)},
			record(t, "www.example.com. 9 IN A 192.0.2.1")))
	})
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
}

// Aliases may be as long as names can be, and no longer.
func TestLongestAlias(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, c := range []struct {
		last int // bytes of the last label
		err  error
	}{{61, nil}, {62, evdns.ErrTruncated}} {
		t.Run(fmt.Sprintf("%d bytes", 3*64+c.last+2), func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "20")
			u.does(func(q *question) {
				wire := q.reply0()
				wire[7] = 2
				var alias []byte
				for _, n := range []int{63, 63, 63, c.last} {
					alias = append(append(alias, byte(n)), label[:n]...)
				}
				alias = append(alias, 0)
				wire = append(wire, 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, byte(len(alias)))
				at := len(wire)
				wire = append(wire, alias...)
				wire = append(wire, 0xc0|byte(at>>8), byte(at), 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1)
				q.sendWire(wire)
			})
			a := lookup(t, loop, b, "www.example.com")
			if c.err != nil {
				a.fails(t, c.err)
				return
			}
			a.want(t, "192.0.2.1")
			if want := strings.Join([]string{label, label, label, label[:61]}, "."); a.CanonName != want {
				t.Errorf("canonical name of %d bytes", len(a.CanonName))
			}
		})
	}
}
