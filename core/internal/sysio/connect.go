package sysio

import "github.com/go-libevent/libevent/core/evutil"

// StartConnect begins to connect a non-blocking socket. It reports whether that
// is done already; if not, the socket becomes writable when it is, or when it
// has failed.
func StartConnect(fd int, sa evutil.Sockaddr) (done bool, err error) {
	err = Connect(fd, sa)
	if err == errInterrupted || err == errInProgress {
		return false, nil
	}
	return err == nil, err
}

// IsSocket reports whether a descriptor is that of a socket.
func IsSocket(fd int) bool {
	_, err := socketType(fd)
	return err != ErrNotSocket
}

// Peername returns the address that a socket is connected to.
func Peername(fd int) (evutil.Sockaddr, error) { return peername(fd) }

// SetNoDelay makes a TCP socket send small packets at once. Other sockets fail.
func SetNoDelay(fd int) error { return setNoDelay(fd) }

// ShutdownWrite ends the stream that a socket sends.
func ShutdownWrite(fd int) error {
	if _, err := consultLen(OpShutdown, fd, 0); err != nil {
		return err
	}
	return shutdownWrite(fd)
}

// CloseSocket closes a socket, or on Unix any descriptor.
func CloseSocket(fd int) error {
	if _, err := consultLen(OpClose, fd, 0); err != nil {
		return err
	}
	return closeSocket(fd)
}
