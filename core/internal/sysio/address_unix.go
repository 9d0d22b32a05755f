//go:build unix

package sysio

import "golang.org/x/sys/unix"

// LocalAddress returns the address that a socket is bound to.
func LocalAddress(fd int) (Sockaddr, error) { return unix.Getsockname(fd) }

// RemoteAddress returns the address that a socket is connected to.
func RemoteAddress(fd int) (Sockaddr, error) { return unix.Getpeername(fd) }

// UnixName returns the name in the address of a Unix socket.
func UnixName(sa Sockaddr) (name string, ok bool) {
	u, ok := sa.(*unix.SockaddrUnix)
	if !ok {
		return "", false
	}
	return u.Name, true
}

// Duplicate returns another descriptor for what fd is one for, which is not
// inherited by programs that the process starts.
func Duplicate(fd int) (int, error) {
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
}
