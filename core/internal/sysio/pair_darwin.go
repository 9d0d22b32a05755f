package sysio

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// socketpair holds the lock against forks until the sockets are safe from
// being inherited, as macOS cannot make them so at creation.
func socketpair(family, kind, proto int) (pair [2]int, err error) {
	syscall.ForkLock.RLock()
	pair, err = unix.Socketpair(family, kind, proto)
	if err == nil {
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return pair, err
	}
	for _, fd := range pair {
		if err := SetNonblock(fd); err != nil {
			closePair(pair)
			return pair, err
		}
	}
	return pair, nil
}
