package sysio

import (
	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/windows"
)

// Errors that callers tell from others with ==.
var (
	// ErrAddrInUse says that somebody has the address already.
	ErrAddrInUse error = windows.WSAEADDRINUSE
	// ErrRefused says that nobody listens at the address.
	ErrRefused error = windows.WSAECONNREFUSED
)

const (
	maxBacklog   = windows.SOMAXCONN
	soAcceptConn = 0x2 // the option SO_ACCEPTCONN
)

func socket(family, kind int, mode Mode) (int, error) {
	flags := uint32(windows.WSA_FLAG_OVERLAPPED)
	if !mode.Inheritable {
		flags |= windows.WSA_FLAG_NO_HANDLE_INHERIT
	}
	s, err := windows.WSASocket(int32(family), int32(kind), 0, nil, 0, flags)
	if err != nil {
		return evutil.InvalidSocket, err
	}
	if err := setBlocking(s, mode.Blocking); err != nil {
		windows.Closesocket(s)
		return evutil.InvalidSocket, err
	}
	return int(s), nil
}

func setBlocking(s windows.Handle, on bool) error {
	const fionbio = 0x8004667e
	arg := [4]byte{1} // a little-endian u_long
	if on {
		arg[0] = 0
	}
	var returned uint32
	return windows.WSAIoctl(s, fionbio, &arg[0], uint32(len(arg)), nil, 0, &returned, nil, 0)
}

func bind(fd int, sa evutil.Sockaddr) error    { return windows.Bind(windows.Handle(fd), sa) }
func listen(fd, backlog int) error             { return windows.Listen(windows.Handle(fd), backlog) }
func connect(fd int, sa evutil.Sockaddr) error { return windows.Connect(windows.Handle(fd), sa) }

func sockname(fd int) (evutil.Sockaddr, error) { return windows.Getsockname(windows.Handle(fd)) }

func acceptConn(fd int) (int, error) {
	return windows.GetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, soAcceptConn)
}

// UnixSockaddr returns the address of a Unix socket.
func UnixSockaddr(path string) evutil.Sockaddr { return &windows.SockaddrUnix{Name: path} }

// UnixPath undoes UnixSockaddr, if sa is the address of a Unix socket.
func UnixPath(sa evutil.Sockaddr) (path string, ok bool) {
	if sa, ok := sa.(*windows.SockaddrUnix); ok {
		return sa.Name, true
	}
	return "", false
}
