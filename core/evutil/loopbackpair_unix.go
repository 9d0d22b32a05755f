//go:build unix

package evutil

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// sysSocket returns a blocking, close-on-exec socket. It holds the lock against
// forks, which works on systems without SOCK_CLOEXEC too.
func sysSocket(family, kind int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, kind, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}

func sysBind(fd int, sa Sockaddr) error    { return unix.Bind(fd, sa) }
func sysListen(fd int) error               { return unix.Listen(fd, 1) }
func sysConnect(fd int, sa Sockaddr) error { return unix.Connect(fd, sa) }

func sysGetsockname(fd int) (Sockaddr, error) { return unix.Getsockname(fd) }
func sysGetpeername(fd int) (Sockaddr, error) { return unix.Getpeername(fd) }

// sysAccept waits for a connection and returns it, close-on-exec. It waits
// before it takes the lock, as nobody can fork while it holds it.
func sysAccept(listener int) (int, error) {
	if err := unix.SetNonblock(listener, true); err != nil {
		return InvalidSocket, err
	}
	if err := waitReadable(listener); err != nil {
		return InvalidSocket, err
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, _, err := unix.Accept(listener)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}

func waitReadable(fd int) error {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		if err != unix.EINTR {
			return err
		}
	}
}
