package evutil

import (
	"net/netip"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Sockaddr is the system's form of a socket address, as the functions of
// golang.org/x/sys/unix, or on Windows golang.org/x/sys/windows, take and return
// it.
type Sockaddr = sysio.Sockaddr

// SockaddrToAddrPort converts the system's form of an IPv4 or IPv6 address
// and port. A scope becomes a zone with [ScopeZone]. The error wraps
// [syscall.EAFNOSUPPORT] if sa, which may be nil, is neither. It may be
// called from any goroutine.
func SockaddrToAddrPort(sa Sockaddr) (netip.AddrPort, error) { return sysio.SockaddrToAddrPort(sa) }

// AddrPortToSockaddr converts an address and port to the form of the system.
// An IPv4-mapped IPv6 address stays an IPv6 address; a zone becomes a scope
// with [ScopeID], whose error is returned as it is. The error wraps
// [syscall.EAFNOSUPPORT] if there is no address. It may be called from any
// goroutine.
func AddrPortToSockaddr(ap netip.AddrPort) (Sockaddr, error) { return sysio.AddrPortToSockaddr(ap) }

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
