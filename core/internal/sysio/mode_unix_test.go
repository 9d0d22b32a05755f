//go:build unix

package sysio

import (
	"fmt"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// modeOf asks the system for the mode of a descriptor.
func modeOf(t testing.TB, fd int) Mode {
	t.Helper()
	status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	ok(t, err)
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	ok(t, err)
	return Mode{Blocking: status&unix.O_NONBLOCK == 0, Inheritable: flags&unix.FD_CLOEXEC == 0}
}

func TestSocketsHaveTheirMode(t *testing.T) {
	listener, addr := newListener(t, "127.0.0.1:0")
	for _, mode := range []Mode{{}, {Blocking: true}, {Inheritable: true}, {true, true}} {
		t.Run(fmt.Sprintf("%+v", mode), func(t *testing.T) {
			want(t, "a new socket", modeOf(t, newSocket(t, syscall.AF_INET, mode)), mode)
			connectTo(t, addr)
			fd, _, err := Accept(listener, mode)
			ok(t, err)
			defer CloseSocket(fd)
			want(t, "an accepted socket", modeOf(t, fd), mode)
			nonblocking, err := Nonblocking(fd)
			ok(t, err)
			want(t, "is non-blocking", nonblocking, !mode.Blocking)
		})
	}
}

func TestUnixSockets(t *testing.T) {
	path := t.TempDir() + "/s"
	fd := newSocket(t, syscall.AF_UNIX, Mode{})
	ok(t, Bind(fd, UnixSockaddr(path)))
	client := newSocket(t, syscall.AF_UNIX, Mode{})
	want(t, "Connect before Listen", Connect(client, UnixSockaddr(path)), ErrRefused)
	ok(t, Listen(fd, -1))
	sa, err := Sockname(fd)
	ok(t, err)
	got, isUnix := UnixPath(sa)
	want(t, "path", got, path)
	want(t, "is that of a Unix socket", isUnix, true)
	ok(t, Connect(client, UnixSockaddr(path)))
	conn, peer, err := Accept(fd, Mode{})
	ok(t, err)
	defer CloseSocket(conn)
	want(t, "peer is valid", peer.IsValid(), false)
}

func TestNoDelay(t *testing.T) {
	fd := newSocket(t, syscall.AF_INET, Mode{})
	ok(t, SetNoDelay(fd))
	on, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
	ok(t, err)
	if on == 0 {
		t.Error("TCP_NODELAY is off")
	}
	want(t, "not a socket", SetNoDelay(InvalidSocket), error(unix.EBADF))
}

func TestAPeerThatHasGoneDoesNotKeepASocketFromClosing(t *testing.T) {
	for _, test := range []struct{ err, want error }{
		{nil, nil},
		{unix.ECONNRESET, nil},
		{unix.EBADF, unix.EBADF},
	} {
		want(t, "result", closeResult(test.err), test.want)
	}
}
