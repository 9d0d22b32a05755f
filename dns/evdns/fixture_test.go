package evdns_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// Short names of what all tests use.
var (
	ok       = dnstest.OK
	is       = dnstest.Is
	dispatch = dnstest.Dispatch
	record   = dnstest.Record
	addr     = dnstest.Addr
	newLoop  = evtest.Base
)

const patience = evtest.Patience

// newResolver returns a resolver that asks the given nameservers, always, and
// lets the loop end when there is nothing to do.
func newResolver(t testing.TB, loop *event.Base, servers ...*upstream) *evdns.Base {
	t.Helper()
	return newResolverWith(t, loop, evdns.DisableWhenInactive|evdns.NoCache, servers...)
}

func newResolverWith(t testing.TB, loop *event.Base, flags evdns.BaseFlags, servers ...*upstream) *evdns.Base {
	t.Helper()
	b, err := evdns.NewBase(loop, flags)
	ok(t, err)
	t.Cleanup(func() { b.Free(false) })
	dnstest.LogTo(t, slog.DiscardHandler)
	for _, s := range servers {
		ok(t, b.AddNameserver(s.addr))
	}
	return b
}

// set sets options of a resolver: names and values in turn.
func set(t testing.TB, b *evdns.Base, options ...string) {
	t.Helper()
	for i := 0; i < len(options); i += 2 {
		ok(t, b.SetOption(options[i], options[i+1]))
	}
}

// An answer is what a callback was told.
type answer struct {
	evdns.Answer
	err   error
	calls int
}

func (a *answer) callback(ans evdns.Answer, err error) {
	a.calls++
	a.Answer, a.err = ans, err
}

// lookup looks up the IPv4 addresses of a name, and runs the loop until it has
// nothing to do.
func lookup(t testing.TB, loop *event.Base, b *evdns.Base, name string) *answer {
	t.Helper()
	a := start(t, b, name)
	dispatch(t, loop)
	if a.calls != 1 {
		t.Fatalf("%s: %d calls of the callback, want 1", name, a.calls)
	}
	return a
}

// start begins to look up a name.
func start(t testing.TB, b *evdns.Base, name string) *answer {
	t.Helper()
	a := new(answer)
	_, err := b.ResolveIPv4(name, 0, a.callback)
	ok(t, err)
	return a
}

// want checks that an answer is this one address.
func (a *answer) want(t testing.TB, addr string) {
	t.Helper()
	if a.calls != 1 || a.err != nil || len(a.Addrs) != 1 || a.Addrs[0] != netip.MustParseAddr(addr) {
		t.Errorf("%d calls, the last with %v, %v; want %s", a.calls, a.Addrs, a.err, addr)
	}
}

// fails checks that there was an error instead of an answer.
func (a *answer) fails(t testing.TB, want error) {
	t.Helper()
	if a.calls != 1 || !errors.Is(a.err, want) || len(a.Addrs)+len(a.Names) != 0 {
		t.Errorf("%d calls, the last with %v, %v; want the error %v", a.calls, a.Answer, a.err, want)
	}
}

// bits writes the bits of a header as dig does.
func bits(m *dns.Msg) string {
	s := ""
	for _, bit := range []struct {
		set  bool
		name string
	}{
		{m.Response, "qr"}, {m.Authoritative, " aa"}, {m.Truncated, " tc"}, {m.RecursionDesired, " rd"},
		{m.RecursionAvailable, " ra"}, {m.Zero, " z"}, {m.AuthenticatedData, " ad"}, {m.CheckingDisabled, " cd"},
	} {
		if bit.set {
			s += bit.name
		}
	}
	return s
}
