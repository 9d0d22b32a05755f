//go:build unix

package simnet_test

import (
	"syscall"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// options are those of sockets that scripts ask and set, with their levels.
var options = map[string][2]int{
	"reuseaddr": {unix.SOL_SOCKET, unix.SO_REUSEADDR},
	"keepalive": {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	"sndbuf":    {unix.SOL_SOCKET, unix.SO_SNDBUF},
	"rcvbuf":    {unix.SOL_SOCKET, unix.SO_RCVBUF},
	"error":     {unix.SOL_SOCKET, unix.SO_ERROR},
	"nodelay":   {unix.IPPROTO_TCP, unix.TCP_NODELAY},
	"v6only":    {unix.IPPROTO_IPV6, unix.IPV6_V6ONLY},
	"unknown":   {unix.SOL_SOCKET, 12345},
}

func errnoName(errno syscall.Errno) string {
	switch errno {
	case unix.EAGAIN:
		return "EAGAIN"
	case unix.EOPNOTSUPP:
		return "EOPNOTSUPP"
	}
	return unix.ErrnoName(errno)
}

// kernelReset closes a connection so that the kernel sends a reset.
func kernelReset(fd int) error {
	err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	if err != nil {
		return err
	}
	return sysio.CloseSocket(fd)
}

const afInet6 = unix.AF_INET6

func loopback6() sysio.Sockaddr { return &unix.SockaddrInet6{Addr: [16]byte{15: 1}} }
