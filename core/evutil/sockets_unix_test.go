//go:build unix

package evutil_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestSocketErrorTellsOnceWhyConnectFailed(t *testing.T) {
	fd := newSocket(t)
	if err := evutil.SetNonblock(fd); err != nil {
		t.Fatal(err)
	}
	// A socket that is bound but does not listen keeps its port closed.
	closed := newSocket(t)
	if err := unix.Bind(closed, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(closed)
	if err != nil {
		t.Fatal(err)
	}

	err = unix.Connect(fd, sa)
	if evutil.IsConnectRefused(err) {
		t.Skip("this system refuses at once")
	}
	if !evutil.IsConnectRetriable(err) {
		t.Fatalf("connect: %v, want it to be under way", err)
	}
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	if _, err := unix.Poll(fds, -1); err != nil {
		t.Fatal(err)
	}
	if err := evutil.SocketError(fd); !evutil.IsConnectRefused(err) {
		t.Errorf("first: %v, want connection refused", err)
	}
	if err := evutil.SocketError(fd); err != nil {
		t.Errorf("second: %v, want nil", err)
	}
}
