//go:build unix

package evutil

import "golang.org/x/sys/unix"

const soError = unix.SO_ERROR

func sysSetNonblock(fd int) error {
	return unix.SetNonblock(fd, true)
}

func sysSetCloseOnExec(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags|unix.FD_CLOEXEC)
	return err
}

func sysClose(fd int) error {
	return unix.Close(fd)
}

func sysGetsockopt(fd, level, option int) (int, error) {
	return unix.GetsockoptInt(fd, level, option)
}

func sysSetsockopt(fd, level, option, value int) error {
	return unix.SetsockoptInt(fd, level, option, value)
}
