// Package sysio makes the system calls that move data, those of buffers and of
// whatever reads and writes for them, and the calls that set up sockets.
//
// Recv and Send are for sockets. They do not wait for one, even if it is in
// blocking mode, and so need not tell the Go scheduler. The exceptions are the
// systems whose calls go through the C library, macOS, OpenBSD and Solaris:
// there a socket must be in non-blocking mode. Read, Write and the rest take any
// descriptor and may block the thread. RecvMessages and SendMessages move many
// messages at a time where the system can, and are otherwise like Recv and Send.
// Socket, Accept and what goes with them are for sockets in non-blocking mode. What was interrupted is tried again, so
// that EINTR never comes back. Errors are those of the system, bare; callers
// name the operation.
//
// A [Hook] sees each call first. Tests use it to count calls, to cut them short
// and to make them fail.
package sysio

// MaxVectors is the largest number of slices that one call may be given.
const MaxVectors = 64

// Recv receives from a socket into bufs, which it fills in order. It returns
// ErrAgain if nothing has arrived, 0 at the end of the stream, and ErrNotSocket
// if fd is something else.
func Recv(fd int, bufs [][]byte) (int, error) {
	for {
		cut, err := consult(OpRecv, fd, bufs)
		n := 0
		if err == nil {
			n, err = recv(fd, cut)
			acquire()
		}
		if err != errInterrupted {
			return n, err
		}
	}
}

// Send sends bufs to a socket. It returns ErrAgain if there is no room, and
// ErrNotSocket if fd is something else.
func Send(fd int, bufs [][]byte) (int, error) {
	for {
		cut, err := consult(OpSend, fd, bufs)
		n := 0
		if err == nil {
			release()
			n, err = send(fd, cut)
		}
		if err != errInterrupted {
			return n, err
		}
	}
}

// Read reads from any descriptor into bufs, which it fills in order. It returns
// 0 at the end of a file or stream.
func Read(fd int, bufs [][]byte) (int, error) {
	for {
		cut, err := consult(OpRead, fd, bufs)
		n := 0
		if err == nil {
			n, err = read(fd, cut)
			acquire()
		}
		if err != errInterrupted {
			return n, err
		}
	}
}

// Write writes bufs to any descriptor.
func Write(fd int, bufs [][]byte) (int, error) {
	for {
		cut, err := consult(OpWrite, fd, bufs)
		n := 0
		if err == nil {
			release()
			n, err = write(fd, cut)
		}
		if err != errInterrupted {
			return n, err
		}
	}
}

// Sendfile sends n bytes, at least one, of the file src from offset to the
// socket dst, without moving the position of src. It returns 0 if the file ends
// before offset. Where CanSendfile is false it always fails.
func Sendfile(dst, src int, offset int64, n int) (int, error) {
	for {
		limit, err := consultLen(OpSendfile, dst, n)
		sent := 0
		if err == nil {
			release()
			sent, err = sendfile(dst, src, offset, limit)
		}
		if err != errInterrupted {
			return sent, err
		}
	}
}

// Pread reads from a file at offset, without moving its position where the
// system can do that. It returns 0 if the file ends before offset.
func Pread(fd int, p []byte, offset int64) (int, error) {
	for {
		limit, err := consultLen(OpPread, fd, len(p))
		n := 0
		if err == nil {
			n, err = pread(fd, p[:limit], offset)
		}
		if err != errInterrupted {
			return n, err
		}
	}
}

// Size returns the length of a file.
func Size(fd int) (int64, error) {
	if _, err := consultLen(OpSize, fd, 0); err != nil {
		return 0, err
	}
	return size(fd)
}

// Close closes a file.
func Close(fd int) error {
	if _, err := consultLen(OpClose, fd, 0); err != nil {
		return err
	}
	return closeFile(fd)
}
