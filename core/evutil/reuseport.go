//go:build linux || dragonfly || freebsd

package evutil

import (
	"errors"
	"syscall"
)

func setReusePort(fd int) error {
	err := sysSetsockopt(fd, syscall.SOL_SOCKET, soReusePort, 1)
	if err == syscall.ENOPROTOOPT { // the kernel is too old
		return errors.ErrUnsupported
	}
	return err
}
