//go:build unix && !linux

package evutil

import "golang.org/x/sys/unix"

func setReuseAddr(fd int) error {
	return setSockopt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1, "SO_REUSEADDR")
}

func setDeferAccept(int) error { return nil }
