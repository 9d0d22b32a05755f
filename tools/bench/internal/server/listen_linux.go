package server

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// listen returns a listening descriptor. TCP_NODELAY is inherited by what it
// accepts.
func listen() (int, net.Addr, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, nil, fmt.Errorf("socket: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return -1, nil, fmt.Errorf("set TCP_NODELAY: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, nil, fmt.Errorf("bind: %w", err)
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return -1, nil, fmt.Errorf("listen: %w", err)
	}
	addr, err := localAddr(fd)
	return fd, addr, err
}

// localAddr returns the address of an IPv4 socket.
func localAddr(fd int) (net.Addr, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("getsockname fd %d: %w", fd, err)
	}
	sa4, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return nil, fmt.Errorf("fd %d is no IPv4 socket", fd)
	}
	return &net.TCPAddr{IP: sa4.Addr[:], Port: sa4.Port}, nil
}

// acceptAll accepts all connections that wait.
func acceptAll(listener int, accepted func(fd int)) {
	for {
		fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EINTR || err == unix.ECONNABORTED {
			continue
		}
		if err != nil {
			return
		}
		accepted(fd)
	}
}
