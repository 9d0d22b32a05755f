//go:build linux || dragonfly || freebsd

package evutil

import (
	"errors"
	"syscall"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

func setReusePort(fd int) error {
	err := sysio.SetOption(fd, syscall.SOL_SOCKET, soReusePort, 1)
	if err == syscall.ENOPROTOOPT { // the kernel is too old
		return errors.ErrUnsupported
	}
	return err
}
