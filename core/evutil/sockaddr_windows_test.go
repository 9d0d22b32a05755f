package evutil

import "golang.org/x/sys/windows"

type sockaddrUnix = windows.SockaddrUnix
