package sysio

// NewSocket makes a stream socket of an address family that is non-blocking
// and not inherited by programs that the process starts.
func NewSocket(family int) (fd int, err error) {
	if _, err := consultLen(OpSocket, -1, 0); err != nil {
		return -1, err
	}
	return newSocket(family)
}

// Connect begins to connect a non-blocking socket. It reports whether that is
// done already; if not, the socket becomes writable when it is, or when it has
// failed. An interrupted call goes on by itself.
func Connect(fd int, sa Sockaddr) (done bool, err error) {
	_, err = consultLen(OpConnect, fd, 0)
	if err == nil {
		err = connect(fd, sa)
	}
	if err == errInterrupted || isInProgress(err) {
		return false, nil
	}
	return err == nil, err
}

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
