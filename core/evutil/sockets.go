package evutil

import (
	"syscall"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// InvalidSocket is the descriptor of no socket (EVUTIL_INVALID_SOCKET).
const InvalidSocket = sysio.InvalidSocket

// SetNonblock makes the descriptor fd non-blocking. On Windows fd must be a
// socket. It may be called from any goroutine
// (evutil_make_socket_nonblocking).
func SetNonblock(fd int) error {
	if err := sysio.SetNonblock(fd); err != nil {
		return fdError("set non-blocking", fd, err)
	}
	return nil
}

// SetCloseOnExec keeps the descriptor fd from being inherited by programs
// that the process starts. libevent leaves Windows handles as they are; here
// they lose their inherit flag. It may be called from any goroutine
// (evutil_make_socket_closeonexec).
func SetCloseOnExec(fd int) error {
	if err := sysio.SetCloseOnExec(fd); err != nil {
		return fdError("set close-on-exec", fd, err)
	}
	return nil
}

// CloseSocket closes a socket, or on Unix any descriptor. The descriptor must
// not be used again, whatever the result (evutil_closesocket).
func CloseSocket(fd int) error {
	if err := sysio.CloseSocket(fd); err != nil {
		return fdError("close", fd, err)
	}
	return nil
}

// SocketError returns the error that is pending on a socket, such as the
// reason why a connect that was under way failed, and clears it. It returns
// nil if there is none. That the socket cannot be asked is an error too
// (evutil_socket_geterror).
//
// On Unix the C macro merely reads errno; this function asks the socket
// (SO_ERROR) on all systems.
func SocketError(fd int) error {
	pending, err := sysio.PendingError(fd)
	if err != nil {
		return fdError("getsockopt SO_ERROR", fd, err)
	}
	if pending != nil {
		return fdError("socket", fd, pending)
	}
	return nil
}

// SetTCPNoDelay makes a TCP socket send small packets at once (TCP_NODELAY),
// or with false hold them back while earlier ones are unacknowledged, which is
// the system's default. It may be called from any goroutine.
func SetTCPNoDelay(fd int, on bool) error {
	value := 0
	if on {
		value = 1
	}
	return setSockopt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, value, "TCP_NODELAY")
}

// setSockopt sets an integer socket option; name is what an error calls it.
func setSockopt(fd, level, option, value int, name string) error {
	if err := sysio.SetOption(fd, level, option, value); err != nil {
		return fdError("setsockopt "+name, fd, err)
	}
	return nil
}
