package evdns_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

// knows returns a script for a nameserver that knows these names only.
func knows(names ...string) func(*question) {
	return func(q *question) {
		if slices.Contains(names, q.name()) {
			q.good()
			return
		}
		m := q.reply(dns.RcodeNameError)
		rr, err := dns.NewRR("example. 90 IN SOA ns.example. mail.example. 1 2 3 4 60")
		if err != nil {
			q.u.t.Error(err)
		}
		m.Ns = []dns.RR{rr}
		q.send(m)
	}
}

func TestSearching(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 60)+".", 4)
	for _, c := range []struct {
		name, ask string
		ndots     int
		flags     evdns.QueryFlags
		known     string
		asked     []string
	}{
		{"domains first", "www", 1, 0, "www.one.example", []string{"www.one.example"}},
		{"the second domain", "www", 1, 0, "www.two.example", []string{"www.one.example", "www.two.example"}},
		{"the name itself last", "www", 1, 0, "www", []string{"www.one.example", "www.two.example", "www"}},
		{"enough dots", "www.x", 1, 0, "www.x", []string{"www.x"}},
		{"enough dots, but a domain", "www.x", 1, 0, "www.x.one.example", []string{"www.x", "www.x.one.example"}},
		{"too few dots", "www.x", 2, 0, "www.x.one.example", []string{"www.x.one.example"}},
		{"ndots 0", "www", 0, 0, "www.one.example", []string{"www", "www.one.example"}},
		{"a dot at the end", "www.", 1, 0, "www", []string{"www"}},
		{"no search", "www", 1, evdns.NoSearch, "www", []string{"www"}},
		{"nowhere", "www", 1, 0, "", []string{"www.one.example", "www.two.example", "www"}},
		{"nowhere, without search", "www", 1, evdns.NoSearch, "", []string{"www"}},
		{"no room for a domain", long[:243], 9, 0, "", []string{long[:243]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "20", "ndots", fmt.Sprint(c.ndots))
			ok(t, b.AddSearch("two.example")) // which comes after the one that is added next
			ok(t, b.AddSearch("one.example"))
			u.does(knows(c.known))
			a := new(answer)
			_, err := b.ResolveIPv4(c.ask, c.flags, a.callback)
			ok(t, err)
			dispatch(t, loop)
			if c.known != "" {
				a.want(t, "192.0.2.1")
			} else {
				a.fails(t, evdns.ErrNotExist)
			}
			if got := u.questions(); !slices.Equal(got, c.asked) {
				t.Errorf("asked for %q, want %q", got, c.asked)
			}
		})
	}
}

// A search goes on after any answer that is none, but not when nameservers do
// not work.
func TestSearchGoesOn(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*question)
		err  error // or nil: the search has gone on
	}{
		{"no data", complains(dns.RcodeSuccess), nil},
		{"cannot read", complains(dns.RcodeFormatError), nil},
		{"refused", complains(dns.RcodeRefused), nil},
		{"malformed", func(q *question) { q.sendWire(q.reply0()) }, nil},
		{"failure", complains(dns.RcodeServerFailure), evdns.ErrServerFailed},
		{"silence", silent, evdns.ErrTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			ok(t, b.AddSearch("example"))
			if c.err == evdns.ErrTimeout {
				set(t, b, "timeout", "0.01")
			} else {
				set(t, b, "timeout", "20")
			}
			u.does(func(q *question) {
				if q.name() == "www.example" {
					c.do(q)
				} else {
					q.good()
				}
			})
			a := lookup(t, loop, b, "www")
			if c.err == nil {
				a.want(t, "192.0.2.1")
			} else {
				a.fails(t, c.err)
			}
		})
	}
}

func TestAnswersAreRemembered(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	set(t, b, "timeout", "20")
	u.does(knows("www.example", "txt.example"))
	for range 2 {
		lookup(t, loop, b, "www.example").want(t, "192.0.2.1")
		lookup(t, loop, b, "WWW.Example.").want(t, "192.0.2.1")
		lookup(t, loop, b, "not.example").fails(t, evdns.ErrNotExist)
		a := new(answer)
		_, err := b.ResolveIPv6("www.example", 0, a.callback)
		ok(t, err)
		dispatch(t, loop)
		a.want(t, "2001:db8::1")
		for _, name := range []string{"txt.example", "no.example"} {
			_, err = b.Query(name, dns.TypeTXT, 0, func(m *dns.Msg, err error) {
				if name == "no.example" && (m == nil || !errors.Is(err, evdns.ErrNotExist)) {
					t.Errorf("%v, %v", m, err)
				}
				if name == "txt.example" && (err != nil || m.Question[0].Name != "txt.example." || len(m.Answer) != 1) {
					t.Errorf("%v, %v", m, err)
				}
			})
			ok(t, err)
			dispatch(t, loop)
		}
	}
	want := []string{"www.example", "not.example", "www.example", "txt.example", "no.example"}
	if got := u.questions(); !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
}

// What is at the end of an alias is remembered for no longer than the alias is,
// and that there is nothing no longer than the nameserver says.
func TestNothingAtTheEndOfAnAliasIsRemembered(t *testing.T) {
	for _, c := range []struct {
		name       string
		rcode      int
		alias, soa string
		remembered bool
	}{
		{"no such name", dns.RcodeNameError, "90", "60", true},
		{"no data", dns.RcodeSuccess, "90", "60", true},
		{"no such name, the alias is not to be remembered", dns.RcodeNameError, "0", "60", false},
		{"no data, the alias is not to be remembered", dns.RcodeSuccess, "0", "60", false},
		{"no such name, not to be remembered", dns.RcodeNameError, "90", "0", false},
		{"no such name, nothing said", dns.RcodeNameError, "90", "", false},
		{"no data, nothing said", dns.RcodeSuccess, "90", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
			set(t, b, "timeout", "20")
			u.does(func(q *question) {
				m := q.reply(c.rcode, record(t, "alias.example. "+c.alias+" IN CNAME end.example."))
				if c.soa != "" {
					m.Ns = []dns.RR{record(t, "example. 90 IN SOA ns.example. mail.example. 1 2 3 4 "+c.soa)}
				}
				q.send(m)
			})
			for range 2 {
				a := lookup(t, loop, b, "alias.example")
				if a.err == nil {
					t.Error(a.Answer)
				}
				_, err := b.Query("alias.example", dns.TypeTXT, 0, func(m *dns.Msg, err error) {
					if m == nil || m.Rcode != c.rcode {
						t.Error(m, err)
					}
				})
				ok(t, err)
				dispatch(t, loop)
			}
			want := 4
			if c.remembered {
				want = 2
			}
			if n := len(u.questions()); n != want {
				t.Errorf("asked %d times, want %d", n, want)
			}
		})
	}
}

// What is known not to exist is skipped in a search.
func TestSearchInMemory(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	set(t, b, "timeout", "20")
	ok(t, b.AddSearch("two.example"))
	ok(t, b.AddSearch("one.example"))
	u.does(knows("www.two.example"))
	for range 3 {
		lookup(t, loop, b, "www").want(t, "192.0.2.1")
	}
	for range 3 {
		lookup(t, loop, b, "no").fails(t, evdns.ErrNotExist)
	}
	want := []string{"www.one.example", "www.two.example", "no.one.example", "no.two.example", "no"}
	if got := u.questions(); !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
}

// A callback that looks up again what is known does not keep the loop from the
// rest.
func TestMemoryDoesNotStarveTheLoop(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	set(t, b, "timeout", "20")
	posted, calls := false, 0
	var again func(evdns.Answer, error)
	again = func(_ evdns.Answer, err error) {
		ok(t, err)
		if calls++; calls == 2 {
			ok(t, loop.Post(func() { posted = true }))
		}
		if !posted {
			_, err := b.ResolveIPv4("www.example", 0, again)
			ok(t, err)
		}
	}
	_, err := b.ResolveIPv4("www.example", 0, again)
	ok(t, err)
	dispatch(t, loop)
	if !posted || len(u.questions()) != 1 {
		t.Errorf("posted %v, %d questions", posted, len(u.questions()))
	}
}
