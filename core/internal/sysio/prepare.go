//go:build darwin || (solaris && !illumos)

package sysio

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// prepare gives the descriptor that open returns its mode. The process cannot fork
// before that is done.
func prepare(mode Mode, open func() (int, error)) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := open()
	if err != nil {
		return InvalidSocket, err
	}
	if !mode.Inheritable {
		unix.CloseOnExec(fd)
	}
	// Some systems have accepted sockets inherit the mode of the listener.
	if err := unix.SetNonblock(fd, !mode.Blocking); err != nil {
		unix.Close(fd)
		return InvalidSocket, err
	}
	return fd, nil
}
