//go:build unix

package poller

import (
	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// CheckOpen returns an error if fd is not an open descriptor.
func CheckOpen(fd int) error {
	if _, err := sysio.Nonblocking(fd); err != nil {
		return opError("check", fd, err)
	}
	return nil
}

// checkOpen returns an error that names op if fd is not an open descriptor.
// It serves the interfaces that do not look at a descriptor before they wait.
func checkOpen(op string, fd int) error {
	if fd < 0 {
		return opError(op, fd, unix.EBADF)
	}
	err := retryError(func() error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		return err
	})
	if err != nil {
		return opError(op, fd, err)
	}
	return nil
}
