package evdns_test

import (
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// A query that was answered with SERVFAIL is sent again at once, over a stream too, where
// queries that wait for their answers are not repeated.
func TestAFailedQueryIsSentAgain(t *testing.T) {
	for over, add := range overStreams {
		t.Run(over, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop)
			set(t, b, "timeout", "1000")
			add(t, b, u.addr)
			u.does(func(q *question) {
				if q.number == 1 {
					q.send(q.reply(dns.RcodeServerFailure))
				} else {
					q.good()
				}
			})
			lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
			dnstest.Equal(t, "questions", len(u.questions()), 2)
		})
	}
}

// An answer that comes twice, as datagrams may, is no answer to the query that follows.
func TestARepeatedFailureCountsOnce(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "1000", "attempts", "2")
	u.does(func(q *question) {
		if q.number == 1 {
			q.send(q.reply(dns.RcodeServerFailure))
			q.send(q.reply(dns.RcodeServerFailure))
		} else {
			q.good()
		}
	})
	lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
}

// A nameserver that rejects EDNS says nothing about another one, which is asked next, and
// over TCP with EDNS as well.
func TestEDNSIsRejectedByOneNameserver(t *testing.T) {
	loop, rejects, cuts := newLoop(t), newUpstream(t), newUpstream(t)
	b := newResolver(t, loop, rejects, cuts)
	set(t, b, "edns0", "", "timeout", "1000")
	rejects.does(func(q *question) {
		if q.msg.IsEdns0() != nil {
			q.send(q.reply(dns.RcodeFormatError))
			return
		}
		q.send(q.reply(dns.RcodeServerFailure))
	})
	var without atomic.Int32
	cuts.does(func(q *question) {
		if q.msg.IsEdns0() == nil {
			without.Add(1)
		}
		if q.stream != nil {
			q.good()
			return
		}
		m := q.reply(0)
		m.Truncated = true
		q.send(m)
	})
	for range 2 {
		lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
	}
	dnstest.Equal(t, "questions without EDNS", without.Load(), 0)
}
