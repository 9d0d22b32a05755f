//go:build !windows

package event

import "golang.org/x/sys/unix"

// blocks reports whether fd is open and in blocking mode.
func blocks(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_NONBLOCK == 0
}
