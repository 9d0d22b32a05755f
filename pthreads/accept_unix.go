//go:build unix && !(dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package pthreads

import (
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
)

// accept accepts a connection and makes it non-blocking and close-on-exec, the
// latter before the process can fork.
func accept(listener int) (fd int, peer syscall.Sockaddr, err error) {
	syscall.ForkLock.RLock()
	fd, peer, err = syscall.Accept(listener)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return evutil.InvalidSocket, nil, err
	}
	if err := evutil.SetNonblock(fd); err != nil {
		evutil.CloseSocket(fd)
		return evutil.InvalidSocket, nil, err
	}
	return fd, peer, nil
}
