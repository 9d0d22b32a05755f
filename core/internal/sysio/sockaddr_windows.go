package sysio

import "golang.org/x/sys/windows"

// Sockaddr is the system's form of a socket address, as the functions of
// golang.org/x/sys/windows take and return it.
type Sockaddr = windows.Sockaddr

type (
	sockaddrInet4 = windows.SockaddrInet4
	sockaddrInet6 = windows.SockaddrInet6
	sockaddrUnix  = windows.SockaddrUnix
)
