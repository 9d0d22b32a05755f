//go:build unix && !linux

package evutil

import (
	"errors"
	"runtime"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

func setReuseAddr(fd int) error {
	return setSockopt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1, "SO_REUSEADDR")
}

func setReusePort(fd int) error {
	option := 0
	switch runtime.GOOS {
	case "dragonfly":
		option = 0x200 // SO_REUSEPORT
	case "freebsd":
		option = 0x10000 // SO_REUSEPORT_LB, as its SO_REUSEPORT does not spread the load
	default:
		return errors.ErrUnsupported
	}
	err := sysio.SetOption(fd, unix.SOL_SOCKET, option, 1)
	if err == unix.ENOPROTOOPT { // the kernel is too old
		return errors.ErrUnsupported
	}
	return err
}

func setDeferAccept(int) error { return nil }
