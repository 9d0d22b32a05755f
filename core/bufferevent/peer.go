package bufferevent

import (
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// PeerAddr returns the TCP address that the stream is connected to, which a socket
// asks the system for. It is the zero AddrPort if there is none.
func (b *Bufferevent) PeerAddr() netip.AddrPort {
	if a, ok := As[Addresser](b); ok {
		return a.PeerAddr()
	}
	return netip.AddrPort{}
}

// NetAddrs returns the addresses that the stream is between, which a socket asks the
// system for, in the form of package net. Where there is none, an address has the
// name "bufferevent".
func (b *Bufferevent) NetAddrs() (local, remote net.Addr) {
	if a, ok := As[Addresser](b); ok {
		return a.NetAddrs()
	}
	return noAddr{}, noAddr{}
}

// NegotiatedProtocol returns the name of the protocol that this bufferevent, or
// one that it stands on, has agreed on with its peer, such as "h2"; it is empty
// if there is none, or none yet.
func (b *Bufferevent) NegotiatedProtocol() string {
	if n, ok := As[Negotiator](b); ok {
		return n.NegotiatedProtocol()
	}
	return ""
}

// PeerAddr implements Addresser.
func (s *socket) PeerAddr() netip.AddrPort {
	fd := s.bev.FD()
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

// NetAddrs implements Addresser.
func (s *socket) NetAddrs() (local, remote net.Addr) {
	local, remote = noAddr{}, noAddr{}
	fd := s.bev.FD()
	if fd < 0 {
		return local, remote
	}
	if sa, err := sysio.Sockname(fd); err == nil {
		local = netAddr(sa)
	}
	if sa, err := sysio.Peername(fd); err == nil {
		remote = netAddr(sa)
	}
	return local, remote
}

// netAddr converts the address of a stream socket.
func netAddr(sa evutil.Sockaddr) net.Addr {
	if ap, err := evutil.SockaddrToAddrPort(sa); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	if name, ok := sysio.UnixPath(sa); ok {
		return &net.UnixAddr{Name: name, Net: "unix"}
	}
	return noAddr{}
}

// noAddr is the address of what has none.
type noAddr struct{}

func (noAddr) Network() string { return "bufferevent" }
func (noAddr) String() string  { return "bufferevent" }
