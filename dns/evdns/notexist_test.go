package evdns_test

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

var families = []uint16{dns.TypeA, dns.TypeAAAA}

// That there is no such name goes for both families, whatever becomes of the
// question for the other one.
func TestNoSuchNameForOneFamilyEndsTheLookup(t *testing.T) {
	for _, none := range families {
		for name, other := range map[string]func(*event.Base, *evdns.Base) func(*question){
			"silence":  func(*event.Base, *evdns.Base) func(*question) { return silent },
			"timeouts": func(loop *event.Base, b *evdns.Base) func(*question) { return expires(loop, b) },
		} {
			for _, search := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s for the other, search %t", dns.Type(none), name, search), func(t *testing.T) {
					loop, u := newLoop(t), newUpstream(t)
					b := newAnswerer(t, loop, 0, u)
					set(t, b, "timeout", "1000", "attempts", "255", "max-timeouts", "255")
					if search {
						ok(t, b.AddSearch("example"))
					}
					others := other(loop, b)
					u.does(func(q *question) {
						switch {
						case q.name() != "www.example" && search:
							q.good()
						case q.qtype() == none:
							complains(dns.RcodeNameError)(q)
						default:
							others(q)
						}
					})
					name := "www.example"
					if search {
						name = "www"
					}
					r := getaddrinfo(b, name, "80", &stream)
					dispatch(t, loop) // would take more than 1000 seconds
					if search {
						r.want(t, "192.0.2.1:80", "[2001:db8::1]:80")
					} else {
						r.fails(t, evutil.EAINoName, evdns.ErrNotExist)
					}
				})
			}
		}
	}
}

// The question for the other family need not even have been sent.
func TestNoSuchNameWhileTheOtherFamilyWaits(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newAnswerer(t, loop, 0, u)
	set(t, b, "timeout", "1000", "max-inflight", "1")
	u.does(func(q *question) {
		if q.name() == "www.example" {
			complains(dns.RcodeNameError)(q)
		}
	})
	r := getaddrinfo(b, "www.example", "80", hints(0, 0))
	silence := start(t, b, "silent.example") // waits as well, before AAAA or after it
	run(t, loop, func() bool { return r.calls > 0 })
	r.fails(t, evutil.EAINoName, evdns.ErrNotExist)
	if silence.calls != 0 {
		t.Errorf("%v", silence.err)
	}
}

// An answer of the other family that is on its way wins.
func TestAddressesAfterNoSuchName(t *testing.T) {
	defer evdns.SetNotExistSkew(time.Hour)()
	for _, none := range families {
		for _, search := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, search %t", dns.Type(none), search), func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				b := newAnswerer(t, loop, 0, u)
				set(t, b, "timeout", "1000")
				name := "www.example"
				if search {
					ok(t, b.AddSearch("example"))
					name = "www"
				}
				held := make(chan *question, 1)
				u.does(func(q *question) {
					if q.qtype() != none {
						held <- q
						return
					}
					m := q.reply(dns.RcodeNameError)
					m.Ns = []dns.RR{record(t, "example. 300 IN SOA ns.example. root.example. 1 1 1 1 300")}
					q.send(m)
				})
				r := getaddrinfo(b, name, "80", &stream)
				family := map[uint16]*evutil.AddrInfoHints{dns.TypeA: hints(syscall.AF_INET, 0), dns.TypeAAAA: hints(syscall.AF_INET6, 0)}[none]
				run(t, loop, func() bool { // until it is known that there is no such name
					_, err := b.CacheLookup("www.example.", family, 80)
					return len(held) == 1 && !errors.Is(err, evdns.ErrNotCached)
				})
				if r.calls != 0 {
					t.Fatal("the other family was not awaited")
				}
				(<-held).good()
				dispatch(t, loop)
				if none == dns.TypeA {
					r.want(t, "[2001:db8::1]:80")
				} else {
					r.want(t, "192.0.2.1:80")
				}
				if got := slices.Compact(u.questions()); !slices.Equal(got, []string{"www.example"}) {
					t.Errorf("asked for %q", got)
				}
			})
		}
	}
}
