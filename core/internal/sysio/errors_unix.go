//go:build unix

package sysio

import "golang.org/x/sys/unix"

// Errors that callers tell from others with ==.
var (
	// ErrAgain says that a call would have had to wait.
	ErrAgain error = unix.EAGAIN
	// ErrNotSocket says that a descriptor is not that of a socket.
	ErrNotSocket error = unix.ENOTSOCK

	errInterrupted error = unix.EINTR
)

// CannotSendfile reports whether err says that Sendfile cannot serve this pair
// of descriptors at all, rather than that something has gone wrong.
func CannotSendfile(err error) bool {
	return err == unix.EINVAL || err == unix.ENOSYS || err == unix.ENOTSOCK ||
		err == unix.ENOTSUP || err == unix.EOPNOTSUPP
}
