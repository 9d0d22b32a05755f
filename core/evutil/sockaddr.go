package evutil

import (
	"fmt"
	"net/netip"
	"syscall"
)

// SockaddrToAddrPort converts the system's form of an IPv4 or IPv6 address
// and port. A scope becomes a zone with [ScopeZone]. The error wraps
// [syscall.EAFNOSUPPORT] if sa, which may be nil, is neither. It may be
// called from any goroutine.
func SockaddrToAddrPort(sa Sockaddr) (netip.AddrPort, error) {
	switch sa := sa.(type) {
	case *sockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *sockaddrInet6:
		addr := netip.AddrFrom16(sa.Addr).WithZone(ScopeZone(sa.ZoneId))
		return netip.AddrPortFrom(addr, uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("socket address %T: %w", sa, syscall.EAFNOSUPPORT)
}

// AddrPortToSockaddr converts an address and port to the form of the system.
// An IPv4-mapped IPv6 address stays an IPv6 address; a zone becomes a scope
// with [ScopeID], whose error is returned as it is. The error wraps
// [syscall.EAFNOSUPPORT] if there is no address. It may be called from any
// goroutine.
func AddrPortToSockaddr(ap netip.AddrPort) (Sockaddr, error) {
	addr, port := ap.Addr(), int(ap.Port())
	switch {
	case addr.Is4():
		return &sockaddrInet4{Addr: addr.As4(), Port: port}, nil
	case addr.Is6():
		scope, err := ScopeID(addr.Zone())
		if err != nil {
			return nil, err
		}
		return &sockaddrInet6{Addr: addr.As16(), Port: port, ZoneId: scope}, nil
	}
	return nil, fmt.Errorf("socket address %v: %w", ap, syscall.EAFNOSUPPORT)
}
