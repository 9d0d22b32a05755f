package bufferevent

import (
	"cmp"
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// PeerAddr returns the TCP address that the stream is connected to: what SetAddrs has
// told, or else what a socket asks the system for. It is the zero AddrPort if there is
// none.
func (b *Bufferevent) PeerAddr() netip.AddrPort {
	if a := b.addresser(); a != nil {
		return a.PeerAddr()
	}
	return netip.AddrPort{}
}

// NetAddrs returns the addresses that the stream is between, as PeerAddr does, in the form
// of package net. Where there is none, an address has the name "bufferevent".
func (b *Bufferevent) NetAddrs() (local, remote net.Addr) {
	if a := b.addresser(); a != nil {
		return a.NetAddrs()
	}
	return noAddr{}, noAddr{}
}

// SetAddrs tells the stream which addresses it is between, for PeerAddr and NetAddrs of
// this bufferevent and of those above it. It is for streams whose bytes came another way
// than their socket's, such as through a proxy that has said for whom. A nil address is
// one that is not known. What was told is forgotten when the bufferevent gets another
// descriptor. The error is ErrFreed.
func (b *Bufferevent) SetAddrs(local, remote net.Addr) error {
	if !b.begin() {
		return opError("set addresses", ErrFreed)
	}
	defer b.end()
	b.rareFields().told = &addrs{cmp.Or[net.Addr](local, noAddr{}), cmp.Or[net.Addr](remote, noAddr{})}
	return nil
}

// addresser returns what knows the addresses, from b downwards: what SetAddrs has told goes
// before what a transport knows.
func (b *Bufferevent) addresser() Addresser {
	if b == nil {
		return nil
	}
	b.lock()
	defer b.unlock()
	if b.refs == 0 {
		return nil
	}
	for at := b; at != nil; at = at.wrapped() {
		if at.rare != nil && at.rare.told != nil {
			return at.rare.told
		}
		if a, ok := at.transport.(Addresser); ok {
			return a
		}
	}
	return nil
}

// addrs is what SetAddrs has told.
type addrs struct{ local, remote net.Addr }

// PeerAddr implements Addresser.
func (a *addrs) PeerAddr() netip.AddrPort {
	if tcp, ok := a.remote.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}

// NetAddrs implements Addresser.
func (a *addrs) NetAddrs() (local, remote net.Addr) { return a.local, a.remote }

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
