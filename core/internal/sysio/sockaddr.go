package sysio

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// InvalidSocket is the descriptor of no socket.
const InvalidSocket = -1

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

// UnixSockaddr returns the address of a Unix socket. On Linux a path that
// starts with @ is a name in the abstract name space.
func UnixSockaddr(path string) Sockaddr { return &sockaddrUnix{Name: path} }

// UnixPath undoes UnixSockaddr, if sa is the address of a Unix socket.
func UnixPath(sa Sockaddr) (path string, ok bool) {
	if sa, ok := sa.(*sockaddrUnix); ok {
		return sa.Name, true
	}
	return "", false
}

// ScopeID returns the number of an IPv6 zone: the index of the interface of
// that name, or else the zone itself if it is a decimal number. The empty
// zone has number 0, which means no scope. The error says that there is no
// such interface. It asks the system, and may be called from any goroutine.
func ScopeID(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	iface, err := net.InterfaceByName(zone)
	if err == nil {
		return uint32(iface.Index), nil
	}
	if id, numErr := strconv.ParseUint(zone, 10, 32); numErr == nil {
		return uint32(id), nil
	}
	return 0, fmt.Errorf("IPv6 zone %q: %w", zone, err)
}

// ScopeZone returns the zone of an IPv6 scope as package net names it: the
// name of the interface with that index, or else the number in decimal. Scope
// 0 is the empty zone. It asks the system unless id is 0, and may be called
// from any goroutine.
func ScopeZone(id uint32) string {
	if id == 0 {
		return ""
	}
	iface, err := net.InterfaceByIndex(int(id))
	if err != nil {
		return strconv.FormatUint(uint64(id), 10)
	}
	return iface.Name
}
