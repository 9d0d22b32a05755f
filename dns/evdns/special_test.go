package evdns_test

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// specialCases are names that no nameserver is asked for, and others like them.
var specialCases = []struct {
	name     string
	asked    bool
	loopback bool // or there is no such name
}{
	{"localhost", false, true},
	{"localhost.", false, true},
	{"LocalHost", false, true},
	{"a.localhost", false, true},
	{"a.b.LOCALHOST.", false, true},
	{"invalid", false, false},
	{"a.invalid", false, false},
	{"onion", false, false},
	{"duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion", false, false},
	{"www.Onion.", false, false},
	{"test", true, false},
	{"a.test", true, false},
	{"printer.local", true, false},
	{"a.example", true, false},
	{"localhost.example", true, false},
	{"notlocalhost", true, false},
	{"a.union", true, false},
	{"nonion", true, false},
	{"localhost.localdomain", true, false},
}

func TestNamesThatNoNameserverIsAskedFor(t *testing.T) {
	for _, flags := range []evdns.BaseFlags{0, evdns.NoCache} {
		for _, tt := range specialCases {
			t.Run(fmt.Sprintf("%s, %d", tt.name, flags), func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				b := newResolverWith(t, loop, flags|evdns.DisableWhenInactive, u)
				ok(t, b.AddSearch("search.example"))
				v4, v6 := new(answer), new(answer)
				_, err := b.ResolveIPv4(tt.name, 0, v4.callback)
				ok(t, err)
				dnstest.Equal(t, "calls before the loop runs", v4.calls, 0)
				_, err = b.ResolveIPv6(tt.name, 0, v6.callback)
				ok(t, err)
				dispatch(t, loop)
				switch {
				case tt.asked:
					v4.want(t, "192.0.2.1")
					v6.want(t, "2001:db8::1")
				case tt.loopback:
					v4.want(t, "127.0.0.1")
					v6.want(t, "::1")
				default:
					v4.fails(t, evdns.ErrNotExist)
					v6.fails(t, evdns.ErrNotExist)
				}
				dnstest.Equal(t, "asked", len(u.questions()) > 0, tt.asked)
			})
		}
	}
}

func TestMessagesAboutNamesThatNoNameserverIsAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name   string
		qtype  uint16
		rcode  int
		answer string
		err    error
	}{
		{"localhost", dns.TypeA, 0, "localhost. 10800 IN A 127.0.0.1", nil},
		{"A.LocalHost.", dns.TypeAAAA, 0, "A.LocalHost. 10800 IN AAAA ::1", nil},
		{"localhost", dns.TypeMX, 0, "", evdns.ErrNoData},
		{"a.invalid", dns.TypeTXT, dns.RcodeNameError, "", evdns.ErrNotExist},
		{"_http._tcp.a.onion", dns.TypeSRV, dns.RcodeNameError, "", evdns.ErrNotExist},
		{`a.\111nion`, dns.TypeA, dns.RcodeNameError, "", evdns.ErrNotExist},
	} {
		loop, u := newLoop(t), newUpstream(t)
		b := newResolver(t, loop, u)
		ok(t, b.AddSearch("search.example"))
		_, err := b.Query(tt.name, tt.qtype, 0, func(m *dns.Msg, err error) {
			is(t, tt.name, err, tt.err)
			dnstest.Equal(t, "code", m.Rcode, tt.rcode)
			dnstest.Equal(t, "question", m.Question[0], dns.Question{Name: dns.Fqdn(tt.name), Qtype: tt.qtype, Qclass: dns.ClassINET})
			if tt.answer != "" {
				dnstest.Equal(t, "answer", m.Answer[0].String(), record(t, tt.answer).String())
			} else {
				dnstest.Equal(t, "answers", len(m.Answer), 0)
				dnstest.Equal(t, "SOA", m.Ns[0].Header().Rrtype, dns.TypeSOA)
			}
			if _, err := m.Pack(); err != nil {
				t.Error(err)
			}
		})
		ok(t, err)
		dispatch(t, loop)
		dnstest.Equal(t, "questions", len(u.questions()), 0)
	}
}

// A dot that is escaped does not end a label, so this is no name below localhost.
func TestALabelThatContainsLocalhost(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	_, err := newResolver(t, loop, u).Query(`a\.localhost`, dns.TypeTXT, 0, func(_ *dns.Msg, err error) { ok(t, err) })
	ok(t, err)
	dispatch(t, loop)
	dnstest.Equal(t, "questions", len(u.questions()), 1)
}

func TestGetAddrInfoOfNamesThatNoNameserverIsAskedFor(t *testing.T) {
	for _, option := range []string{"", "no-aaaa", "single-request"} {
		for _, tt := range specialCases {
			if tt.asked {
				continue
			}
			loop, u := newLoop(t), newUpstream(t)
			b := newAnswerer(t, loop, evdns.NoCache, u)
			ok(t, b.AddSearch("search.example"))
			if option != "" {
				set(t, b, option, "")
			}
			r := getaddrinfo(b, tt.name, "80", &stream) // which answers at once
			if tt.loopback {
				r.want(t, "127.0.0.1:80", "[::1]:80")
			} else {
				r.fails(t, evutil.EAINoName)
			}
			dnstest.Equal(t, "questions", len(u.questions()), 0)
		}
	}
}

// What a hosts file says about localhost counts.
func TestHostsComeBeforeWhatIsKnownOfLocalhost(t *testing.T) {
	loop := newLoop(t)
	b := newAnswerer(t, loop, 0)
	ok(t, b.LoadHosts(evdns.WriteConfig(t, "127.0.0.2 localhost\n192.0.2.7 a.onion\n")))
	for name, want := range map[string]string{"localhost": "127.0.0.2:80", "a.onion": "192.0.2.7:80"} {
		getaddrinfo(b, name, "80", &stream).want(t, want)
	}
	getaddrinfo(b, "b.localhost", "80", &stream).want(t, "127.0.0.1:80", "[::1]:80")
}

// A search domain may be one of them.
func TestSearchDomainsThatNoNameserverIsAskedFor(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	u.does(complains(dns.RcodeNameError))
	ok(t, b.AddSearch("localhost"))
	ok(t, b.AddSearch("invalid"))
	lookup(t, loop, b, "a").want(t, "127.0.0.1")
	getaddrinfo(b, "a", "80", &stream).want(t, "[::1]:80", "127.0.0.1:80")
	dnstest.Equal(t, "questions", len(u.questions()), 0)
}
