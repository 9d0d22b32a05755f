package listener

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// Listen makes a listener for an address as people write it, in one of the forms
// of [evutil.ParseAddress]: ":8080", "localhost:8080", "[::1]:0", "unix:/path". The
// rest is as for NewBind, or for NewUnix.
//
// Without a host, and at [::], the listener gets IPv6 and IPv4 on one socket,
// unless BindIPv6Only or the network tcp6 forbid that; where a system cannot have
// it, IPv4 alone without a host, and IPv6 alone at [::]. A host name is looked up,
// which blocks; of its addresses the first is taken at which it is possible to
// listen, IPv4 before IPv6 as net.Listen does. One that is in use already
// is not passed over, but an error, ErrAddrInUse.
func Listen(b *event.Base, address string, flags Flag, backlog int, cb Callback) (*Listener, error) {
	a, err := evutil.ParseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("listener: %w", err) // it names the address
	}
	l, err := listenTo(b, a, flags, backlog, cb)
	if err != nil {
		return nil, fmt.Errorf("listener: listen %s: %w", address, err)
	}
	return l, nil
}

func listenTo(b *event.Base, a evutil.Address, flags Flag, backlog int, cb Callback) (*Listener, error) {
	if a.Network == "unix" {
		return newUnix(b, a.Path, flags, backlog, cb)
	}
	candidates, err := candidatesOf(a, flags)
	if err != nil {
		return nil, err
	}
	var first error
	for _, c := range candidates {
		l, err := newBind(b, c.addr, c.flags, backlog, cb)
		if err == nil || errors.Is(err, ErrAddrInUse) {
			return l, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// A candidate is an address to try to listen at.
type candidate struct {
	addr  netip.AddrPort
	flags Flag
}

// candidatesOf returns what to try for a TCP address, which is one at least.
func candidatesOf(a evutil.Address, flags Flag) ([]candidate, error) {
	if a.Network == "tcp6" {
		flags |= BindIPv6Only
	}
	if a.Host == "" {
		return wildcards(a, flags)
	}
	addrs, err := a.Resolve(context.Background())
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(addrs, func(x, y netip.AddrPort) int {
		return x.Addr().BitLen() - y.Addr().BitLen()
	})
	var all []candidate
	for _, addr := range addrs {
		if addr.Addr() == netip.IPv6Unspecified() && flags&BindIPv6Only == 0 {
			all = append(all, candidate{addr, flags | BindIPv4AndIPv6})
		}
		all = append(all, candidate{addr, flags})
	}
	return all, nil
}

// wildcards returns the addresses that stand for all of the machine.
func wildcards(a evutil.Address, flags Flag) ([]candidate, error) {
	port, err := a.Port(context.Background())
	if err != nil {
		return nil, err
	}
	ipv4 := netip.AddrPortFrom(netip.IPv4Unspecified(), port)
	ipv6 := netip.AddrPortFrom(netip.IPv6Unspecified(), port)
	switch {
	case a.Network == "tcp4":
		return []candidate{{ipv4, flags}}, nil
	case flags&BindIPv6Only != 0:
		return []candidate{{ipv6, flags}}, nil
	}
	return []candidate{{ipv6, flags | BindIPv4AndIPv6}, {ipv4, flags &^ BindIPv4AndIPv6}}, nil
}
