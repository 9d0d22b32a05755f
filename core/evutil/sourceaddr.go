package evutil

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// SourceAddr returns the address that the system would use to send to dst. The
// error says that dst cannot be reached, such as for lack of a route. Nothing
// is sent, and it does not block: a datagram socket is connected, which costs
// four system calls. It may be called from any goroutine.
func SourceAddr(dst netip.Addr) (netip.Addr, error) {
	src, err := sourceAddr(dst.Unmap())
	if err != nil {
		return netip.Addr{}, opError(fmt.Sprint("source address for ", dst), err)
	}
	return src, nil
}

func sourceAddr(dst netip.Addr) (netip.Addr, error) {
	const port = 9 // discard; 0 is no port to connect to
	sa, err := sysio.AddrPortToSockaddr(netip.AddrPortFrom(dst, port))
	if err != nil {
		return netip.Addr{}, err
	}
	family := syscall.AF_INET
	if dst.Is6() {
		family = syscall.AF_INET6
	}
	fd, err := sysio.DatagramSocket(family, sysio.Mode{})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("socket: %w", err)
	}
	defer func() { _ = sysio.CloseSocket(fd) }() // nothing has been sent
	if err := sysio.Connect(fd, sa); err != nil {
		return netip.Addr{}, fmt.Errorf("connect: %w", err)
	}
	src, err := sysio.Sockname(fd)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("getsockname: %w", err)
	}
	ap, err := sysio.SockaddrToAddrPort(src)
	return ap.Addr(), err
}
