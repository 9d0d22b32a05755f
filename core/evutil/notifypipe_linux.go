package evutil

import "golang.org/x/sys/unix"

func sysNotifyPipe() (r, w int, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return fd, fd, err
}
