package evutil

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// ScopeID returns the number of an IPv6 zone: the index of the interface of
// that name, or else the zone itself if it is a decimal number. The empty
// zone has number 0, which means no scope. The error says that there is no
// such interface. It asks the system, and may be called from any goroutine.
func ScopeID(zone string) (uint32, error) { return sysio.ScopeID(zone) }

// ScopeZone returns the zone of an IPv6 scope as package net names it: the
// name of the interface with that index, or else the number in decimal. Scope
// 0 is the empty zone. It asks the system unless id is 0, and may be called
// from any goroutine.
func ScopeZone(id uint32) string { return sysio.ScopeZone(id) }

// InetPtonScope parses an IPv6 address that may end in a scope, such as
// "fe80::1%eth0" or "fe80::1%2", and returns the number of the scope as well,
// 0 if there is none. Unlike [netip.ParseAddr], which takes any zone, it
// insists that [ScopeID] knows it; an address with scope 0 has no zone. It
// may be called from any goroutine.
//
// What libevent accepts by accident is an error here: decimal parts with
// leading zeros, a colon at the end, an empty or negative scope
// (evutil_inet_pton_scope).
func InetPtonScope(s string) (addr netip.Addr, scope uint32, err error) {
	addr, err = netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, 0, err
	}
	if !addr.Is6() {
		return netip.Addr{}, 0, fmt.Errorf("address %q: %w", s, errNotIPv6)
	}
	scope, err = ScopeID(addr.Zone())
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("address %q: %w", s, err)
	}
	if scope == 0 {
		addr = addr.WithZone("")
	}
	return addr, scope, nil
}

var (
	errNotIPv6 = errors.New("not an IPv6 address")
	errNotIPv4 = errors.New("not an IPv4 address")
)
