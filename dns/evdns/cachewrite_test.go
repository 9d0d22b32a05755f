package evdns_test

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

func addrPort(addr string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(addr), 0)
}

func TestWhatIsWrittenIntoTheCacheIsFound(t *testing.T) {
	const inet, inet6 = syscall.AF_INET, syscall.AF_INET6
	loop := newLoop(t)
	b := newAnswerer(t, loop, 0) // no nameservers
	ok(t, b.AddSearch("domain.example"))
	b.CacheWrite("Both", []evutil.AddrInfo{{Addr: addrPort("2001:db8::1"), CanonName: "canon.example"}, {Addr: addrPort("192.0.2.1")}}, time.Hour)
	b.CacheWrite("four.example", []evutil.AddrInfo{{Addr: addrPort("192.0.2.4")}}, time.Hour)
	b.CacheWrite("scope.example", []evutil.AddrInfo{{Addr: addrPort("fe80::1%7")}}, time.Hour)
	b.CacheWrite("short.example", []evutil.AddrInfo{{Addr: addrPort("192.0.2.5")}}, 0)
	b.CacheWrite("gone.example", []evutil.AddrInfo{{Addr: addrPort("192.0.2.6")}}, time.Hour)
	b.CacheWrite("gone.example", nil, time.Hour)
	for _, test := range []struct {
		name, node string
		hints      *evutil.AddrInfoHints
		want       []string
		canon      string
		err        error
	}{
		{"both", "both", &stream, []string{"[2001:db8::1]:80", "192.0.2.1:80"}, "", nil},
		{"in capitals", "BOTH", &stream, []string{"[2001:db8::1]:80", "192.0.2.1:80"}, "", nil},
		{"one family", "both", hints(inet, 0), []string{"192.0.2.1:80"}, "", nil},
		{"canonical name", "both", hints(inet, evutil.AICanonName), []string{"192.0.2.1:80"}, "canon.example", nil},
		{"a zone", "scope.example", &stream, []string{"[fe80::1%7]:80"}, "", nil},
		{"mapped", "four.example", hints(inet6, evutil.AIV4Mapped), []string{"[::ffff:192.0.2.4]:80"}, "", nil},
		{"the other family", "four.example", hints(inet6, 0), nil, "", evutil.EAIAddrFamily},
		{"no canonical name", "four.example", hints(0, evutil.AICanonName), nil, "", evdns.ErrNotCached},
		{"no time to live", "short.example", &stream, nil, "", evdns.ErrNotCached},
		{"removed", "gone.example", &stream, nil, "", evdns.ErrNotCached},
		{"another name", "both.domain.example", &stream, nil, "", evdns.ErrNotCached},
		{"a number", "192.0.2.1", &stream, nil, "", evdns.ErrNotCached},
		{"bad hints", "both", hints(0, 1), nil, "", evutil.EAIBadFlags},
	} {
		list, err := b.CacheLookup(test.node, test.hints, 80)
		var r infos
		r.done(list, err)
		if !errors.Is(err, test.err) || !slices.Equal(r.list, test.want) || r.canon != test.canon {
			t.Errorf("%s: got %q %q, %v", test.name, r.list, r.canon, err)
		}
		if errors.Is(test.err, evdns.ErrNotCached) {
			continue
		}
		g := getaddrinfo(b, test.node, "80", test.hints)
		if !errors.Is(g.err, test.err) || !slices.Equal(g.list, test.want) || g.canon != test.canon || g.calls != 1 {
			t.Errorf("%s: GetAddrInfo gave %q %q, %v", test.name, g.list, g.canon, g.err)
		}
	}
}

func TestCacheLookupKnowsWhatNameserversHaveSaid(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	u.does(zone(t, "host.b.example. 300 A 192.0.2.1"))
	b := newAnswerer(t, loop, 0, u)
	ok(t, b.AddSearch("b.example"))
	ok(t, b.AddSearch("a.example"))
	if _, err := b.CacheLookup("host", &stream, 80); !errors.Is(err, evdns.ErrNotCached) {
		t.Errorf("before: error %v", err)
	}
	for _, name := range []string{"host", "gone.b.example"} {
		getaddrinfo(b, name, "80", &stream)
	}
	dispatch(t, loop)
	asked := len(u.questions())
	for _, test := range []struct {
		node   string
		family int
		want   []string
		err    error
	}{
		{"host", 0, []string{"192.0.2.1:80"}, nil},
		{"host.b.example", syscall.AF_INET, []string{"192.0.2.1:80"}, nil},
		{"host.b.example.", syscall.AF_INET6, nil, evutil.EAINoData},
		{"host.a.example.", 0, nil, evutil.EAINoName},
		{"gone.b.example.", 0, nil, evutil.EAINoName},
		{"other", 0, nil, evdns.ErrNotCached},
	} {
		list, err := b.CacheLookup(test.node, hints(test.family, 0), 80)
		var r infos
		r.done(list, err)
		if !errors.Is(err, test.err) || !slices.Equal(r.list, test.want) {
			t.Errorf("%s: got %q, %v", test.node, r.list, err)
		}
	}
	if len(u.questions()) != asked {
		t.Error("a nameserver was asked")
	}
}

func TestCacheOfAFreedResolver(t *testing.T) {
	loop := newLoop(t)
	b := newAnswerer(t, loop, 0)
	b.Free(false)
	b.CacheWrite("a.example", []evutil.AddrInfo{{Addr: addrPort("192.0.2.1")}}, time.Hour)
	if list, err := b.CacheLookup("a.example", &stream, 80); !errors.Is(err, evdns.ErrFreed) {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestAResolverWithoutACacheStillHoldsWhatIsWritten(t *testing.T) {
	loop := newLoop(t)
	b := newAnswerer(t, loop, evdns.NoCache)
	b.CacheWrite("a.example", []evutil.AddrInfo{{Addr: addrPort("192.0.2.1")}}, time.Hour)
	list, err := b.CacheLookup("a.example", &stream, 80)
	if err != nil || len(list) != 1 {
		t.Errorf("got %v, %v", list, err)
	}
}
