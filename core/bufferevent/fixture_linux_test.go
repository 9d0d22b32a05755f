package bufferevent_test

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/evutil"
)

// blackHole returns an address that never answers: that of a listener whose queue
// is full.
func blackHole(t testing.TB) netip.AddrPort {
	t.Helper()
	socket := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		ok(t, err)
		return owned(t, fd)
	}
	l := socket()
	ok(t, unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	ok(t, unix.Listen(l, 0))
	sa, err := unix.Getsockname(l)
	ok(t, err)
	for range 3 {
		if err := unix.Connect(socket(), sa); err != nil && err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	addr, err := evutil.SockaddrToAddrPort(sa)
	ok(t, err)
	return addr
}
