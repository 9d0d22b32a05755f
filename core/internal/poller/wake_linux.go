package poller

import (
	"os"

	"golang.org/x/sys/unix"
)

// openWakeChannel opens an eventfd, which is both ends.
func openWakeChannel() (reader, writer int, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return -1, -1, os.NewSyscallError("eventfd", err)
	}
	return fd, fd, nil
}
