//go:build unix && !linux && !freebsd && !dragonfly && !illumos

package sock

import (
	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/unix"
)

func accept(listener int) (int, error) {
	fd, _, err := unix.Accept(listener)
	if err != nil {
		return evutil.InvalidSocket, err
	}
	if err := prepare(fd); err != nil {
		unix.Close(fd)
		return evutil.InvalidSocket, err
	}
	return fd, nil
}

func prepare(fd int) error {
	if err := evutil.SetCloseOnExec(fd); err != nil {
		return err
	}
	return evutil.SetNonblock(fd)
}
