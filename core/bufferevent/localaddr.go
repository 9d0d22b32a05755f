package bufferevent

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// SetLocalAddr sets the address that sockets get which Connect and
// ConnectHostname make, before they are connected. Port 0 leaves the port to the
// system; an address that is not valid, the address. Of the addresses of a host,
// those of another family than addr fail with ErrFamily. The zero addr takes
// that back. A descriptor that there is already stays as it is. The error is
// errors.ErrUnsupported if the bufferevent stands on no socket.
//
// Sockets with a port of their own get SO_REUSEADDR, where that does not let
// others take the port: so that several addresses of a host can be tried from it
// at the same time, and it can be used again at once.
func (b *Bufferevent) SetLocalAddr(addr netip.AddrPort) error {
	op := "set local address " + addr.String()
	s, err := b.bottom()
	if err != nil {
		return opError(op, err)
	}
	if !s.bev.begin() {
		return opError(op, ErrFreed)
	}
	defer s.bev.end()
	if addr == (netip.AddrPort{}) && s.bev.extras == nil {
		return nil
	}
	s.bev.extra().local = addr
	return nil
}

// newSocket makes a socket to connect, with the local address that was set.
func (s *socket) newSocket(family int) (int, error) {
	fd, err := sysio.Socket(family, sysio.Mode{})
	if err != nil {
		return fd, fmt.Errorf("socket: %w", err)
	}
	if err := s.bind(fd, family); err != nil {
		sysio.CloseSocket(fd)
		return evutil.InvalidSocket, err
	}
	return fd, nil
}

func (s *socket) bind(fd, family int) error {
	x := s.bev.extras
	if x == nil || x.local == (netip.AddrPort{}) || family == syscall.AF_UNIX {
		return nil
	}
	local := x.local
	switch {
	case !local.Addr().IsValid() && family == syscall.AF_INET:
		local = netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())
	case !local.Addr().IsValid():
		local = netip.AddrPortFrom(netip.IPv6Unspecified(), local.Port())
	case familyOf(local.Addr()) != family:
		return fmt.Errorf("bind to %v: %w", local, ErrFamily)
	}
	sa, err := evutil.AddrPortToSockaddr(local)
	if err == nil && local.Port() != 0 {
		err = evutil.SetListenReuseAddr(fd)
	}
	if err == nil {
		err = sysio.Bind(fd, sa)
	}
	if err != nil {
		return fmt.Errorf("bind to %v: %w", local, err)
	}
	return nil
}

// PeerAddr asks the system for the TCP address that the socket at the bottom is
// connected to. It is the zero AddrPort if there is none.
func (b *Bufferevent) PeerAddr() netip.AddrPort {
	fd := b.FD()
	if fd < 0 {
		return netip.AddrPort{}
	}
	sa, err := sysio.Peername(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	addr, err := evutil.SockaddrToAddrPort(sa)
	if err != nil {
		return netip.AddrPort{}
	}
	return addr
}
