package evutil

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// sysNotifyPipe holds the lock against forks until the pipe is safe from
// being inherited, as macOS cannot make it so at creation.
func sysNotifyPipe() (r, w int, err error) {
	var p [2]int
	syscall.ForkLock.RLock()
	err = unix.Pipe(p[:])
	if err == nil {
		unix.CloseOnExec(p[0])
		unix.CloseOnExec(p[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, 0, err
	}
	for _, fd := range p {
		if err := SetNonblock(fd); err != nil {
			closePair(p)
			return 0, 0, err
		}
	}
	return p[0], p[1], nil
}
