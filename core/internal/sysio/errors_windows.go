package sysio

import "golang.org/x/sys/windows"

// Errors of the system that callers tell from others with ==, and that a System
// returns.
var (
	// ErrAgain says that a call would have had to wait.
	ErrAgain error = windows.WSAEWOULDBLOCK
	// ErrInterrupted says that a call was cancelled while it was waiting.
	ErrInterrupted error = windows.WSAEINTR
	// ErrInProgress says that connecting goes on. It is ErrAgain here.
	ErrInProgress error = windows.WSAEWOULDBLOCK
	// ErrNotSocket says that a descriptor is not that of a socket.
	ErrNotSocket error = windows.WSAENOTSOCK
	// ErrBadDescriptor says that there is no such socket: ErrNotSocket here. ErrBadFile
	// says that there is no such file.
	ErrBadDescriptor error = windows.WSAENOTSOCK
	ErrBadFile       error = windows.ERROR_INVALID_HANDLE
	// ErrAddrInUse says that the address is in use already.
	ErrAddrInUse error = windows.WSAEADDRINUSE
	// ErrAddrNotAvailable says that the address is not one of this host.
	ErrAddrNotAvailable error = windows.WSAEADDRNOTAVAIL
	// ErrAccess says that the process may not do that.
	ErrAccess error = windows.WSAEACCES
	// ErrRefused says that no socket listens at the address.
	ErrRefused error = windows.WSAECONNREFUSED
	// ErrReset says that the peer has reset the connection.
	ErrReset error = windows.WSAECONNRESET
	// ErrAborted says that this host has given a connection up. That of one which has
	// ended before it was accepted is ErrReset here.
	ErrAborted error = windows.WSAECONNABORTED
	// ErrPipe says that nothing more can be sent on a connection.
	ErrPipe error = windows.WSAESHUTDOWN
	// ErrTimedOut says that the peer does not answer.
	ErrTimedOut error = windows.WSAETIMEDOUT
	// ErrHostUnreachable says that there is no way to the peer.
	ErrHostUnreachable error = windows.WSAEHOSTUNREACH
	// ErrNetUnreachable says that there is no way to the peer's network.
	ErrNetUnreachable error = windows.WSAENETUNREACH
	// ErrNotConnected says that a socket has no peer.
	ErrNotConnected error = windows.WSAENOTCONN
	// ErrIsConnected says that a socket has a peer already.
	ErrIsConnected error = windows.WSAEISCONN
	// ErrTooManyFiles says that the process has no descriptor left.
	ErrTooManyFiles error = windows.WSAEMFILE
	// ErrNoBuffers says that the system has no memory left for sockets.
	ErrNoBuffers error = windows.WSAENOBUFS
	// ErrTooLong says that a message is longer than what the system sends.
	ErrTooLong error = windows.WSAEMSGSIZE
	// ErrInvalid says that an argument is wrong, or that the socket is in no state for
	// the call.
	ErrInvalid error = windows.WSAEINVAL
	// ErrNoOption says that the socket has no such option.
	ErrNoOption error = windows.WSAENOPROTOOPT
	// ErrAlready says that connecting was begun before, and goes on.
	ErrAlready error = windows.WSAEALREADY
	// ErrFamily says that the address is of a kind that the socket has nothing to do with.
	ErrFamily error = windows.WSAEAFNOSUPPORT
	// ErrNoDestination says that a message has no destination.
	ErrNoDestination error = windows.WSAEDESTADDRREQ
	// ErrOpNotSupported says that the socket is of no kind for the call.
	ErrOpNotSupported error = windows.WSAEOPNOTSUPP
)
