//go:build darwin || openbsd || illumos

package sysio

import "golang.org/x/sys/unix"

func read(fd int, bufs [][]byte) (int, error) {
	if len(bufs) > 1 {
		return atLeastZero(unix.Readv(fd, bufs))
	}
	return atLeastZero(unix.Read(fd, bufs[0]))
}

func write(fd int, bufs [][]byte) (int, error) {
	if len(bufs) > 1 {
		return atLeastZero(unix.Writev(fd, bufs))
	}
	return atLeastZero(unix.Write(fd, bufs[0]))
}
