package evdns_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

// Without a nameserver every kind of lookup fails at once, and says so.
func TestWithoutANameserver(t *testing.T) {
	loop := newLoop(t)
	b := newResolver(t, loop)
	set(t, b, "timeout", "1000")
	ok(t, b.AddSearch("example"))
	for range 2 {
		forward, reverse := start(t, b, "www"), new(answer)
		_, err := b.ResolveReverse(addr("192.0.2.1"), 0, reverse.callback)
		ok(t, err)
		var query error
		_, err = b.Query("example", dns.TypeMX, 0, func(_ *dns.Msg, err error) { query = err })
		ok(t, err)
		infos := getaddrinfo(b, "www", "80", &stream)
		dispatch(t, loop)
		for _, want := range []error{evdns.ErrUnreachable, evdns.ErrNoNameservers} {
			forward.fails(t, want)
			reverse.fails(t, want)
			infos.fails(t, want, evutil.EAIAgain)
			if !errors.Is(query, want) {
				t.Errorf("%v", query)
			}
		}
	}
	// One that is added before the loop goes on is in time.
	a := start(t, b, "www")
	ok(t, b.AddNameserver(newUpstream(t).addr))
	dispatch(t, loop)
	a.want(t, "192.0.2.1")
}

// The time that a lookup waits for others counts.
func TestTheTimeOfALookupIncludesWaiting(t *testing.T) {
	const n = 50
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "0.2", "attempts", "1", "max-inflight", "1")
	u.does(silent)
	answers := make([]*answer, n)
	for i := range answers {
		answers[i] = start(t, b, fmt.Sprintf("n%d.example", i))
	}
	dispatch(t, loop)
	for _, a := range answers {
		a.fails(t, evdns.ErrTimeout)
	}
	if got := u.questions(); len(got) > n/2 { // some may start in the last moment
		t.Errorf("the nameserver was asked %d times, one after the other", len(got))
	}
}

// While the resolver is suspended, time stands still, and requests have all of it
// again afterwards.
func TestTheTimeOfALookupWhileSuspended(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop)
	set(t, b, "timeout", "0.001", "attempts", "1")
	b.ClearNameserversAndSuspend()
	a := start(t, b, "www.example")
	for range 3 {
		dispatch(t, loop) // ends at once
	}
	set(t, b, "timeout", "1000")
	ok(t, b.AddNameserver(u.addr))
	b.Resume()
	dispatch(t, loop)
	a.want(t, "192.0.2.1")
}

// Errors tell apart why there was no answer.
func TestReasonsAreDifferent(t *testing.T) {
	loop := newLoop(t)
	reasons := []error{evdns.ErrTimeout, evdns.ErrRefused, evdns.ErrServerFailed, evdns.ErrUnreachable, datagram.ErrRefused}
	for _, test := range []struct {
		name string
		does func(*question)
		stop bool
		want []error
	}{
		{"silence", silent, false, []error{evdns.ErrTimeout}},
		{"refusal", complains(dns.RcodeRefused), false, []error{evdns.ErrRefused}},
		{"failure", complains(dns.RcodeServerFailure), false, []error{evdns.ErrServerFailed}},
		{"nobody over TCP", nil, true, []error{evdns.ErrUnreachable, datagram.ErrRefused}},
	} {
		u := newUpstream(t)
		b := newResolver(t, loop, u)
		set(t, b, "timeout", "1000", "attempts", "1")
		switch {
		case test.stop:
			u.stop()
		case test.name == "silence":
			u.does(expires(loop, b))
		default:
			u.does(test.does)
		}
		if test.stop {
			set(t, b, "use-vc", "")
		}
		a := lookup(t, loop, b, "www.example")
		for _, reason := range reasons {
			wanted := false
			for _, w := range test.want {
				wanted = wanted || w == reason
			}
			if got := errors.Is(a.err, reason); got != wanted {
				t.Errorf("%s: errors.Is(%v, %v) = %t", test.name, a.err, reason, got)
			}
		}
	}
}
