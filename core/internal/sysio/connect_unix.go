//go:build unix

package sysio

import (
	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/unix"
)

var errInProgress error = unix.EINPROGRESS

func socketType(fd int) (int, error)           { return unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE) }
func peername(fd int) (evutil.Sockaddr, error) { return unix.Getpeername(fd) }
func shutdownWrite(fd int) error               { return unix.Shutdown(fd, unix.SHUT_WR) }

// Duplicate returns another descriptor for what fd is one for, which is not
// inherited by programs that the process starts, and not one of the standard ones.
func Duplicate(fd int) (int, error) {
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
}
