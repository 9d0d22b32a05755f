package evdns_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

// A badNameserver is one that gives no good answer, or not always.
type badNameserver struct {
	name  string
	start func(loop *event.Base, b *evdns.Base, u *upstream)
}

func script(does func(*question)) func(*event.Base, *evdns.Base, *upstream) {
	return func(_ *event.Base, _ *evdns.Base, u *upstream) { u.does(does) }
}

var badNameservers = []badNameserver{
	{"dead", func(loop *event.Base, b *evdns.Base, u *upstream) { u.does(expires(loop, b)) }},
	{"nobody listens", func(_ *event.Base, b *evdns.Base, u *upstream) {
		u.stop()
		timeout := "2" // the system tells of so many refusals only (icmp_msgs_per_sec)
		if !hearsRefusals {
			timeout = "0.2"
		}
		set(u.t, b, "timeout", timeout)
	}},
	{"refuses", script(complains(dns.RcodeRefused))},
	{"does not implement", script(complains(dns.RcodeNotImplemented))},
	{"fails", script(complains(dns.RcodeServerFailure))},
	{"truncates, and closes streams", script(func(q *question) {
		if q.stream != nil {
			q.stream.Close()
			return
		}
		truncates(q)
	})},
	{"truncates, and is dead over streams", func(loop *event.Base, b *evdns.Base, u *upstream) {
		dead := expires(loop, b)
		u.does(func(q *question) {
			if q.stream != nil {
				dead(q)
				return
			}
			truncates(q)
		})
	}},
	{"truncates, without streams", func(_ *event.Base, _ *evdns.Base, u *upstream) {
		u.does(truncates)
		u.tcp.Close()
	}},
	{"answers too late", func(loop *event.Base, b *evdns.Base, u *upstream) {
		dead := expires(loop, b)
		u.does(func(q *question) {
			dead(q)
			ok(u.t, loop.Post(q.good))
		})
	}},
	{"slow", script(func(q *question) {
		time.Sleep(time.Millisecond)
		q.good()
	})},
	{"answers what nobody has asked", func(loop *event.Base, b *evdns.Base, u *upstream) {
		dead := expires(loop, b)
		u.does(func(q *question) {
			m := q.reply(0, record(u.t, "www.other.example. A 192.0.2.66"))
			m.Question[0].Name = "www.other.example."
			q.send(m)
			dead(q)
		})
	}},
	{"flaps between silence and answers", func(loop *event.Base, b *evdns.Base, u *upstream) {
		dead := expires(loop, b)
		u.does(func(q *question) {
			if q.number%2 == 1 {
				dead(q)
				return
			}
			q.good()
		})
	}},
	{"flaps between failure and answers", script(func(q *question) {
		if q.number%2 == 1 {
			complains(dns.RcodeServerFailure)(q)
			return
		}
		q.good()
	})},
}

// As long as there is one good nameserver, all lookups succeed, whatever the
// others do, and whichever of them is asked first.
func TestOneGoodNameserverIsEnough(t *testing.T) {
	const rounds = 6
	for i, one := range badNameservers {
		other := badNameservers[(i+1)%len(badNameservers)]
		for _, mix := range [][]badNameserver{{one}, {one, one}, {one, other}, {one, one, one, one, one}} {
			for good := range min(len(mix)+1, 3) {
				for _, attempts := range []int{1, 3} {
					name := fmt.Sprintf("%s, %d like it, %s, good at %d, %d attempts", one.name, len(mix), mix[len(mix)-1].name, good, attempts)
					t.Run(name, func(t *testing.T) { testMix(t, mix, good, attempts, rounds) })
				}
			}
		}
	}
}

func testMix(t *testing.T, mix []badNameserver, good, attempts, rounds int) {
	loop := newLoop(t)
	b := newResolver(t, loop)
	set(t, b, "timeout", "1000", "attempts", fmt.Sprint(attempts), "address-order", "as-answered")
	var servers []*upstream
	for range len(mix) + 1 {
		servers = append(servers, newUpstream(t))
	}
	for i, u := range servers {
		ok(t, b.AddNameserver(u.addr))
		if i != good {
			mix[min(i, len(mix)-1)].start(loop, b, u)
		}
	}
	var many []*answer
	for i := range 5 {
		many = append(many, start(t, b, fmt.Sprintf("many%d.example", i)))
	}
	dispatch(t, loop)
	for _, a := range many {
		a.want(t, "192.0.2.1")
	}
	for i := range rounds {
		alone := start(t, b, fmt.Sprintf("alone%d.example", i))
		both := getaddrinfo(b, fmt.Sprintf("both%d.example", i), "80", &stream)
		dispatch(t, loop)
		alone.want(t, "192.0.2.1")
		both.want(t, "192.0.2.1:80", "[2001:db8::1]:80")
	}
}

// With all nameservers bad, a lookup ends after its attempts, for the reason that
// came last.
func TestNoGoodNameserver(t *testing.T) {
	for _, test := range []struct {
		name string
		does func(*question)
		err  error
		sent int // by three nameservers together
	}{
		{"silence", silent, evdns.ErrTimeout, 3},
		{"failure", complains(dns.RcodeServerFailure), evdns.ErrServerFailed, 3},
		{"refusal", complains(dns.RcodeRefused), evdns.ErrRefused, 3},
		{"no implementation", complains(dns.RcodeNotImplemented), evdns.ErrNotImpl, 3},
	} {
		for _, attempts := range []string{"1", "3"} { // all are asked once in any case
			t.Run(test.name+", attempts "+attempts, func(t *testing.T) {
				loop := newLoop(t)
				servers := []*upstream{newUpstream(t), newUpstream(t), newUpstream(t)}
				b := newResolverWith(t, loop, evdns.NoCache, servers...)
				set(t, b, "timeout", "1000", "attempts", attempts, "max-timeouts", "255", "initial-probe-timeout", "3600")
				for _, u := range servers {
					u.does(test.does)
					if test.err == evdns.ErrTimeout {
						u.does(expires(loop, b))
					}
				}
				a := new(answer)
				_, err := b.ResolveIPv4("www.example", 0, func(ans evdns.Answer, err error) {
					a.callback(ans, err)
					loop.LoopExit(0)
				})
				ok(t, err)
				dispatch(t, loop)
				a.fails(t, test.err)
				n := 0
				for _, u := range servers {
					for _, name := range u.questions() {
						if name == "www.example" { // and not a probe
							n++
						}
					}
				}
				if n != test.sent {
					t.Errorf("%d questions, want %d", n, test.sent)
				}
			})
		}
	}
}

// More nameservers than attempts are all asked before a lookup fails.
func TestLimitOfALookupCountsNameservers(t *testing.T) {
	loop := newLoop(t)
	b := newResolver(t, loop)
	set(t, b, "timeout", "1000", "attempts", "2")
	const n = 70
	var last *upstream
	for i := range n {
		last = newUpstream(t)
		if i < n-1 {
			last.does(expires(loop, b))
		}
		ok(t, b.AddNameserver(last.addr))
	}
	lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
	if got := last.questions(); len(got) != 1 {
		t.Errorf("the good one was asked for %q", got)
	}
}

// A nameserver that is down and well again is found by a lookup for which the
// others do nothing.
func TestANameserverThatIsDownIsAskedAtLast(t *testing.T) {
	for _, attempts := range []string{"1", "2", "5"} {
		loop := newLoop(t)
		one, other := newUpstream(t), newUpstream(t)
		b := newResolver(t, loop, one, other)
		set(t, b, "timeout", "1000", "attempts", attempts, "initial-probe-timeout", "3600")
		one.does(complains(dns.RcodeRefused))
		lookup(t, loop, b, "a.example").want(t, "192.0.2.1") // the other has answered
		one.does((*question).good)
		other.does(expires(loop, b))
		lookup(t, loop, b, "b.example").want(t, "192.0.2.1")
	}
}
