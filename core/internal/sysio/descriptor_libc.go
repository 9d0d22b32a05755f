//go:build darwin || openbsd || solaris

package sysio

import "golang.org/x/sys/unix"

// System calls go through the C library here, and nothing is gained by calling
// recv and send; so sockets are read and written like everything else.

func recv(fd int, bufs [][]byte) (int, error) { return read(fd, bufs) }

// send translates what macOS says of a connection that is just being torn down. The
// next write would get EPIPE.
func send(fd int, bufs [][]byte) (int, error) {
	n, err := write(fd, bufs)
	if err == unix.EPROTOTYPE {
		err = unix.EPIPE
	}
	return n, err
}
