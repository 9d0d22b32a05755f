package sysio

import "syscall"

// Option returns an integer option of a socket.
func Option(fd, level, option int) (int, error) {
	return retry(OpOption, fd, 0, func(s System, _ int) (int, error) {
		if s != nil {
			return s.Option(fd, level, option)
		}
		return getOption(fd, level, option)
	})
}

// SetOption sets an integer option of a socket.
func SetOption(fd, level, option, value int) error {
	return retryError(OpSetOption, fd, func(s System) error {
		if s != nil {
			return s.SetOption(fd, level, option, value)
		}
		return setOption(fd, level, option, value)
	})
}

// PendingError returns the error that is pending on a socket, or nil, and clears
// it. err says that the socket cannot be asked.
func PendingError(fd int) (pending, err error) {
	n, err := Option(fd, syscall.SOL_SOCKET, soError)
	if n != 0 {
		pending = syscall.Errno(n)
	}
	return pending, err
}

// SetNoDelay makes a TCP socket send small packets at once. Other sockets fail.
func SetNoDelay(fd int) error {
	return retryError(OpSetOption, fd, func(s System) error {
		if s != nil {
			return s.SetNoDelay(fd)
		}
		return setNoDelay(fd)
	})
}

// SetReceiveBuffer asks for a buffer of n bytes for what has arrived at a socket
// and was not received yet.
func SetReceiveBuffer(fd, n int) error {
	return SetOption(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, n)
}

// SetSendBuffer asks for a buffer of n bytes for what was sent by a socket and
// is not on its way yet.
func SetSendBuffer(fd, n int) error {
	return SetOption(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, n)
}

// Nonblocking reports whether a descriptor is non-blocking. Windows does not tell: the
// error wraps [errors.ErrUnsupported].
func Nonblocking(fd int) (bool, error) {
	return retry(OpNonblocking, fd, 0, func(s System, _ int) (bool, error) {
		if s != nil {
			return s.Nonblocking(fd)
		}
		return nonblocking(fd)
	})
}

// SetNonblock makes a descriptor non-blocking; on Windows that of a socket.
func SetNonblock(fd int) error {
	return retryError(OpSetNonblock, fd, func(s System) error {
		if s != nil {
			return s.SetNonblock(fd)
		}
		return setNonblock(fd)
	})
}

// SetCloseOnExec keeps a descriptor from being inherited by programs that the
// process starts.
func SetCloseOnExec(fd int) error {
	return retryError(OpSetCloseOnExec, fd, func(s System) error {
		if s != nil {
			return s.SetCloseOnExec(fd)
		}
		return setCloseOnExec(fd)
	})
}
