package sysio

// MaxVectors is the largest number of slices that one call may be given.
const MaxVectors = 64

// Recv, Send, Read and Write are what a busy program does all the time. So each
// makes its call at once if there is neither a hook nor another system, and leaves
// everything else to transfer.

// Recv receives from a socket into bufs, which it fills in order. It returns
// ErrAgain if nothing has arrived, 0 at the end of the stream, and ErrNotSocket
// if fd is something else.
func Recv(fd int, bufs [][]byte) (int, error) {
	if current.Load() == nil {
		n, err := recv(fd, bufs)
		acquire()
		if err != ErrInterrupted {
			return n, err
		}
	}
	return transfer(OpRecv, fd, bufs)
}

// Send sends bufs to a socket. It returns ErrAgain if there is no room, and
// ErrNotSocket if fd is something else.
func Send(fd int, bufs [][]byte) (int, error) {
	if current.Load() == nil {
		release()
		n, err := send(fd, bufs)
		if err != ErrInterrupted {
			return n, err
		}
	}
	return transfer(OpSend, fd, bufs)
}

// Read reads from any descriptor into bufs, which it fills in order. It returns
// 0 at the end of a file or stream.
func Read(fd int, bufs [][]byte) (int, error) {
	if current.Load() == nil {
		n, err := read(fd, bufs)
		acquire()
		if err != ErrInterrupted {
			return n, err
		}
	}
	return transfer(OpRead, fd, bufs)
}

// Write writes bufs to any descriptor.
func Write(fd int, bufs [][]byte) (int, error) {
	if current.Load() == nil {
		release()
		n, err := write(fd, bufs)
		if err != ErrInterrupted {
			return n, err
		}
	}
	return transfer(OpWrite, fd, bufs)
}

// transfer makes one of the calls that move bufs as the hook wants it.
func transfer(op Op, fd int, bufs [][]byte) (int, error) {
	total := 0
	for _, b := range bufs {
		total += len(b)
	}
	release()
	defer acquire()
	return retry(op, fd, total, func(s System, limit int) (int, error) {
		if s != nil {
			return transferOther(s, op, fd, bufs, limit)
		}
		if limit < total {
			bufs = cut(bufs, limit)
		}
		switch op {
		case OpRecv:
			return recv(fd, bufs)
		case OpSend:
			return send(fd, bufs)
		case OpRead:
			return read(fd, bufs)
		default:
			return write(fd, bufs)
		}
	})
}

// cut returns the first n bytes of bufs.
func cut(bufs [][]byte, n int) [][]byte {
	var head [][]byte
	for _, b := range bufs {
		b = b[:min(n, len(b))]
		n -= len(b)
		head = append(head, b)
		if n == 0 {
			break
		}
	}
	return head
}

// Sendfile sends n bytes, at least one, of the file src from offset to the
// socket dst, without moving the position of src. It returns 0 if the file ends
// before offset. Where CanSendfile is false it always fails.
func Sendfile(dst, src int, offset int64, n int) (int, error) {
	release()
	return retry(OpSendfile, dst, n, func(s System, limit int) (int, error) {
		if s != nil {
			return s.Sendfile(dst, src, offset, limit)
		}
		return sendfile(dst, src, offset, limit)
	})
}

// Pread reads from a file at offset, without moving its position where the
// system can do that. It returns 0 if the file ends before offset.
func Pread(fd int, p []byte, offset int64) (int, error) {
	return retry(OpPread, fd, len(p), func(s System, limit int) (int, error) {
		if s != nil {
			return preadOther(s, fd, p[:limit], offset)
		}
		return pread(fd, p[:limit], offset)
	})
}

// Size returns the length of a file.
func Size(fd int) (int64, error) {
	return retry(OpSize, fd, 0, func(s System, _ int) (int64, error) {
		if s != nil {
			return s.Size(fd)
		}
		return size(fd)
	})
}

// Close closes a file.
func Close(fd int) error {
	return once(OpClose, fd, func(s System) error {
		if s != nil {
			return s.Close(fd)
		}
		return closeFile(fd)
	})
}
