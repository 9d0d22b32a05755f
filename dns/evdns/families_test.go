package evdns_test

import (
	"slices"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// With no-aaaa there are no IPv6 addresses of nameservers' knowing; whether a name
// exists is asked for all the same.
func TestNoAAAAFindsNoIPv6Addresses(t *testing.T) {
	records := zone(t, "www.example. 60 A 192.0.2.1", "www.example. 60 AAAA 2001:db8::1", "six.example. 60 AAAA 2001:db8::6")
	for _, test := range []struct {
		name  string
		hints *evutil.AddrInfoHints
		want  []string
		err   error
		asked int
	}{
		{"www.example", &stream, []string{"192.0.2.1:80"}, nil, 1},
		{"www.example", hints(syscall.AF_INET, 0), []string{"192.0.2.1:80"}, nil, 1},
		{"www.example", hints(syscall.AF_INET6, 0), nil, evutil.EAINoData, 1},
		{"www.example", hints(syscall.AF_INET6, evutil.AIV4Mapped), []string{"[::ffff:192.0.2.1]:80"}, nil, 1},
		{"six.example", &stream, nil, evutil.EAINoData, 1},
		{"none.example", &stream, nil, evutil.EAINoName, 1},
		{"none.example", hints(syscall.AF_INET6, 0), nil, evutil.EAINoName, 1},
		{"2001:db8::7", &stream, []string{"[2001:db8::7]:80"}, nil, 0},
	} {
		loop, u := newLoop(t), newUpstream(t)
		u.does(func(q *question) {
			if q.qtype() == dns.TypeAAAA {
				t.Error("asked for IPv6 addresses of", q.name())
			}
			records(q)
		})
		b := newAnswerer(t, loop, evdns.NoCache, u)
		set(t, b, "no-aaaa", "")
		r := getaddrinfo(b, test.name, "80", test.hints)
		dispatch(t, loop)
		if test.err != nil {
			r.fails(t, test.err)
		} else {
			r.want(t, test.want...)
		}
		if got := len(u.questions()); got != test.asked {
			t.Errorf("%s: %d questions, want %d", test.name, got, test.asked)
		}
	}
}

func TestNoAAAAOfSingleLookups(t *testing.T) {
	for _, flags := range []evdns.BaseFlags{0, evdns.NoCache} {
		loop, u := newLoop(t), newUpstream(t)
		u.does(zone(t, "www.example. 60 CNAME web.example.", "web.example. 60 A 192.0.2.1"))
		b := newAnswerer(t, loop, flags, u)
		set(t, b, "no-aaaa", "")
		for name, want := range map[string]error{"www.example": evdns.ErrNoData, "none.example": evdns.ErrNotExist} {
			a := new(answer)
			_, err := b.ResolveIPv6(name, evdns.CNAMECallback, a.callback)
			ok(t, err)
			dispatch(t, loop)
			a.fails(t, want)
			dnstest.Equal(t, "type", a.Type, evdns.TypeAAAA)
		}
	}
}

// With single-request a nameserver is asked about one family at a time, for those
// that answer only the first of two.
func TestSingleRequestAsksForOneFamilyAfterTheOther(t *testing.T) {
	for _, option := range []string{"single-request", "single-request-reopen"} {
		loop, u := newLoop(t), newUpstream(t)
		b := newAnswerer(t, loop, 0, u)
		set(t, b, option, "")
		answers := zone(t, "www.example. 60 A 192.0.2.1", "www.example. 60 AAAA 2001:db8::1")
		var types []uint16 // written by the loop
		u.does(func(q *question) {
			err := loop.Post(func() {
				types = append(types, q.qtype())
				dnstest.Equal(t, option+": questions at a time", b.Inflight(), 1)
				answers(q)
			})
			if err != nil {
				t.Error(err)
			}
		})
		r := getaddrinfo(b, "www.example", "80", &stream)
		dispatch(t, loop)
		r.want(t, "192.0.2.1:80", "[2001:db8::1]:80")
		if !slices.Equal(types, []uint16{dns.TypeA, dns.TypeAAAA}) {
			t.Errorf("%s: asked for types %v", option, types)
		}
		again := getaddrinfo(b, "www.example", "80", &stream) // which the cache answers
		again.want(t, "192.0.2.1:80", "[2001:db8::1]:80")
		none := getaddrinfo(b, "none.example", "80", &stream)
		dispatch(t, loop)
		none.fails(t, evutil.EAINoName)
		dnstest.Equal(t, "questions", len(types), 3)
	}
}
