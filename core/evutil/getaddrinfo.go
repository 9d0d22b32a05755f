package evutil

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// Getaddrinfo returns the ways to reach a service on a node, best first.
//
// The node is a numeric address, an IPv6 one possibly with a scope (see
// [InetPtonScope]), or a host name. If it is empty, the addresses are those
// of loopback, or with [AIPassive] the wildcard, for every family wanted. The
// service is a decimal port number or a name such as "http"; if it is empty,
// ports are 0. One of the two must be there. Hints narrow the results down;
// nil is like the zero value. All of numeric input is handled without the
// resolver, and even without ctx. IPv4 comes before IPv6 where the resolver
// does not order the results.
//
// The error wraps a [GAIError], and that of the resolver if there is one,
// such as [*net.DNSError]. When ctx ends first, it wraps [EAICancel] and the
// error of ctx.
//
// Getaddrinfo blocks while names are looked up. It may be called from any
// goroutine; call it from one of its own, not in a callback of a loop
// (evutil_getaddrinfo).
func Getaddrinfo(ctx context.Context, node, service string, hints *AddrInfoHints) ([]AddrInfo, error) {
	q := query{node: node, service: service}
	if hints != nil {
		q.hints = *hints
	}
	infos, err := q.answer(ctx)
	if err != nil {
		return nil, fmt.Errorf("getaddrinfo node %q service %q: %w", node, service, err)
	}
	return infos, nil
}

// A query is one call of Getaddrinfo.
type query struct {
	node    string
	service string
	hints   AddrInfoHints // adjusted as the rules say
}

func (q *query) answer(ctx context.Context) ([]AddrInfo, error) {
	if q.node == "" && q.service == "" {
		return nil, EAINoName
	}
	q.hints.inferProtocol()
	if err := q.hints.check(); err != nil {
		return nil, err
	}
	if q.node == "" && q.hints.Flags&AICanonName != 0 {
		return nil, EAIBadFlags
	}
	port, err := q.port(ctx)
	if err != nil {
		return nil, err
	}
	addrs, err := q.addrs(ctx)
	if err != nil {
		return nil, err
	}

	var infos []AddrInfo
	for _, addr := range addrs {
		infos = append(infos, q.hints.addrInfos(netip.AddrPortFrom(addr, port))...)
	}
	if q.hints.Flags&AICanonName != 0 {
		infos[0].CanonName = q.canonName(ctx)
	}
	return infos, nil
}

// port returns the port of the service.
func (q *query) port(ctx context.Context) (uint16, error) {
	if q.service == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(q.service, 10, 16); err == nil {
		return uint16(n), nil
	}
	if q.hints.Flags&AINumericServ != 0 {
		return 0, EAINoName
	}
	network, ok := serviceNetwork(q.hints.Protocol)
	if !ok {
		return 0, EAIService
	}
	n, err := q.resolver().LookupPort(ctx, network, q.service)
	if ctx.Err() != nil {
		return 0, fmt.Errorf("%w: %w", EAICancel, ctx.Err())
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", EAIService, err)
	}
	return uint16(n), nil
}

// serviceNetwork returns what package net calls a protocol that services have
// names for.
func serviceNetwork(protocol int) (network string, ok bool) {
	switch protocol {
	case 0:
		return "ip", true
	case syscall.IPPROTO_TCP:
		return "tcp", true
	case syscall.IPPROTO_UDP:
		return "udp", true
	}
	return "", false
}

// addrs returns the addresses of the node, at least one.
func (q *query) addrs(ctx context.Context) ([]netip.Addr, error) {
	if addr, ok := parseNumericHost(q.node); ok {
		return q.fitNumeric(addr)
	}
	if q.hints.Flags&AIAddrConfig != 0 && q.hints.Family == syscall.AF_UNSPEC {
		q.hints.Family = configuredFamily()
	}
	if q.node == "" {
		return q.ownAddrs(), nil
	}
	// No host name has a colon or a percent sign: that is an address gone
	// wrong, or with a scope that does not exist.
	if q.hints.Flags&AINumericHost != 0 || strings.ContainsAny(q.node, ":%") {
		return nil, EAINoName
	}
	return q.lookup(ctx)
}

func parseNumericHost(node string) (netip.Addr, bool) {
	if addr, _, err := InetPtonScope(node); err == nil {
		return addr, true
	}
	addr, err := netip.ParseAddr(node)
	return addr, err == nil && addr.Is4()
}

// fitNumeric makes a numeric address one of the family that is wanted.
func (q *query) fitNumeric(addr netip.Addr) ([]netip.Addr, error) {
	switch {
	case q.wants(addr):
		return []netip.Addr{addr}, nil
	case addr.Is4() && q.hints.Flags&AIV4Mapped != 0:
		return []netip.Addr{mapped(addr)}, nil
	}
	return nil, EAIAddrFamily
}

// ownAddrs returns the addresses to use when there is no node.
func (q *query) ownAddrs() []netip.Addr {
	all := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	if q.hints.Flags&AIPassive != 0 {
		all = []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	return q.filter(all)
}

// lookup asks the resolver.
func (q *query) lookup(ctx context.Context) ([]netip.Addr, error) {
	network := "ip"
	mapV4 := q.hints.Family == syscall.AF_INET6 && q.hints.Flags&AIV4Mapped != 0
	switch {
	case q.hints.Family == syscall.AF_INET:
		network = "ip4"
	case q.hints.Family == syscall.AF_INET6 && !mapV4:
		network = "ip6"
	}
	all, err := q.resolver().LookupNetIP(ctx, network, q.node)
	if err != nil {
		return nil, lookupError(ctx, err)
	}
	for i := range all {
		all[i] = all[i].Unmap() // the resolver may give IPv4 in either form
	}
	wanted := q.filter(all)
	if mapV4 {
		wanted = q.mapIPv4(all)
	}
	if len(wanted) == 0 {
		return nil, EAINoData
	}
	return wanted, nil
}

// mapIPv4 returns the IPv6 addresses, and the IPv4 ones mapped if there are
// no others or all are wanted.
func (q *query) mapIPv4(addrs []netip.Addr) []netip.Addr {
	v6 := q.filter(addrs)
	if len(v6) > 0 && q.hints.Flags&AIAll == 0 {
		return v6
	}
	for i := range addrs {
		addrs[i] = mapped(addrs[i])
	}
	return addrs
}

// filter returns those addresses that are of the family that is wanted.
func (q *query) filter(addrs []netip.Addr) []netip.Addr {
	var wanted []netip.Addr
	for _, addr := range addrs {
		if q.wants(addr) {
			wanted = append(wanted, addr)
		}
	}
	return wanted
}

func (q *query) wants(addr netip.Addr) bool {
	switch q.hints.Family {
	case syscall.AF_INET:
		return addr.Is4()
	case syscall.AF_INET6:
		return addr.Is6()
	}
	return true
}

// mapped returns the IPv4-mapped form of an IPv4 address, and an IPv6 address
// as it is.
func mapped(addr netip.Addr) netip.Addr {
	return netip.AddrFrom16(addr.As16())
}

// canonName returns the canonical name of the node. A node that is numeric,
// or whose aliases cannot be looked up, is its own.
func (q *query) canonName(ctx context.Context) string {
	if _, ok := parseNumericHost(q.node); ok {
		return q.node
	}
	name, err := q.resolver().LookupCNAME(ctx, q.node)
	if err != nil {
		return q.node
	}
	return strings.TrimSuffix(name, ".")
}

func (q *query) resolver() *net.Resolver {
	if q.hints.Resolver != nil {
		return q.hints.Resolver
	}
	return net.DefaultResolver
}

// lookupError adds the reason in getaddrinfo's terms to a resolver's error.
func lookupError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", EAICancel, ctx.Err())
	}
	reason := EAIFail
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case dns.IsNotFound:
			reason = EAINoName
		case dns.IsTimeout, dns.IsTemporary:
			reason = EAIAgain
		}
	}
	return fmt.Errorf("%w: %w", reason, err)
}
