package listener

import (
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Addr returns the address that the socket is bound to: a *net.TCPAddr or
// *net.UnixAddr, or nil if it has neither kind of address or is closed. It may be
// called from any goroutine.
func (l *Listener) Addr() net.Addr {
	sa := l.sockname()
	if path, ok := sysio.UnixPath(sa); ok {
		return &net.UnixAddr{Name: path, Net: "unix"}
	}
	if ap, err := evutil.SockaddrToAddrPort(sa); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	return nil
}

// AddrPort is Addr for TCP; for a Unix socket it is zero.
func (l *Listener) AddrPort() netip.AddrPort {
	ap, _ := evutil.SockaddrToAddrPort(l.sockname())
	return ap
}

// sockname returns nil if the socket is closed.
func (l *Listener) sockname() evutil.Sockaddr {
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.closed {
		return nil
	}
	return l.name
}
