package evutil

import (
	"errors"
	"syscall"
)

// IsRetriable reports whether err means that a read or write did not happen
// but can be tried again: it was interrupted, or the socket was not ready.
// Like its siblings it looks for a system error in all that err wraps, and
// may be called from any goroutine (EVUTIL_ERR_RW_RETRIABLE).
func IsRetriable(err error) bool {
	return matchErrno(err, rwRetriable)
}

// IsConnectRetriable reports whether err, the result of a connect, means that
// connecting goes on: wait until the socket is writable and ask [SocketError]
// for the outcome (EVUTIL_ERR_CONNECT_RETRIABLE).
func IsConnectRetriable(err error) bool {
	return matchErrno(err, connectRetriable)
}

// IsConnectRefused reports whether err means that no socket listens at the
// address (EVUTIL_ERR_CONNECT_REFUSED).
func IsConnectRefused(err error) bool {
	return matchErrno(err, connectRefused)
}

// IsAcceptRetriable reports whether err, the result of an accept, says
// nothing about the listener: no connection was waiting after all, or the one
// that was has gone (EVUTIL_ERR_ACCEPT_RETRIABLE).
func IsAcceptRetriable(err error) bool {
	return matchErrno(err, acceptRetriable)
}

// IsDisconnect reports whether err means that the peer is gone: it has closed or
// reset the connection, or the network says that it does not answer any more.
// What else fails on an established connection is a failure of this side, such as
// a lack of memory, and worth a message.
func IsDisconnect(err error) bool {
	return matchErrno(err, disconnected)
}

func matchErrno(err error, match func(syscall.Errno) bool) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && match(errno)
}
