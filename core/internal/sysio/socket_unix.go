//go:build unix

package sysio

import (
	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/unix"
)

// Errors that callers tell from others with ==.
var (
	// ErrAddrInUse says that somebody has the address already.
	ErrAddrInUse error = unix.EADDRINUSE
	// ErrRefused says that nobody listens at the address.
	ErrRefused error = unix.ECONNREFUSED
)

// maxBacklog is more than any system allows, and each takes that for its limit.
// Old kernels of Linux count in 16 bits.
const maxBacklog = 1<<16 - 1

func bind(fd int, sa evutil.Sockaddr) error    { return unix.Bind(fd, sa) }
func listen(fd, backlog int) error             { return unix.Listen(fd, backlog) }
func connect(fd int, sa evutil.Sockaddr) error { return unix.Connect(fd, sa) }
func sockname(fd int) (evutil.Sockaddr, error) { return unix.Getsockname(fd) }
func acceptConn(fd int) (int, error) {
	return unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
}

// UnixSockaddr returns the address of a Unix socket. On Linux a path that
// starts with @ is a name in the abstract name space.
func UnixSockaddr(path string) evutil.Sockaddr { return &unix.SockaddrUnix{Name: path} }

// UnixPath undoes UnixSockaddr, if sa is the address of a Unix socket.
func UnixPath(sa evutil.Sockaddr) (path string, ok bool) {
	if sa, ok := sa.(*unix.SockaddrUnix); ok {
		return sa.Name, true
	}
	return "", false
}
