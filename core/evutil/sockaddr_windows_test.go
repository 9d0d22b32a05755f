package evutil

import "golang.org/x/sys/windows"

type (
	sockaddrInet6 = windows.SockaddrInet6
	sockaddrUnix  = windows.SockaddrUnix
)
