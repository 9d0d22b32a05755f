package evutil

import (
	"errors"
	"syscall"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// SetListenReuseAddr lets a listener bind an address that connections of an
// earlier listener still linger on (SO_REUSEADDR). It is for sockets that are
// not bound yet.
//
// On Windows it does nothing: lingering connections are not in the way there,
// and SO_REUSEADDR would let other programs take the address over while the
// listener is using it (evutil_make_listen_socket_reuseable).
func SetListenReuseAddr(fd int) error {
	return setReuseAddr(fd)
}

// SetListenReusePort lets several listeners bind the same port and has the
// system spread connections or datagrams evenly over them. It is for sockets
// that are not bound yet.
//
// Linux and DragonFly BSD (SO_REUSEPORT) and FreeBSD 12 and later
// (SO_REUSEPORT_LB) can do that. Elsewhere the error wraps
// [errors.ErrUnsupported], even where a SO_REUSEPORT exists, because there
// one of the listeners gets everything
// (evutil_make_listen_socket_reuseable_port).
func SetListenReusePort(fd int) error {
	err := errors.ErrUnsupported
	if sysio.ReusePort != 0 {
		err = sysio.SetOption(fd, syscall.SOL_SOCKET, sysio.ReusePort, 1)
	}
	if err == sysio.ErrNoOption { // the kernel is too old
		err = errors.ErrUnsupported
	}
	if err != nil {
		return fdError("setsockopt SO_REUSEPORT", fd, err)
	}
	return nil
}

// SetListenIPv6Only makes an IPv6 listener leave IPv4 connections alone, so
// that another socket can bind the same port for IPv4. This is the default on
// Windows and some BSDs. It is for sockets that are not bound yet
// (evutil_make_listen_socket_ipv6only).
func SetListenIPv6Only(fd int) error {
	return setSockopt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1, "IPV6_V6ONLY")
}

// SetListenNotIPv6Only makes an IPv6 listener bound to the wildcard address
// accept IPv4 connections too, whose peers then have IPv4-mapped addresses.
// This is the default on Linux; OpenBSD never allows it. It is for sockets
// that are not bound yet (evutil_make_listen_socket_not_ipv6only).
func SetListenNotIPv6Only(fd int) error {
	return setSockopt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 0, "IPV6_V6ONLY")
}

// SetListenDeferred makes a TCP listener report a connection only once data
// has arrived on it. It suits protocols in which the client speaks first.
// Only Linux can do this (TCP_DEFER_ACCEPT); as it merely saves a wake-up,
// other systems do nothing and return nil
// (evutil_make_tcp_listen_socket_deferred).
func SetListenDeferred(fd int) error {
	return setDeferAccept(fd)
}
