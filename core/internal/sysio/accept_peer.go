//go:build (linux && (386 || s390x)) || netbsd || openbsd || solaris || darwin

package sysio

import (
	"net/netip"
	"syscall"
)

// syscallPeer converts an address of whatever family.
func syscallPeer(sa syscall.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return inet4(sa.Addr, uint16(sa.Port))
	case *syscall.SockaddrInet6:
		return inet6(sa.Addr, uint16(sa.Port), sa.ZoneId)
	default:
		return netip.AddrPort{}
	}
}
