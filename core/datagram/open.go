package datagram

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Listen makes a socket that is bound to addr and takes messages from any peer;
// port 0 is any that is free, and LocalAddr tells which. It may be called from
// any goroutine. On Windows a base must have been made before.
func Listen(addr netip.AddrPort, flags Flag) (fd int, err error) {
	fd, err = listen(addr, flags)
	if err != nil {
		return evutil.InvalidSocket, fmt.Errorf("datagram: listen %v: %w", addr, err)
	}
	return fd, nil
}

func listen(addr netip.AddrPort, flags Flag) (int, error) {
	meaningless := Flag(0)
	if addr.Addr().Is4() {
		meaningless = familyFlags
	}
	if err := flags.check(meaningless); err != nil {
		return evutil.InvalidSocket, err
	}
	sa, err := evutil.AddrPortToSockaddr(addr)
	if err != nil {
		return evutil.InvalidSocket, err
	}
	return open(addr.Addr(), flags, func(fd int) error {
		sysio.HideRefusals(fd)
		return sysio.Bind(fd, sa)
	})
}

// Dial makes a socket that is connected to the peer remote: it sends there
// without being told, takes messages from no other peer, and reports when no socket
// is bound there. It is bound to local, unless that is zero; without it, or with
// port 0 in it, the system chooses a port. Dial does not wait. It may be called
// from any goroutine. On Windows a base must have been made before.
func Dial(local, remote netip.AddrPort, flags Flag) (fd int, err error) {
	fd, err = dial(local, remote, flags)
	if err != nil {
		return evutil.InvalidSocket, fmt.Errorf("datagram: dial %v: %w", remote, err)
	}
	return fd, nil
}

func dial(local, remote netip.AddrPort, flags Flag) (int, error) {
	if err := flags.check(familyFlags); err != nil {
		return evutil.InvalidSocket, err
	}
	peer, err := evutil.AddrPortToSockaddr(remote)
	if err != nil {
		return evutil.InvalidSocket, err
	}
	return open(remote.Addr(), flags, func(fd int) error {
		if local.IsValid() {
			if err := bind(fd, local); err != nil {
				return err
			}
		}
		return sysio.Connect(fd, peer)
	})
}

func bind(fd int, local netip.AddrPort) error {
	sa, err := evutil.AddrPortToSockaddr(local)
	if err == nil {
		err = sysio.Bind(fd, sa)
	}
	if err != nil {
		return fmt.Errorf("bind to %v: %w", local, err)
	}
	return nil
}

// options are what flags do to a socket before it is bound.
var options = []struct {
	flag Flag
	set  func(fd int) error
}{
	{Reuseable, evutil.SetListenReuseAddr},
	{ReuseablePort, evutil.SetListenReusePort},
	{BindIPv6Only, evutil.SetListenIPv6Only},
	{BindIPv4AndIPv6, evutil.SetListenNotIPv6Only},
}

// open makes a socket for the family of addr, sets its options and has the
// address set by finish. If that fails, it closes the socket.
func open(addr netip.Addr, flags Flag, finish func(fd int) error) (int, error) {
	family := syscall.AF_INET6
	if addr.Is4() {
		family = syscall.AF_INET
	}
	fd, err := sysio.DatagramSocket(family, sysio.Mode{Inheritable: flags&Inheritable != 0})
	if err != nil {
		return evutil.InvalidSocket, err
	}
	for _, o := range options {
		if err == nil && flags&o.flag != 0 {
			err = o.set(fd)
		}
	}
	if err == nil {
		err = finish(fd)
	}
	if err != nil {
		sysio.CloseSocket(fd)
		return evutil.InvalidSocket, err
	}
	return fd, nil
}

// LocalAddr returns the address that a socket is bound to. It asks the system,
// and may be called from any goroutine.
func LocalAddr(fd int) (netip.AddrPort, error) {
	sa, err := sysio.Sockname(fd)
	if err != nil {
		return netip.AddrPort{}, fdError("getsockname", fd, err)
	}
	return evutil.SockaddrToAddrPort(sa)
}

// TellLocal makes a socket tell to which of its addresses each message came, in
// Message.Local. It is for sockets that are bound to a wildcard address. The
// error wraps errors.ErrUnsupported everywhere but on Linux.
func TellLocal(fd int) error {
	return fdError("setsockopt PKTINFO", fd, sysio.TellLocal(fd))
}

// SetReceiveBuffer asks the system to keep up to n bytes of messages that have
// arrived and were not received yet; what goes beyond that is lost. The system
// may have limits of its own, and counts more than the data.
func SetReceiveBuffer(fd, n int) error {
	return fdError("setsockopt SO_RCVBUF", fd, sysio.SetReceiveBuffer(fd, n))
}

// SetSendBuffer asks the system to keep up to n bytes of messages that were sent
// and are not on their way yet.
func SetSendBuffer(fd, n int) error {
	return fdError("setsockopt SO_SNDBUF", fd, sysio.SetSendBuffer(fd, n))
}
