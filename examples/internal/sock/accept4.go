//go:build linux || freebsd || dragonfly || illumos

package sock

import "golang.org/x/sys/unix"

// accept saves the system calls that would set the flags afterwards.
func accept(listener int) (int, error) {
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return fd, err
}
