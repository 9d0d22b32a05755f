//go:build unix && !darwin

package sysio

import (
	"golang.org/x/sys/unix"
)

// flags returns the mode as socket and accept4 take it.
func (m Mode) flags() int {
	flags := 0
	if !m.Blocking {
		flags |= unix.SOCK_NONBLOCK
	}
	if !m.Inheritable {
		flags |= unix.SOCK_CLOEXEC
	}
	return flags
}

func socket(family, kind int, mode Mode) (int, error) {
	fd, err := unix.Socket(family, kind|mode.flags(), 0)
	if err != nil {
		return InvalidSocket, err
	}
	return fd, nil
}
