//go:build unix

package evutil_test

import "golang.org/x/sys/unix"

type (
	sockaddrInet6 = unix.SockaddrInet6
	sockaddrUnix  = unix.SockaddrUnix
)
