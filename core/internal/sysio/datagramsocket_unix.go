//go:build unix

package sysio

import "golang.org/x/sys/unix"

// ErrTooLong says that a message is longer than what the system sends.
var ErrTooLong error = unix.EMSGSIZE

func setBuffer(fd, option, n int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, n)
}

// HideRefusals keeps a socket that is not connected from failing because of
// peers that do not listen. Nothing has to be done for it here.
func HideRefusals(int) {}
