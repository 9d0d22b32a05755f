package evutil

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// An AddrInfoQuery is a call of [Getaddrinfo] taken apart, for programs that look
// host names up in their own way: what comes before that and after it. It is
// used like this:
//
//	q, err := PrepareAddrInfo(ctx, node, service, hints)
//	if err != nil {
//		return nil, err
//	}
//	if q.Host == "" {
//		return q.Answer(), nil
//	}
//	// Look q.Host up: IPv4 addresses if q.WantsIPv4(), IPv6 ones if q.WantsIPv6().
//	return q.Results(addrs, canonName)
//
// It is for one goroutine at a time.
type AddrInfoQuery struct {
	// Host is the name to look up. It is empty if the addresses are known.
	Host string

	node  string
	port  uint16
	addrs []netip.Addr  // if there is no Host
	hints AddrInfoHints // adjusted as the rules say
}

// PrepareAddrInfo begins a query: it checks the arguments, which are those of
// [Getaddrinfo], finds the port of the service and the addresses of a node that
// is numeric or empty. Names of services are looked up by the resolver of the
// hints, which for most means to read a file once. The error wraps a
// [GAIError]. It may be called from any goroutine.
func PrepareAddrInfo(ctx context.Context, node, service string, hints *AddrInfoHints) (AddrInfoQuery, error) {
	q, err := prepare(ctx, node, service, hints)
	if err != nil {
		return AddrInfoQuery{}, opError(fmt.Sprintf("getaddrinfo node %q service %q", node, service), err)
	}
	return q, nil
}

func prepare(ctx context.Context, node, service string, hints *AddrInfoHints) (AddrInfoQuery, error) {
	if node == "" && service == "" {
		return AddrInfoQuery{}, EAINoName
	}
	q := AddrInfoQuery{node: node}
	if hints != nil {
		q.hints = *hints
	}
	q.hints.inferProtocol()
	if err := q.hints.check(); err != nil {
		return AddrInfoQuery{}, err
	}
	if node == "" && q.hints.Flags&AICanonName != 0 {
		return AddrInfoQuery{}, EAIBadFlags
	}
	if err := q.findPort(ctx, service); err != nil {
		return AddrInfoQuery{}, err
	}
	if err := q.findAddrs(); err != nil {
		return AddrInfoQuery{}, err
	}
	return q, nil
}

// WantsIPv4 reports whether IPv4 addresses are of use, be it that they are to be
// mapped.
func (q *AddrInfoQuery) WantsIPv4() bool {
	return q.hints.Family != syscall.AF_INET6 || q.mapsIPv4()
}

// WantsIPv6 reports whether IPv6 addresses are of use.
func (q *AddrInfoQuery) WantsIPv6() bool { return q.hints.Family != syscall.AF_INET }

// WantsCanonName reports whether the canonical name of the host is wanted.
func (q *AddrInfoQuery) WantsCanonName() bool { return q.hints.Flags&AICanonName != 0 }

// Answer returns the results of a query without a Host.
func (q *AddrInfoQuery) Answer() []AddrInfo { return q.infos(q.addrs, q.node) }

// Results returns the results of a query whose host has these addresses, IPv4
// in either form, the best first. canonName counts if the hints ask for it. The
// error is [EAINoData] if none of the addresses is of use.
func (q *AddrInfoQuery) Results(addrs []netip.Addr, canonName string) ([]AddrInfo, error) {
	wanted := q.choose(addrs)
	if len(wanted) == 0 {
		return nil, EAINoData
	}
	return q.infos(wanted, canonName), nil
}

// infos returns the ways to reach the service at addrs, of which there is at
// least one.
func (q *AddrInfoQuery) infos(addrs []netip.Addr, canonName string) []AddrInfo {
	infos := make([]AddrInfo, 0, len(addrs)) // most hints want one for each
	for _, addr := range addrs {
		infos = q.hints.appendInfos(infos, netip.AddrPortFrom(addr, q.port))
	}
	if q.WantsCanonName() {
		infos[0].CanonName = canonName
	}
	return infos
}

// findPort finds the port of the service.
func (q *AddrInfoQuery) findPort(ctx context.Context, service string) error {
	if service == "" {
		return nil
	}
	if n, err := strconv.ParseUint(service, 10, 16); err == nil {
		q.port = uint16(n)
		return nil
	}
	if q.hints.Flags&AINumericServ != 0 {
		return EAINoName
	}
	network, ok := serviceNetwork(q.hints.Protocol)
	if !ok {
		return EAIService
	}
	n, err := q.resolver().LookupPort(ctx, network, service)
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", EAICancel, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", EAIService, err)
	}
	q.port = uint16(n)
	return nil
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

// findAddrs finds the addresses of the node, or else that its name is to be
// looked up.
func (q *AddrInfoQuery) findAddrs() error {
	if addr, ok := parseNumericHost(q.node); ok {
		return q.fitNumeric(addr)
	}
	if q.hints.Flags&AIAddrConfig != 0 && q.hints.Family == syscall.AF_UNSPEC {
		q.hints.Family = configuredFamily()
	}
	if q.node == "" {
		q.addrs = q.ownAddrs()
		return nil
	}
	// No host name has a colon or a percent sign: that is an address gone
	// wrong, or with a scope that does not exist.
	if q.hints.Flags&AINumericHost != 0 || strings.ContainsAny(q.node, ":%") {
		return EAINoName
	}
	q.Host = q.node
	return nil
}

func parseNumericHost(node string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(node)
	if err == nil && addr.Is6() {
		addr, _, err = InetPtonScope(node)
	}
	return addr, err == nil
}

// fitNumeric makes a numeric address one of the family that is wanted.
func (q *AddrInfoQuery) fitNumeric(addr netip.Addr) error {
	switch {
	case q.wants(addr):
	case addr.Is4() && q.mapsIPv4():
		addr = mapped(addr)
	default:
		return EAIAddrFamily
	}
	q.addrs = []netip.Addr{addr}
	return nil
}

// ownAddrs returns the addresses to use when there is no node.
func (q *AddrInfoQuery) ownAddrs() []netip.Addr {
	all := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	if q.hints.Flags&AIPassive != 0 {
		all = []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	return q.filter(all)
}

// choose returns those addresses of a host that are wanted, IPv4 ones mapped if
// that is what is wanted.
func (q *AddrInfoQuery) choose(all []netip.Addr) []netip.Addr {
	addrs := make([]netip.Addr, len(all))
	for i, addr := range all {
		addrs[i] = addr.Unmap()
	}
	wanted := q.filter(addrs)
	if !q.mapsIPv4() || len(wanted) > 0 && q.hints.Flags&AIAll == 0 {
		return wanted
	}
	for i := range addrs {
		addrs[i] = mapped(addrs[i])
	}
	return addrs
}

// mapsIPv4 reports whether IPv4 addresses are to be mapped to IPv6 ones, if
// there are no others or all are wanted.
func (q *AddrInfoQuery) mapsIPv4() bool {
	return q.hints.Family == syscall.AF_INET6 && q.hints.Flags&AIV4Mapped != 0
}

// filter returns those addresses that are of the family that is wanted.
func (q *AddrInfoQuery) filter(addrs []netip.Addr) []netip.Addr {
	if q.hints.Family == syscall.AF_UNSPEC {
		return addrs
	}
	var wanted []netip.Addr
	for _, addr := range addrs {
		if q.wants(addr) {
			wanted = append(wanted, addr)
		}
	}
	return wanted
}

func (q *AddrInfoQuery) wants(addr netip.Addr) bool {
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
	if addr.Is6() {
		return addr
	}
	return netip.AddrFrom16(addr.As16())
}
