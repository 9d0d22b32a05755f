//go:build unix && !linux

package poller

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openWakeChannel opens a pipe that neither blocks nor survives an exec.
func openWakeChannel() (reader, writer int, err error) {
	var p [2]int
	syscall.ForkLock.RLock() // no fork before both ends are close-on-exec
	defer syscall.ForkLock.RUnlock()
	if err := unix.Pipe(p[:]); err != nil {
		return -1, -1, os.NewSyscallError("pipe", err)
	}
	for _, fd := range p {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			_ = sysClose(p[0]) // the error that counts is the first
			_ = sysClose(p[1]) // the same
			return -1, -1, os.NewSyscallError("fcntl", err)
		}
	}
	return p[0], p[1], nil
}
