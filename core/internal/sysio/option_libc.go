//go:build darwin || openbsd || solaris

package sysio

import (
	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/unix"
)

func setNoDelay(fd int) error  { return evutil.SetTCPNoDelay(fd, true) }
func closeSocket(fd int) error { return unix.Close(fd) }
