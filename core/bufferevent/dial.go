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
	at, c, err := beginAt[Connector](b)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	c.SetLocalAddr(addr)
	return nil
}

// SetLocalAddr implements Connector.
func (s *socket) SetLocalAddr(addr netip.AddrPort) {
	if addr != (netip.AddrPort{}) || s.bev.extras != nil {
		s.bev.extra().local = addr
	}
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
