package sysio

import (
	"net/netip"
)

// Accept takes a connection from a listener, which must not be in blocking
// mode. peer is the other end as the system tells it along with the connection:
// IPv4 if it is IPv4, also on a socket for IPv6, and zero for Unix sockets. The
// error is ErrAgain if no connection waits.
func Accept(listener int, mode Mode) (fd int, peer netip.AddrPort, err error) {
	fd, err = retrySocket(OpAccept, listener, func(s System) (fd int, err error) {
		if s != nil {
			fd, peer, err = s.Accept(listener, mode)
			return fd, err
		}
		fd, peer, err = accept(listener, mode)
		return fd, err
	})
	return fd, peer, err
}

// inet6 makes a peer of what the system has put into a socket address. An IPv4
// address that is mapped into IPv6 becomes what it was.
func inet6(addr [16]byte, port uint16, scope uint32) netip.AddrPort {
	ip := netip.AddrFrom16(addr).Unmap()
	if scope != 0 {
		ip = ip.WithZone(ScopeZone(scope))
	}
	return netip.AddrPortFrom(ip, port)
}

func inet4(addr [4]byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4(addr), port)
}
