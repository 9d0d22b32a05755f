package evdns_test

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
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
					equal(t, "AD", m.AuthenticatedData, trust)
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
