package evdns_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// Whether an answer was validated is known only from nameservers that are trusted, by
// way of a network that is; as in glibc, that has to be said.
func TestADIsOnlyTrustedIfAsked(t *testing.T) {
	for _, flags := range []evdns.BaseFlags{0, evdns.NoCache} {
		for _, trust := range []bool{false, true} {
			loop, u := newLoop(t), newUpstream(t)
			u.does(func(q *question) {
				if q.msg.AuthenticatedData != trust {
					t.Errorf("AD of the query is %v, want %v", q.msg.AuthenticatedData, trust)
				}
				m := q.reply(0, record(t, "www.example. 60 TXT text"))
				m.AuthenticatedData = true
				q.send(m)
			})
			b := newResolverWith(t, loop, flags|evdns.DisableWhenInactive, u)
			if trust {
				set(t, b, "trust-ad", "")
			}
			for range 2 { // the second from memory, perhaps
				_, err := b.Query("www.example", dns.TypeTXT, 0, func(m *dns.Msg, err error) {
					ok(t, err)
					dnstest.Equal(t, "AD", m.AuthenticatedData, trust)
				})
				ok(t, err)
				dispatch(t, loop)
			}
		}
	}
}

// An address that stands for all of this host is asked at loopback, whose answers
// come from another address.
func TestNameserversOnThisHost(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop)
	ok(t, b.AddNameserverString(fmt.Sprintf("0.0.0.0:%d", u.addr.Port())))
	lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
	is(t, "the same again", b.AddNameserver(u.addr), evdns.ErrExists)
}

// What is at the end of aliases counts or, if that is nothing, what is nearest to it.
func TestNamesThatAreAliasesAndHaveAddresses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		records []string
		want    string
		canon   string
		ttl     time.Duration
	}{
		{"address first", []string{"www.example. 60 A 192.0.2.1", "www.example. 5 CNAME web.example."}, "192.0.2.1", "", time.Minute},
		{"alias first", []string{"www.example. 5 CNAME web.example.", "www.example. 60 A 192.0.2.1"}, "192.0.2.1", "", time.Minute},
		{"address at the end, too", []string{"www.example. 60 CNAME web.example.", "www.example. 60 A 192.0.2.1", "web.example. 30 A 192.0.2.2"},
			"192.0.2.2", "web.example", 30 * time.Second},
		{"in between", []string{"www.example. 9 CNAME web.example.", "web.example. 60 A 192.0.2.2", "web.example. 5 CNAME none.example."},
			"192.0.2.2", "web.example", 9 * time.Second},
		{"in a circle", []string{"www.example. 60 CNAME web.example.", "web.example. 60 CNAME www.example.", "web.example. 60 A 192.0.2.2"},
			"192.0.2.2", "web.example", time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			u.does(func(q *question) {
				var all []dns.RR
				for _, text := range tt.records {
					all = append(all, record(t, text))
				}
				q.send(q.reply(0, all...))
			})
			a := lookup(t, loop, newResolver(t, loop, u), "www.example")
			a.want(t, tt.want)
			dnstest.Equal(t, "canonical name", a.CanonName, tt.canon)
			if tt.name != "in a circle" {
				dnstest.Equal(t, "TTL", a.TTL, tt.ttl)
			}
		})
	}
}

// An answer over a stream that says that it is cut off counts for what is in it, and is
// not remembered.
func TestTruncatedAnswersOverTCP(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rcode   int
		records []string
		want    string
		err     error
	}{
		{"usable", 0, []string{"www.example. 60 A 192.0.2.1"}, "192.0.2.1", nil},
		{"empty", 0, nil, "", evdns.ErrTruncated},
		{"other records", 0, []string{"www.example. 60 TXT text"}, "", evdns.ErrTruncated},
		{"only an alias", 0, []string{"www.example. 60 CNAME web.example."}, "", evdns.ErrTruncated},
		{"no such name", dns.RcodeNameError, nil, "", evdns.ErrNotExist},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			u.does(func(q *question) {
				m := q.reply(tt.rcode)
				m.Truncated = true
				if q.stream != nil {
					for _, text := range tt.records {
						m.Answer = append(m.Answer, record(t, text))
					}
					m.Ns = []dns.RR{record(t, "example. 300 IN SOA ns.example. root.example. 1 1 1 1 300")}
				}
				q.send(m)
			})
			b := newAnswerer(t, loop, 0, u)
			for range 2 {
				a := lookup(t, loop, b, "www.example")
				if tt.err != nil {
					a.fails(t, tt.err)
				} else {
					a.want(t, tt.want)
				}
			}
			dnstest.Equal(t, "questions", len(u.questions()), 4)
			_, err := b.Query("www.example", dns.TypeA, evdns.UseVC, func(m *dns.Msg, err error) {
				is(t, "message", err, map[bool]error{true: tt.err, false: nil}[len(tt.records) == 0])
				dnstest.Equal(t, "TC", m.Truncated, true)
			})
			ok(t, err)
			dispatch(t, loop)
		})
	}
}

// A nameserver that does not know EDNS says so in one way or another, or not at all, and
// is asked without. That is remembered of it, and of no other one.
func TestNameserversThatDoNotKnowEDNS(t *testing.T) {
	badVers := func(q *question) {
		q.send(q.reply(dns.RcodeBadVers).SetEdns0(1232, false))
	}
	for name, complaint := range map[string]func(loop *event.Base, b *evdns.Base) func(*question){
		"FORMERR":          func(*event.Base, *evdns.Base) func(*question) { return complains(dns.RcodeFormatError) },
		"NOTIMP":           func(*event.Base, *evdns.Base) func(*question) { return complains(dns.RcodeNotImplemented) },
		"BADVERS":          func(*event.Base, *evdns.Base) func(*question) { return badVers },
		"silence":          expires,
		"FORMERR, bare":    func(*event.Base, *evdns.Base) func(*question) { return bare(dns.RcodeFormatError) },
		"FORMERR with OPT": func(*event.Base, *evdns.Base) func(*question) { return withOPT(dns.RcodeFormatError) },
	} {
		for _, over := range []string{"UDP", "TCP"} {
			t.Run(name+", "+over, func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				b := newResolver(t, loop, u)
				set(t, b, "edns0", "", "timeout", "20")
				if over == "TCP" {
					set(t, b, "use-vc", "")
				}
				complain := complaint(loop, b)
				edns := 0 // counted by the nameserver until it stops
				u.does(func(q *question) {
					if q.msg.IsEdns0() != nil {
						edns++
						complain(q)
						return
					}
					q.good()
				})
				for i := range 4 {
					lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
					dnstest.Equal(t, "questions", len(u.questions()), 2+i)
				}
				u.stop()
				dnstest.Equal(t, "questions with EDNS", edns, 1)
			})
		}
	}
}

// bare is a script that answers with a header only, and withOPT one that answers with a
// record of EDNS.
func bare(rcode int) func(*question) {
	return func(q *question) { q.sendWire([]byte{q.wire[0], q.wire[1], 0x80, byte(rcode), 0, 0, 0, 0, 0, 0, 0, 0}) }
}

func withOPT(rcode int) func(*question) {
	return func(q *question) { q.send(q.reply(rcode).SetEdns0(1232, false)) }
}

// A complaint that is not about EDNS is not taken for one, and a nameserver that has
// known EDNS still knows it when it was silent.
func TestEDNSIsNotBlamedForEverything(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "edns0", "", "timeout", "20")
	with := map[string]int{} // questions with EDNS, counted by the nameserver until it stops
	u.does(func(q *question) {
		if q.msg.IsEdns0() != nil {
			with[q.name()]++
		}
		switch {
		case q.name() == "notimp.example":
			q.send(q.reply(dns.RcodeNotImplemented))
		case q.name() == "lost.example" && q.number%2 == 0:
			expires(loop, b)(q)
		default:
			q.good()
		}
	})
	lookup(t, loop, b, "a.example").want(t, "192.0.2.1")
	lookup(t, loop, b, "lost.example").want(t, "192.0.2.1") // lost once, with EDNS
	lookup(t, loop, b, "notimp.example").fails(t, evdns.ErrNotImpl)
	lookup(t, loop, b, "b.example").want(t, "192.0.2.1")
	u.stop()
	for name, want := range map[string]int{"a.example": 1, "lost.example": 2, "notimp.example": 1, "b.example": 1} {
		dnstest.Equal(t, name+": questions with EDNS", with[name], want)
	}
}

// A nameserver that writes names in small letters has its answers confirmed over TCP.
// Answers that somebody forges without knowing the letters are never taken.
func TestNameserversThatChangeLetters(t *testing.T) {
	folded := func(q *question, addr string) {
		m := q.reply(0, record(t, q.msg.Question[0].Name+" 9 IN A "+addr))
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		q.send(m)
	}
	for _, tt := range []struct {
		name   string
		script func(*question)
		asked  []int // in all, after each lookup
	}{
		{"always", func(q *question) { folded(q, "192.0.2.1") }, []int{2, 4, 6}},
		{"by UDP only", func(q *question) {
			if q.stream != nil {
				q.at("192.0.2.1")
			} else {
				folded(q, "192.0.2.1")
			}
		}, []int{2, 4, 6}},
		{"somebody else", func(q *question) {
			if q.stream == nil {
				folded(q, "192.0.2.66")
			}
			q.at("192.0.2.1")
		}, []int{1, 2, 3}},
		{"somebody else, several times", func(q *question) {
			if q.stream == nil {
				for range 5 {
					folded(q, "192.0.2.66")
				}
			} else {
				q.at("192.0.2.1")
			}
		}, []int{2, 4, 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "20")
			u.does(tt.script)
			for _, asked := range tt.asked {
				lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
				dnstest.Equal(t, "questions", len(u.questions()), asked)
			}
		})
	}
}

// A connection that is lost after other answers does not count, nor does one that was to
// confirm an answer: an attempt is not given back twice.
func TestNameserversThatChangeLettersAndCloseConnections(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20", "attempts", "1")
	u.does(func(q *question) {
		m := q.reply(0, record(t, q.msg.Question[0].Name+" 9 IN A 192.0.2.1"))
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		switch {
		case q.stream == nil:
			q.send(m)
		case strings.HasPrefix(m.Question[0].Name, "first."):
			q.send(m)
		default:
			q.stream.Close()
		}
	})
	lookup(t, loop, b, "first.example").want(t, "192.0.2.1")
	lookup(t, loop, b, "second.example").want(t, "192.0.2.1")
}

// Without TCP it takes two answers, each to another id at another port, however few the
// attempts are.
func TestNameserversThatChangeLettersWithoutTCP(t *testing.T) {
	for _, attempts := range []string{"1", "3"} {
		t.Run("attempts "+attempts, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "20", "attempts", attempts)
			u.tcp.Close()
			ids := map[uint16]bool{} // written by the nameserver until it stops
			u.does(func(q *question) {
				ids[q.msg.Id] = true
				m := q.reply(0, record(t, q.msg.Question[0].Name+" 9 IN A 192.0.2.1"))
				m.Question[0].Name = strings.ToLower(m.Question[0].Name)
				q.send(m)
			})
			lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
			u.stop()
			dnstest.Equal(t, "ids", len(ids), 2)
		})
	}
}

// A dot that is escaped is part of a label, also at the end of a name.
func TestNamesWithAnEscapedDotAtTheEnd(t *testing.T) {
	for name, want := range map[string]string{
		`www`:       `www.`,
		`www.`:      `www.`,
		`www\.`:     `www\..`,
		`www\..`:    `www\..`,
		`www\\.`:    `www\\.`,
		`a.www\046`: `a.www\..`,
		`\.`:        `\..`,
	} {
		loop, u := newLoop(t), newUpstream(t)
		u.does(func(q *question) {
			if got := q.msg.Question[0].Name; !strings.EqualFold(got, want) {
				t.Errorf("%s: asked for %s, want %s", name, got, want)
			}
			q.good()
		})
		b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
		for range 2 { // the second from memory
			_, err := b.Query(name, dns.TypeTXT, evdns.NoSearch, func(m *dns.Msg, err error) {
				ok(t, err)
				dnstest.Equal(t, "answers", len(m.Answer), 1)
			})
			ok(t, err)
			dispatch(t, loop)
		}
		dnstest.Equal(t, name+": questions", len(u.questions()), 1)
	}
}

// A nameserver that looks nothing up for others is passed over while there is one that
// does. Without one, there is nothing.
func TestNameserversThatOnlyRefer(t *testing.T) {
	for name, refer := range map[string]func(*dns.Msg){
		"to others": func(m *dns.Msg) { m.Ns = []dns.RR{record(t, "example. 60 NS ns.example.")} },
		"to nobody": func(*dns.Msg) {},
	} {
		t.Run(name, func(t *testing.T) {
			script := func(q *question) {
				m := q.reply(0)
				m.RecursionAvailable = false
				refer(m)
				q.send(m)
			}
			loop, lame, good := newLoop(t), newUpstream(t), newUpstream(t)
			lame.does(script)
			b := newResolver(t, loop, lame, good)
			set(t, b, "timeout", "20")
			for range 4 {
				lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
			}
			good.does(script)
			lookup(t, loop, b, "www.example").fails(t, evdns.ErrNoData)
			r := ask(t, loop, b, "www.example", evdns.QueryConfig{Nameserver: lame.addr})
			is(t, "message", r.err, evdns.ErrNoData)
			dnstest.Equal(t, "RA", r.msg.RecursionAvailable, false)
		})
	}
}

// That a name has nothing of a type is an answer, from whoever may say so.
func TestNothingIsAnAnswer(t *testing.T) {
	for name, change := range map[string]func(*dns.Msg){
		"recursion":    func(m *dns.Msg) { m.RecursionAvailable = true },
		"authority":    func(m *dns.Msg) { m.Authoritative = true },
		"no such name": func(m *dns.Msg) { m.Rcode = dns.RcodeNameError },
	} {
		loop, one, two := newLoop(t), newUpstream(t), newUpstream(t)
		b := newResolver(t, loop, one, two)
		for _, u := range []*upstream{one, two} {
			u.does(func(q *question) {
				m := q.reply(0)
				m.RecursionAvailable = false
				change(m)
				q.send(m)
			})
		}
		if a := lookup(t, loop, b, "www.example"); a.err == nil {
			t.Errorf("%s: found %v", name, a.Addrs)
		}
		dnstest.Equal(t, name+": questions", len(one.questions())+len(two.questions()), 1)
	}
}
