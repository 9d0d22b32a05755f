//go:build unix

package evutil

import "golang.org/x/sys/unix"

type sockaddrUnix = unix.SockaddrUnix
