package sysio

import "syscall"

// A Mode says how a new socket is to be. The zero Mode is non-blocking and
// close-on-exec, from the start where the system can do that, and otherwise
// before the process can fork.
type Mode struct {
	Blocking    bool
	Inheritable bool // by the programs that this one starts
}

// Socket makes a stream socket.
func Socket(family int, mode Mode) (int, error) {
	return retrySocket(OpSocket, InvalidSocket, func(s System) (int, error) {
		if s != nil {
			return s.Socket(family, syscall.SOCK_STREAM, mode)
		}
		return socket(family, syscall.SOCK_STREAM, mode)
	})
}

// DatagramSocket is Socket for messages.
func DatagramSocket(family int, mode Mode) (int, error) {
	return retrySocket(OpSocket, InvalidSocket, func(s System) (int, error) {
		if s != nil {
			return s.Socket(family, syscall.SOCK_DGRAM, mode)
		}
		return socket(family, syscall.SOCK_DGRAM, mode)
	})
}

// Bind gives a socket its address. The error is ErrAddrInUse if another has it.
func Bind(fd int, sa Sockaddr) error {
	return retryError(OpBind, fd, func(s System) error {
		if s != nil {
			return s.Bind(fd, sa)
		}
		return bind(fd, sa)
	})
}

// Listen makes a socket listen. A negative backlog is the longest that the
// system has.
func Listen(fd, backlog int) error {
	if backlog < 0 {
		backlog = maxBacklog
	}
	return retryError(OpListen, fd, func(s System) error {
		if s != nil {
			return s.Listen(fd, backlog)
		}
		return listen(fd, backlog)
	})
}

// Listening reports whether a socket listens. macOS and older OpenBSD do not tell, so
// that a socket which is not connected is taken for one that does there; if it does
// not, Accept fails.
func Listening(fd int) (bool, error) {
	n, err := Option(fd, syscall.SOL_SOCKET, soAcceptConn)
	if err == ErrNoOption {
		_, err := Peername(fd)
		return err != nil, nil
	}
	return n != 0, err
}

// Connect begins to connect a socket. It is not made again if it was
// interrupted, for then it goes on by itself.
func Connect(fd int, sa Sockaddr) error {
	if m := current.Load(); m != nil {
		if _, err := m.ask(OpConnect, fd, 0); err != nil {
			return err
		}
		if m.system != nil {
			return m.system.Connect(fd, sa)
		}
	}
	return connect(fd, sa)
}

// StartConnect begins to connect a non-blocking socket. It reports whether that
// is done already; if not, the socket becomes writable when it is, or when it
// has failed.
func StartConnect(fd int, sa Sockaddr) (done bool, err error) {
	err = Connect(fd, sa)
	if err == ErrInterrupted || err == ErrInProgress {
		return false, nil
	}
	return err == nil, err
}

// Sockname returns the address of a socket.
func Sockname(fd int) (Sockaddr, error) {
	return retry(OpSockname, fd, 0, func(s System, _ int) (Sockaddr, error) {
		if s != nil {
			return s.Sockname(fd)
		}
		return sockname(fd)
	})
}

// Peername returns the address that a socket is connected to.
func Peername(fd int) (Sockaddr, error) {
	return retry(OpPeername, fd, 0, func(s System, _ int) (Sockaddr, error) {
		if s != nil {
			return s.Peername(fd)
		}
		return peername(fd)
	})
}

// IsSocket reports whether a descriptor is that of a socket.
func IsSocket(fd int) bool {
	_, err := Option(fd, syscall.SOL_SOCKET, soType)
	return err != ErrNotSocket
}

// ShutdownWrite ends the stream that a socket sends.
func ShutdownWrite(fd int) error {
	return retryError(OpShutdown, fd, func(s System) error {
		if s != nil {
			return s.ShutdownWrite(fd)
		}
		return shutdownWrite(fd)
	})
}

// CloseSocket closes a socket, or on Unix any descriptor.
func CloseSocket(fd int) error {
	return once(OpClose, fd, func(s System) error {
		if s != nil {
			return s.CloseSocket(fd)
		}
		return closeSocket(fd)
	})
}

// Duplicate returns another descriptor for what fd is one for, which is not
// inherited by programs that the process starts, and not one of the standard ones.
// On Windows it fails: it would have to know what kind of handle this is, and
// which port its operations complete to.
func Duplicate(fd int) (int, error) {
	return retrySocket(OpDuplicate, fd, func(s System) (int, error) {
		if s != nil {
			return s.Duplicate(fd)
		}
		return duplicate(fd)
	})
}

// PutNull makes fd a descriptor of the null device, in place of what it is one for,
// so that its number is not free in between. On Windows it fails.
func PutNull(fd int) error {
	return retryError(OpPutNull, fd, func(s System) error {
		if s != nil {
			return s.PutNull(fd)
		}
		return putNull(fd)
	})
}
