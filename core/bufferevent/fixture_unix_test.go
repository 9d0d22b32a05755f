//go:build unix

package bufferevent_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

var (
	interrupted error = unix.EINTR
	refused     error = unix.ECONNREFUSED
)

func tcpNoDelay(t testing.TB, fd int) bool {
	t.Helper()
	on, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
	ok(t, err)
	return on != 0
}
