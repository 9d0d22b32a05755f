package sysio

import (
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
)

// A Mode says how a new socket is to be. The zero Mode is non-blocking and
// close-on-exec, from the start where the system can do that, and otherwise
// before anybody can fork.
type Mode struct {
	Blocking    bool
	Inheritable bool // by the programs that this one starts
}

// Socket makes a stream socket. On Windows, Winsock must have been started,
// which making a base does.
func Socket(family int, mode Mode) (int, error) {
	if _, err := consultLen(OpSocket, evutil.InvalidSocket, 0); err != nil {
		return evutil.InvalidSocket, err
	}
	return socket(family, syscall.SOCK_STREAM, mode)
}

// DatagramSocket is Socket for messages.
func DatagramSocket(family int, mode Mode) (int, error) {
	if _, err := consultLen(OpSocket, evutil.InvalidSocket, 0); err != nil {
		return evutil.InvalidSocket, err
	}
	return socket(family, syscall.SOCK_DGRAM, mode)
}

// Bind gives a socket its address. The error is ErrAddrInUse if another has it.
func Bind(fd int, sa evutil.Sockaddr) error {
	if _, err := consultLen(OpBind, fd, 0); err != nil {
		return err
	}
	return bind(fd, sa)
}

// Listen makes a socket listen. A negative backlog is the longest that the
// system has.
func Listen(fd, backlog int) error {
	if _, err := consultLen(OpListen, fd, 0); err != nil {
		return err
	}
	if backlog < 0 {
		backlog = maxBacklog
	}
	return listen(fd, backlog)
}

// Connect begins to connect a socket. It is not made again if it was
// interrupted, for then it goes on by itself.
func Connect(fd int, sa evutil.Sockaddr) error {
	if _, err := consultLen(OpConnect, fd, 0); err != nil {
		return err
	}
	return connect(fd, sa)
}

// Sockname returns the address of a socket.
func Sockname(fd int) (evutil.Sockaddr, error) {
	if _, err := consultLen(OpSockname, fd, 0); err != nil {
		return nil, err
	}
	return sockname(fd)
}

// Listening reports whether a socket listens.
func Listening(fd int) (bool, error) {
	n, err := acceptConn(fd)
	return n != 0, err
}
