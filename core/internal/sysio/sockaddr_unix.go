//go:build unix

package sysio

import "golang.org/x/sys/unix"

// Sockaddr is the system's form of a socket address, as the functions of
// golang.org/x/sys/unix take and return it.
type Sockaddr = unix.Sockaddr

type (
	sockaddrInet4 = unix.SockaddrInet4
	sockaddrInet6 = unix.SockaddrInet6
	sockaddrUnix  = unix.SockaddrUnix
)
