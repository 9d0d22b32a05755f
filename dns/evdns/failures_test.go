package evdns_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

// What nameservers had no answer to is not asked again for a moment, by whatever
// kind of lookup; everything else is.
func TestFailuresAreKeptForAMoment(t *testing.T) {
	for _, test := range []struct {
		name string
		does func(*question) // or nil: silence
		err  error
		kept bool
	}{
		{"silence", nil, evdns.ErrTimeout, true},
		{"failure", complains(dns.RcodeServerFailure), evdns.ErrServerFailed, true},
		{"refusal", complains(dns.RcodeRefused), evdns.ErrRefused, true},
		{"no implementation", complains(dns.RcodeNotImplemented), evdns.ErrNotImpl, true},
		{"an answer without a time to live", complains(dns.RcodeNameError), evdns.ErrNotExist, false},
	} {
		for _, off := range []string{"", "failure-ttl", "cache-size", "no cache"} {
			t.Run(test.name+" "+off, func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				flags := evdns.DisableWhenInactive
				if off == "no cache" {
					flags |= evdns.NoCache
				}
				b := newResolverWith(t, loop, flags, u)
				set(t, b, "timeout", "1000", "failure-ttl", "300", "attempts", "1")
				if off == "failure-ttl" || off == "cache-size" {
					set(t, b, off, "0")
				}
				does := test.does
				if does == nil {
					does = expires(loop, b)
				}
				u.does(func(q *question) {
					if q.name() == "www.example" && q.qtype() == dns.TypeA && q.stream == nil {
						does(q)
					} else {
						q.good()
					}
				})
				first := lookup(t, loop, b, "www.example")
				first.fails(t, test.err)
				asked := len(u.questions())
				second := lookup(t, loop, b, "WWW.example")
				second.fails(t, test.err)
				var query error
				_, err := b.Query("www.example", dns.TypeA, 0, func(_ *dns.Msg, err error) { query = err })
				ok(t, err)
				dispatch(t, loop)
				if !errors.Is(query, test.err) {
					t.Errorf("query: %v", query)
				}
				again := len(u.questions()) - asked
				if want := 2; off == "" && test.kept && again != 0 || (off != "" || !test.kept) && again < want {
					t.Errorf("asked %d times again", again)
				}
				// It goes for this question only.
				lookup(t, loop, b, "other.example").want(t, "192.0.2.1")
				a := new(answer)
				_, err = b.ResolveIPv6("www.example", 0, a.callback)
				ok(t, err)
				dispatch(t, loop)
				a.want(t, "2001:db8::1")
				a = new(answer)
				_, err = b.ResolveIPv4("www.example", evdns.UseVC, a.callback)
				ok(t, err)
				dispatch(t, loop)
				a.want(t, "192.0.2.1")
			})
		}
	}
}

// When things have changed, it is worth another try.
func TestFailuresAreForgottenWhenNameserversChange(t *testing.T) {
	for name, change := range map[string]func(b *evdns.Base, u, other *upstream){
		"another nameserver": func(b *evdns.Base, _, other *upstream) { ok(t, b.AddNameserver(other.addr)) },
		"other nameservers": func(b *evdns.Base, u, other *upstream) {
			b.ClearNameserversAndSuspend()
			ok(t, b.AddNameserver(other.addr))
			b.Resume()
		},
		"the same nameserver": func(b *evdns.Base, u, _ *upstream) {
			u.does((*question).good)
			b.ClearNameserversAndSuspend()
			ok(t, b.AddNameserver(u.addr))
			b.Resume()
		},
	} {
		t.Run(name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
			set(t, b, "timeout", "1000", "failure-ttl", "300")
			u.does(complains(dns.RcodeServerFailure))
			lookup(t, loop, b, "www.example").fails(t, evdns.ErrServerFailed)
			change(b, u, newUpstream(t))
			lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
		})
	}
}

// A nameserver that comes back has failures forgotten.
func TestFailuresAreForgottenWhenANameserverIsBack(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	set(t, b, "timeout", "1000", "failure-ttl", "300")
	u.does(complains(dns.RcodeRefused))
	lookup(t, loop, b, "www.example").fails(t, evdns.ErrRefused)
	u.does((*question).good)
	lookup(t, loop, b, "other.example").want(t, "192.0.2.1")
	lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
}

// No more failures are kept than the cache may have answers: the oldest goes
// first.
func TestFailuresAreLimited(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	set(t, b, "timeout", "1000", "failure-ttl", "300", "cache-size", "3", "attempts", "1", "max-timeouts", "255")
	u.does(complains(dns.RcodeServerFailure))
	for i := range 4 {
		lookup(t, loop, b, fmt.Sprintf("n%d.example", i)).fails(t, evdns.ErrServerFailed)
	}
	for i := 3; i >= 0; i-- {
		lookup(t, loop, b, fmt.Sprintf("n%d.example", i)).fails(t, evdns.ErrServerFailed)
	}
	if got := u.questions(); len(got) != 5 || got[4] != "n0.example" {
		t.Errorf("asked for %q", got)
	}
}
