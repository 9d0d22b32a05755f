//go:build darwin || openbsd || solaris

package sysio

import (
	"golang.org/x/sys/unix"
)

func setNoDelay(fd int) error  { return setOption(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }
func closeSocket(fd int) error { return closeResult(unix.Close(fd)) }
