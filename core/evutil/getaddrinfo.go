package evutil

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
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
	infos, err := getaddrinfo(ctx, node, service, hints)
	if err != nil {
		return nil, opError(fmt.Sprintf("getaddrinfo node %q service %q", node, service), err)
	}
	return infos, nil
}

func getaddrinfo(ctx context.Context, node, service string, hints *AddrInfoHints) ([]AddrInfo, error) {
	q, err := prepare(ctx, node, service, hints)
	if err != nil {
		return nil, err
	}
	if q.Host == "" {
		return q.Answer(), nil
	}
	addrs, err := q.lookup(ctx)
	if err != nil {
		return nil, err
	}
	name := q.canonName(ctx)
	if err := ctx.Err(); err != nil && q.WantsCanonName() { // name may be what was asked for only
		return nil, lookupError(ctx, err)
	}
	return q.Results(addrs, name)
}

// lookup asks the resolver, unless the context is over: that might answer all the same, what
// it knows from a file.
func (q *AddrInfoQuery) lookup(ctx context.Context) ([]netip.Addr, error) {
	if err := ctx.Err(); err != nil {
		return nil, lookupError(ctx, err)
	}
	network := "ip"
	switch {
	case !q.WantsIPv6():
		network = "ip4"
	case !q.WantsIPv4():
		network = "ip6"
	}
	addrs, err := q.resolver().LookupNetIP(ctx, network, q.Host)
	if err != nil {
		return nil, lookupError(ctx, err)
	}
	return addrs, nil
}

// canonName returns the canonical name of the host, if it is wanted. A host
// whose aliases cannot be looked up is its own.
func (q *AddrInfoQuery) canonName(ctx context.Context) string {
	if !q.WantsCanonName() {
		return ""
	}
	name, err := q.resolver().LookupCNAME(ctx, q.Host)
	if err != nil {
		return q.Host
	}
	return strings.TrimSuffix(name, ".")
}

func (q *AddrInfoQuery) resolver() *net.Resolver {
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
