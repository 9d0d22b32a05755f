package bufferevent_test

import (
	"testing"

	"golang.org/x/sys/windows"
)

var (
	interrupted error = windows.WSAEINTR
	refused     error = windows.WSAECONNREFUSED
)

func tcpNoDelay(t testing.TB, fd int) bool {
	t.Helper()
	on, err := windows.GetsockoptInt(windows.Handle(fd), windows.IPPROTO_TCP, windows.TCP_NODELAY)
	ok(t, err)
	return on != 0
}
