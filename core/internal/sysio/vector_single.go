//go:build solaris && !illumos

package sysio

import "golang.org/x/sys/unix"

// x/sys has no readv and writev for Solaris. A call may always move less than
// it was asked to, so the first slice alone does.

func read(fd int, bufs [][]byte) (int, error)  { return atLeastZero(unix.Read(fd, bufs[0])) }
func write(fd int, bufs [][]byte) (int, error) { return atLeastZero(unix.Write(fd, bufs[0])) }
