//go:build unix && !linux

package sysio

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func wakeChannel() (r, w int, err error) {
	var p [2]int
	syscall.ForkLock.RLock() // no fork before both ends are close-on-exec
	defer syscall.ForkLock.RUnlock()
	if err := unix.Pipe(p[:]); err != nil {
		return InvalidSocket, InvalidSocket, os.NewSyscallError("pipe", err)
	}
	for _, fd := range p {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			closePair(p)
			return InvalidSocket, InvalidSocket, os.NewSyscallError("fcntl", err)
		}
	}
	return p[0], p[1], nil
}
