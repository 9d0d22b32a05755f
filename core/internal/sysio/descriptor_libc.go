//go:build darwin || openbsd || solaris

package sysio

// System calls go through the C library here, and nothing is gained by calling
// recv and send; so sockets are read and written like everything else.

func recv(fd int, bufs [][]byte) (int, error) { return read(fd, bufs) }
func send(fd int, bufs [][]byte) (int, error) { return write(fd, bufs) }
