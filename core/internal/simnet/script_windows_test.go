package simnet_test

import (
	"syscall"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/windows"
)

// options are those of sockets that scripts ask and set, with their levels.
var options = map[string][2]int{
	"reuseaddr": {windows.SOL_SOCKET, windows.SO_REUSEADDR},
	"keepalive": {windows.SOL_SOCKET, windows.SO_KEEPALIVE},
	"sndbuf":    {windows.SOL_SOCKET, windows.SO_SNDBUF},
	"rcvbuf":    {windows.SOL_SOCKET, windows.SO_RCVBUF},
	"error":     {windows.SOL_SOCKET, 0x1007},
	"nodelay":   {windows.IPPROTO_TCP, windows.TCP_NODELAY},
	"v6only":    {windows.IPPROTO_IPV6, windows.IPV6_V6ONLY},
	"unknown":   {windows.SOL_SOCKET, 12345},
}

// errnoName returns the name that other systems have for an error.
func errnoName(errno syscall.Errno) string {
	if name, ok := errnoNames[errno]; ok {
		return name
	}
	return errno.Error()
}

var errnoNames = map[syscall.Errno]string{
	windows.WSAEWOULDBLOCK:       "EAGAIN",
	windows.WSAEINVAL:            "EINVAL",
	windows.WSAENOTSOCK:          "ENOTSOCK",
	windows.WSAENOTCONN:          "ENOTCONN",
	windows.WSAEISCONN:           "EISCONN",
	windows.WSAEALREADY:          "EALREADY",
	windows.WSAECONNREFUSED:      "ECONNREFUSED",
	windows.WSAECONNRESET:        "ECONNRESET",
	windows.WSAECONNABORTED:      "ECONNABORTED",
	windows.WSAESHUTDOWN:         "EPIPE",
	windows.WSAEADDRINUSE:        "EADDRINUSE",
	windows.WSAEADDRNOTAVAIL:     "EADDRNOTAVAIL",
	windows.WSAEAFNOSUPPORT:      "EAFNOSUPPORT",
	windows.WSAEOPNOTSUPP:        "EOPNOTSUPP",
	windows.WSAENOPROTOOPT:       "ENOPROTOOPT",
	windows.WSAEMSGSIZE:          "EMSGSIZE",
	windows.WSAEDESTADDRREQ:      "EDESTADDRREQ",
	windows.WSAENETUNREACH:       "ENETUNREACH",
	windows.ERROR_FILE_NOT_FOUND: "ENOENT",
	windows.WSAENOBUFS:           "ENOBUFS",
	windows.ERROR_INVALID_HANDLE: "EBADF",
}

// kernelReset closes a connection so that the kernel sends a reset.
func kernelReset(fd int) error {
	err := windows.SetsockoptLinger(windows.Handle(fd), windows.SOL_SOCKET, windows.SO_LINGER, &windows.Linger{Onoff: 1})
	if err != nil {
		return err
	}
	return sysio.CloseSocket(fd)
}

const afInet6 = windows.AF_INET6

func loopback6() sysio.Sockaddr { return &windows.SockaddrInet6{Addr: [16]byte{15: 1}} }
