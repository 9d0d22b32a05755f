package evdns_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

// A told is what the callback of a query was told.
type told struct {
	m     *dns.Msg
	err   error
	calls int
}

func askWith(t *testing.T, b *evdns.Base, name string, cfg evdns.QueryConfig) *told {
	t.Helper()
	q := new(told)
	_, err := b.QueryWith(name, dns.TypeA, cfg, func(m *dns.Msg, err error) {
		q.m, q.err = m, err
		q.calls++
	})
	ok(t, err)
	return q
}

// Queries that are asked in the same way are asked once, those in different ways each,
// and how much time they have does not matter.
func TestEqualQueriesAreAskedOnce(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "1000")
	subnet := func(ip string) []dns.EDNS0 {
		addr := netip.MustParseAddr(ip)
		return []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: addr.AsSlice()}}
	}
	ways := []evdns.QueryConfig{
		{},
		{DNSSEC: true},
		{CheckingDisabled: true},
		{AuthenticatedData: true},
		{DNSSEC: true, CheckingDisabled: true},
		{Class: dns.ClassCHAOS},
		{Options: subnet("192.0.2.0")},
		{Options: subnet("198.51.100.0")},
		{Nameserver: newUpstream(t).addr},
		{Flags: evdns.UseVC},
		{Flags: evdns.UseVC, DNSSEC: true},
	}
	var all []*told
	for _, timeout := range []time.Duration{0, time.Hour, 0, 2 * time.Hour} {
		for _, cfg := range ways {
			cfg.Timeout = timeout
			all = append(all, askWith(t, b, "www.example", cfg))
		}
	}
	plain := start(t, b, "www.example")
	dispatch(t, loop)
	plain.want(t, "192.0.2.1")
	messages := map[*dns.Msg]bool{}
	for _, q := range all {
		if q.calls != 1 || q.err != nil || messages[q.m] {
			t.Errorf("%d calls, the last with %v, %v", q.calls, q.m, q.err)
		}
		messages[q.m] = true
	}
	if got, want := len(u.questions()), len(ways)-1; got != want { // one has gone to another nameserver
		t.Errorf("%d questions, want %d", got, want)
	}
}

// Whoever has less time gets less, and the others wait on.
func TestEqualQueriesWithTimeoutsOfTheirOwn(t *testing.T) {
	for _, order := range [][]time.Duration{
		{10 * time.Millisecond, 0, 20 * time.Millisecond},
		{0, 20 * time.Millisecond, 10 * time.Millisecond},
		{20 * time.Millisecond, 10 * time.Millisecond, time.Hour},
	} {
		for _, suspended := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, suspended %t", order, suspended), func(t *testing.T) {
				loop, u := newLoop(t), newUpstream(t)
				b := newResolver(t, loop, u)
				set(t, b, "timeout", "1000")
				held := make(chan *question, 3)
				u.does(func(q *question) { held <- q })
				if suspended {
					b.ClearNameserversAndSuspend()
				}
				var short, long []*told
				for _, timeout := range order {
					q := askWith(t, b, "www.example", evdns.QueryConfig{Timeout: timeout})
					if timeout == 0 || timeout == time.Hour {
						long = append(long, q)
					} else {
						short = append(short, q)
					}
				}
				run(t, loop, func() bool { return short[0].calls > 0 && short[1].calls > 0 })
				for _, q := range short {
					if !errors.Is(q.err, evdns.ErrTimeout) {
						t.Errorf("%v", q.err)
					}
				}
				if long[0].calls != 0 {
					t.Fatalf("%v", long[0].err)
				}
				if suspended {
					ok(t, b.AddNameserver(u.addr))
					b.Resume()
				}
				run(t, loop, func() bool { return len(held) == 1 })
				(<-held).good()
				dispatch(t, loop)
				if q := long[0]; q.calls != 1 || q.err != nil {
					t.Errorf("%d calls, the last with %v", q.calls, q.err)
				}
				if got := len(u.questions()); got != 1 {
					t.Errorf("%d questions", got)
				}
			})
		}
	}
}
