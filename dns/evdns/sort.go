package evdns

import (
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

// AddressOrder is the order of the results of GetAddrInfo.
type AddressOrder uint8

const (
	// OrderRFC6724 puts the best address first.
	OrderRFC6724 AddressOrder = iota
	// OrderAsAnswered is libevent's: IPv4 first, and otherwise the order of the answer.
	OrderAsAnswered
)

var addressOrders = map[string]AddressOrder{
	"rfc6724":     OrderRFC6724,
	"as-answered": OrderAsAnswered,
}

// sorter puts the addresses of answers in order.
type sorter struct {
	sortlist sortlist // of resolv.conf
	sources  sources
}

// bySortlist puts the addresses of an answer in the order of the sortlist.
func (s *sorter) bySortlist(addrs []netip.Addr) { s.sortlist.arrange(addrs) }

func (s *sorter) clearSortlist()           { s.sortlist = nil }
func (s *sorter) addNetwork(n sortNetwork) { s.sortlist = append(s.sortlist, n) }

// sources caches the source addresses that the system selects for destinations, as a
// lookup takes several system calls; only for sourcesTTL, as interfaces change.
type sources struct {
	known map[netip.Addr]netip.Addr // the zero Addr if there is no route
	since time.Duration             // in terms of Base.now
}

// of returns the source address for dst, or the zero Addr if there is no route.
func (s *sources) of(dst netip.Addr, now time.Duration) netip.Addr {
	if s.known == nil || now-s.since >= sourcesTTL || len(s.known) >= maxRemembered {
		s.known, s.since = map[netip.Addr]netip.Addr{}, now
	}
	src, ok := s.known[dst]
	if !ok {
		src, _ = evutil.SourceAddr(dst) // the zero Addr if there is no route
		s.known[dst] = src
	}
	return src
}

// arrange puts addresses in the order that Config.Order selects.
func (b *Base) arrange(addrs []netip.Addr) []netip.Addr {
	return b.order.arrange(addrs, b.config.Order, b.now())
}

func (s *sorter) arrange(addrs []netip.Addr, order AddressOrder, now time.Duration) []netip.Addr {
	return order.arrange(addrs, func(dst netip.Addr) netip.Addr { return s.sources.of(dst, now) })
}

// arrange puts addresses in an order. source returns the source address for a
// destination, or the zero Addr if there is no route.
func (o AddressOrder) arrange(addrs []netip.Addr, source func(netip.Addr) netip.Addr) []netip.Addr {
	if o == OrderAsAnswered || len(addrs) < 2 {
		return addrs
	}
	return sortAddrs(addrs, source)
}

// sortAddrs sorts destination addresses by RFC 6724, section 6, the best first. It does
// not interleave the families (RFC 8305, section 4): the dialer of package bufferevent
// does, for all lists of addresses. Deprecated and home addresses and tunnels are not
// detected, so rules 3, 4 and 7 do not apply. Rule 9 is not applied to IPv4, where a
// common prefix says little about distance, and would undo the balancing of nameservers
// that rotate their answers.
func sortAddrs(addrs []netip.Addr, source func(netip.Addr) netip.Addr) []netip.Addr {
	routes := make([]route, len(addrs))
	var asked [2]int // by family
	var first [2]netip.Addr
	for i, addr := range addrs {
		family := 0
		if addr.Is6() {
			family = 1
		}
		src := first[family]
		if asked[family] < maxSources {
			src = source(addr)
		}
		if asked[family] == 0 {
			first[family] = src
		}
		asked[family]++
		routes[i] = newRoute(addr, src)
	}
	slices.SortStableFunc(routes, compareRoutes)
	sorted := make([]netip.Addr, len(routes))
	for i, r := range routes {
		sorted[i] = r.dst
	}
	return sorted
}

// A route is a destination with the properties that the rules compare.
type route struct {
	dst           netip.Addr
	usable        bool
	matchingScope bool
	matchingLabel bool
	precedence    int
	scope         int
	prefix        int // bits that source and destination have in common
}

func newRoute(dst, src netip.Addr) route {
	policy := policyOf(dst)
	r := route{dst: dst, precedence: policy.precedence, scope: scopeOf(dst)}
	if !src.IsValid() {
		return r
	}
	r.usable = true
	r.matchingScope = scopeOf(src) == r.scope
	r.matchingLabel = policyOf(src).label == policy.label
	if dst.Is6() && src.Is6() {
		r.prefix = commonPrefix(dst, src)
	}
	return r
}

// compareRoutes is negative if a is the better one.
func compareRoutes(a, b route) int {
	for _, rule := range []int{
		preferTrue(a.usable, b.usable),               // 1
		preferTrue(a.matchingScope, b.matchingScope), // 2
		preferTrue(a.matchingLabel, b.matchingLabel), // 5
		b.precedence - a.precedence,                  // 6
		a.scope - b.scope,                            // 8
	} {
		if rule != 0 {
			return rule
		}
	}
	if a.dst.Is6() && b.dst.Is6() {
		return b.prefix - a.prefix // 9
	}
	return 0 // 10
}

func preferTrue(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// A policy is an entry of the policy table of RFC 6724 section 2.1.
type policy struct {
	prefix     netip.Prefix
	precedence int
	label      int
}

// policies are the longest prefixes first; the last matches everything.
var policies = []policy{
	{netip.MustParsePrefix("::1/128"), 50, 0},
	{netip.MustParsePrefix("::ffff:0:0/96"), 35, 4},
	{netip.MustParsePrefix("::/96"), 1, 3},
	{netip.MustParsePrefix("2001::/32"), 5, 5},
	{netip.MustParsePrefix("2002::/16"), 30, 2},
	{netip.MustParsePrefix("3ffe::/16"), 1, 12},
	{netip.MustParsePrefix("fec0::/10"), 1, 11},
	{netip.MustParsePrefix("fc00::/7"), 3, 13},
	{netip.MustParsePrefix("::/0"), 40, 1},
}

// mappedPolicy is that of IPv4, which netip tells from the mapped form.
var mappedPolicy = policies[1]

func policyOf(addr netip.Addr) policy {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return mappedPolicy
	}
	for _, p := range policies {
		if p.prefix.Contains(addr) {
			return p
		}
	}
	return policies[len(policies)-1]
}

// Scopes are those of multicast addresses (RFC 4291 section 2.7).
const (
	scopeLinkLocal = 0x2
	scopeSiteLocal = 0x5
	scopeGlobal    = 0xe
)

var siteLocal = netip.MustParsePrefix("fec0::/10")

// scopeOf returns the scope of an address, by RFC 6724 section 3.
func scopeOf(addr netip.Addr) int {
	addr = addr.Unmap().WithZone("")
	switch {
	case addr.IsLoopback(), addr.IsLinkLocalUnicast():
		return scopeLinkLocal
	case addr.Is4():
		return scopeGlobal
	case addr.IsMulticast():
		b := addr.As16()
		return int(b[1] & 0xf)
	case siteLocal.Contains(addr):
		return scopeSiteLocal
	}
	return scopeGlobal
}

// commonPrefix returns how many bits two IPv6 addresses have in common, at most
// the 64 that make up a network.
func commonPrefix(a, b netip.Addr) int {
	x, y := a.As16(), b.As16()
	n := 0
	for i := range 8 {
		same := bits.LeadingZeros8(x[i] ^ y[i])
		n += same
		if same < 8 {
			break
		}
	}
	return n
}
