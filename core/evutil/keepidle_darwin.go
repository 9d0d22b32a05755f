package evutil

import "golang.org/x/sys/unix"

// tcpKeepIdle has a name of its own on macOS.
const tcpKeepIdle = unix.TCP_KEEPALIVE
