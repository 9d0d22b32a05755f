//go:build unix

package evutil

import "golang.org/x/sys/unix"

type (
	sockaddrInet6 = unix.SockaddrInet6
	sockaddrUnix  = unix.SockaddrUnix
)
