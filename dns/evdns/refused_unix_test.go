//go:build unix

package evdns_test

import (
	"testing"

	"github.com/go-libevent/libevent/dns/evdns"
)

// That nobody has listened at the nameserver, of which the system tells when the
// next query is sent, says nothing about that one.
func TestARefusalOfAnEarlierQuery(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "1000", "ports-per-nameserver", "1")
	u.stop()
	r, err := b.ResolveIPv4("early.example", 0, func(evdns.Answer, error) {})
	ok(t, err)
	b.EndIteration() // sends it
	r.Cancel()
	b.EndIteration() // nobody looks for the answer any more
	u.listen(u.addr)
	lookup(t, loop, b, "late.example").want(t, "192.0.2.1")
}
