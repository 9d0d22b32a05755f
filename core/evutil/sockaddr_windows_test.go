package evutil_test

import "golang.org/x/sys/windows"

type (
	sockaddrInet6 = windows.SockaddrInet6
	sockaddrUnix  = windows.SockaddrUnix
)
