package listener

import (
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Addr returns the address that the socket is bound to: a *net.TCPAddr or
// *net.UnixAddr, or nil if it has neither kind of address or is closed. It asks
// the system, and may be called from any goroutine.
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

// sockname returns nil if the system gives no answer.
func (l *Listener) sockname() evutil.Sockaddr {
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.closed {
		return nil
	}
	sa, err := sysio.Sockname(l.fd)
	if err != nil {
		return nil
	}
	return sa
}
