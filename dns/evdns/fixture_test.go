package evdns_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdns"
)

// patience is how long a test waits for what must come; it is there to end tests
// that have failed, on a machine that may be busy.
const patience = 30 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// equal checks a value.
func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// is checks an error.
func is(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// newLoop returns an event base that lives as long as the test, which fails if
// it leaves anything behind.
var newLoop = evtest.Base

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
	evdns.LogTo(t, slog.DiscardHandler)
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

// dispatch runs the loop until it ends by itself or is ended.
func dispatch(t testing.TB, loop *event.Base) {
	t.Helper()
	var late atomic.Bool
	guard := time.AfterFunc(patience, func() {
		late.Store(true)
		loop.LoopExit(0)
	})
	defer guard.Stop()
	ok(t, loop.Dispatch())
	if late.Load() {
		stacks := make([]byte, 1<<16)
		t.Fatalf("the loop has waited in vain\n%s", stacks[:runtime.Stack(stacks, true)])
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

// record returns a resource record from its text.
func record(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	ok(t, err)
	return rr
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

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
