//go:build unix

package sysio

import "golang.org/x/sys/unix"

// Errors of the system that callers tell from others with ==, and that a System
// returns.
var (
	// ErrAgain says that a call would have had to wait.
	ErrAgain error = unix.EAGAIN
	// ErrInterrupted says that a signal came while a call was waiting.
	ErrInterrupted error = unix.EINTR
	// ErrInProgress says that connecting goes on.
	ErrInProgress error = unix.EINPROGRESS
	// ErrNotSocket says that a descriptor is not that of a socket.
	ErrNotSocket error = unix.ENOTSOCK
	// ErrBadDescriptor says that there is no such socket, and ErrBadFile that there is
	// no such file: on Unix the same.
	ErrBadDescriptor error = unix.EBADF
	ErrBadFile       error = unix.EBADF
	// ErrAddrInUse says that the address is in use already.
	ErrAddrInUse error = unix.EADDRINUSE
	// ErrAddrNotAvailable says that the address is not one of this host.
	ErrAddrNotAvailable error = unix.EADDRNOTAVAIL
	// ErrAccess says that the process may not do that.
	ErrAccess error = unix.EACCES
	// ErrRefused says that no socket listens at the address.
	ErrRefused error = unix.ECONNREFUSED
	// ErrReset says that the peer has reset the connection.
	ErrReset error = unix.ECONNRESET
	// ErrAborted says that a connection has ended before it was accepted.
	ErrAborted error = unix.ECONNABORTED
	// ErrPipe says that nothing more can be sent on a connection.
	ErrPipe error = unix.EPIPE
	// ErrTimedOut says that the peer does not answer.
	ErrTimedOut error = unix.ETIMEDOUT
	// ErrHostUnreachable says that there is no way to the peer.
	ErrHostUnreachable error = unix.EHOSTUNREACH
	// ErrNetUnreachable says that there is no way to the peer's network.
	ErrNetUnreachable error = unix.ENETUNREACH
	// ErrNotConnected says that a socket has no peer.
	ErrNotConnected error = unix.ENOTCONN
	// ErrIsConnected says that a socket has a peer already.
	ErrIsConnected error = unix.EISCONN
	// ErrTooManyFiles says that the process has no descriptor left.
	ErrTooManyFiles error = unix.EMFILE
	// ErrNoBuffers says that the system has no memory left for sockets.
	ErrNoBuffers error = unix.ENOBUFS
	// ErrTooLong says that a message is longer than what the system sends.
	ErrTooLong error = unix.EMSGSIZE
	// ErrInvalid says that an argument is wrong, or that the socket is in no state for
	// the call.
	ErrInvalid error = unix.EINVAL
	// ErrNoOption says that the socket has no such option.
	ErrNoOption error = unix.ENOPROTOOPT
	// ErrAlready says that connecting was begun before, and goes on.
	ErrAlready error = unix.EALREADY
	// ErrFamily says that the address is of a kind that the socket has nothing to do with.
	ErrFamily error = unix.EAFNOSUPPORT
	// ErrNoDestination says that a message has no destination.
	ErrNoDestination error = unix.EDESTADDRREQ
	// ErrOpNotSupported says that the socket is of no kind for the call.
	ErrOpNotSupported error = unix.EOPNOTSUPP
)
