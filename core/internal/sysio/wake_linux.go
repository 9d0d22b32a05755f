package sysio

import (
	"os"

	"golang.org/x/sys/unix"
)

func wakeChannel() (r, w int, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return fd, fd, os.NewSyscallError("eventfd", err)
}
