package sysio

import (
	"errors"

	"golang.org/x/sys/windows"
)

// LocalAddress returns the address that a socket is bound to.
func LocalAddress(fd int) (Sockaddr, error) { return windows.Getsockname(windows.Handle(fd)) }

// RemoteAddress returns the address that a socket is connected to.
func RemoteAddress(fd int) (Sockaddr, error) { return windows.Getpeername(windows.Handle(fd)) }

// UnixName returns the name in the address of a Unix socket.
func UnixName(sa Sockaddr) (name string, ok bool) {
	u, ok := sa.(*windows.SockaddrUnix)
	if !ok {
		return "", false
	}
	return u.Name, true
}

// Duplicate would have to know what kind of handle this is, and whom it
// completes to.
func Duplicate(int) (int, error) { return -1, errors.ErrUnsupported }
