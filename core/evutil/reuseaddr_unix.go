//go:build unix

package evutil

import "syscall"

func setReuseAddr(fd int) error {
	return setSockopt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1, "SO_REUSEADDR")
}
