package evdns

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// from returns a source function: what each destination is reached from, others
// being out of reach.
func from(routes map[string]string) func(netip.Addr) netip.Addr {
	return func(dst netip.Addr) netip.Addr {
		src, _ := netip.ParseAddr(routes[dst.String()])
		return src
	}
}

// TestAddressesAreSortedByRFC6724 has the examples of section 10.2, as far as
// they do not need what is not known about addresses, and some more.
func TestAddressesAreSortedByRFC6724(t *testing.T) {
	for _, test := range []struct {
		name   string
		routes map[string]string
		addrs  []string
		want   []string
	}{
		{"matching scope: IPv6 before IPv4 that is local",
			map[string]string{"2001:db8:1::1": "2001:db8:1::2", "198.51.100.121": "169.254.13.78"},
			[]string{"198.51.100.121", "2001:db8:1::1"},
			[]string{"2001:db8:1::1", "198.51.100.121"}},
		{"matching scope: IPv4 before IPv6 from a local address",
			map[string]string{"2001:db8:1::1": "fe80::1", "198.51.100.121": "198.51.100.117"},
			[]string{"2001:db8:1::1", "198.51.100.121"},
			[]string{"198.51.100.121", "2001:db8:1::1"}},
		{"higher precedence",
			map[string]string{"2001:db8:1::1": "2001:db8:1::2", "10.1.2.3": "10.1.2.4"},
			[]string{"10.1.2.3", "2001:db8:1::1"},
			[]string{"2001:db8:1::1", "10.1.2.3"}},
		{"smaller scope",
			map[string]string{"2001:db8:1::1": "2001:db8:1::2", "fe80::1": "fe80::2"},
			[]string{"2001:db8:1::1", "fe80::1"},
			[]string{"fe80::1", "2001:db8:1::1"}},
		{"longest matching prefix",
			map[string]string{"2001:db8:1::1": "2001:db8:1::2", "2001:db8:3ffe::1": "2001:db8:3f44::2"},
			[]string{"2001:db8:3ffe::1", "2001:db8:1::1"},
			[]string{"2001:db8:1::1", "2001:db8:3ffe::1"}},
		{"matching label",
			map[string]string{"2002:c633:6401::1": "2002:c633:6401::2", "2001:db8:1::1": "2002:c633:6401::2"},
			[]string{"2001:db8:1::1", "2002:c633:6401::1"},
			[]string{"2002:c633:6401::1", "2001:db8:1::1"}},
		{"higher precedence than 6to4",
			map[string]string{"2002:c633:6401::1": "2002:c633:6401::2", "2001:db8:1::1": "2001:db8:1::2"},
			[]string{"2002:c633:6401::1", "2001:db8:1::1"},
			[]string{"2001:db8:1::1", "2002:c633:6401::1"}},
		{"out of reach comes last",
			map[string]string{"10.1.2.3": "10.1.2.4"},
			[]string{"2001:db8:1::1", "10.1.2.3"},
			[]string{"10.1.2.3", "2001:db8:1::1"}},
		{"nothing in reach stays in order",
			nil,
			[]string{"192.0.2.2", "192.0.2.1"},
			[]string{"192.0.2.2", "192.0.2.1"}},
		{"IPv4 stays in order whatever the prefix",
			map[string]string{"10.1.2.3": "10.1.2.4", "192.0.2.1": "10.1.2.4"},
			[]string{"192.0.2.1", "10.1.2.3"},
			[]string{"192.0.2.1", "10.1.2.3"}},
		{"loopback: IPv6 first",
			map[string]string{"127.0.0.1": "127.0.0.1", "::1": "::1"},
			[]string{"127.0.0.1", "::1"},
			[]string{"::1", "127.0.0.1"}},
		{"unique local after IPv4 of the same label",
			map[string]string{"fd00::1": "2001:db8::2", "10.1.2.3": "10.1.2.4"},
			[]string{"fd00::1", "10.1.2.3"},
			[]string{"10.1.2.3", "fd00::1"}},
		{"zones do not matter",
			map[string]string{"fe80::1%7": "fe80::2%7", "2001:db8:1::1": "2001:db8:1::2"},
			[]string{"2001:db8:1::1", "fe80::1%7"},
			[]string{"fe80::1%7", "2001:db8:1::1"}},
		{"prefixes differ in what belongs to the host alone",
			map[string]string{"2001:db8::ffff": "2001:db8::1", "2001:db8::2": "2001:db8::1"},
			[]string{"2001:db8::ffff", "2001:db8::2"},
			[]string{"2001:db8::ffff", "2001:db8::2"}},
	} {
		got := OrderRFC6724.arrange(parseAddrs(test.addrs...), from(test.routes))
		if !slices.Equal(got, parseAddrs(test.want...)) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestScopesAndPolicies(t *testing.T) {
	for _, test := range []struct {
		addr                     string
		scope, precedence, label int
	}{
		{"::1", scopeLinkLocal, 50, 0},
		{"::2", scopeGlobal, 1, 3},
		{"fe80::1", scopeLinkLocal, 40, 1},
		{"fec0::1", scopeSiteLocal, 1, 11},
		{"fd00::1", scopeGlobal, 3, 13},
		{"3ffe::1", scopeGlobal, 1, 12},
		{"2001:0:1::1", scopeGlobal, 5, 5},
		{"2001:db8::1", scopeGlobal, 40, 1},
		{"2002::1", scopeGlobal, 30, 2},
		{"ff05::1", scopeSiteLocal, 40, 1},
		{"ff02::1%eth0", scopeLinkLocal, 40, 1},
		{"::ffff:10.0.0.1", scopeGlobal, 35, 4},
		{"10.0.0.1", scopeGlobal, 35, 4},
		{"127.0.0.1", scopeLinkLocal, 35, 4},
		{"169.254.1.1", scopeLinkLocal, 35, 4},
		{"224.0.0.1", scopeGlobal, 35, 4},
	} {
		addr := netip.MustParseAddr(test.addr)
		p := policyOf(addr)
		if scopeOf(addr) != test.scope || p.precedence != test.precedence || p.label != test.label {
			t.Errorf("%v: scope %#x, precedence %d, label %d", addr, scopeOf(addr), p.precedence, p.label)
		}
	}
}

// That families alternate is for who connects, and nothing to sort by.
func TestFamiliesDoNotAlternate(t *testing.T) {
	everywhere := func(dst netip.Addr) netip.Addr { return dst }
	for _, test := range []struct{ addrs, want []string }{
		{[]string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"},
			[]string{"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2", "192.0.2.3"}},
		{[]string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"},
			[]string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"}},
		{[]string{"192.0.2.1", "192.0.2.2"}, []string{"192.0.2.1", "192.0.2.2"}},
		{[]string{"192.0.2.1"}, []string{"192.0.2.1"}},
		{nil, nil},
	} {
		got := OrderRFC6724.arrange(parseAddrs(test.addrs...), everywhere)
		if !slices.Equal(got, parseAddrs(test.want...)) {
			t.Errorf("%v: got %v", test.addrs, got)
		}
	}
}

func TestTheSystemIsNotAskedMoreThanIsOfUse(t *testing.T) {
	asked := 0
	count := func(dst netip.Addr) netip.Addr { asked++; return dst }
	var many []netip.Addr
	for i := range 3 * maxSources {
		many = append(many, netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i)), netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i)))
	}
	for _, test := range []struct {
		order AddressOrder
		addrs []netip.Addr
		want  int
	}{
		{OrderRFC6724, many, 2 * maxSources},
		{OrderRFC6724, many[:2], 2},
		{OrderRFC6724, many[:1], 0},
		{OrderAsAnswered, many, 0},
	} {
		asked = 0
		got := test.order.arrange(test.addrs, count)
		if asked != test.want {
			t.Errorf("%d addresses: asked %d times, want %d", len(test.addrs), asked, test.want)
		}
		if len(got) != len(test.addrs) {
			t.Errorf("%d addresses became %d", len(test.addrs), len(got))
		}
		if test.order == OrderRFC6724 && len(got) > 2 && (!got[0].Is6() || !got[len(got)-1].Is4()) {
			t.Errorf("not sorted: %v", got)
		}
	}
}

func TestSourcesAreRememberedForAMoment(t *testing.T) {
	var s sources
	dst, wrong := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")
	if got := s.of(dst, time.Hour); got != dst {
		t.Errorf("127.0.0.1 is reached from %v", got)
	}
	s.known[dst] = wrong
	if got := s.of(dst, time.Hour+sourcesTTL-1); got != wrong {
		t.Errorf("asked again: %v", got)
	}
	if got := s.of(dst, time.Hour+sourcesTTL); got != dst {
		t.Errorf("not asked again: %v", got)
	}
	for i := range maxRemembered {
		s.known[netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", i/256, i%256))] = wrong
	}
	s.of(dst, time.Hour+sourcesTTL)
	if got := len(s.known); got != 1 {
		t.Errorf("%d sources are remembered", got)
	}
}
