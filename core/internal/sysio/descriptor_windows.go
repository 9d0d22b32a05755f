package sysio

import "golang.org/x/sys/windows"

// CannotSendfile reports whether err says that Sendfile cannot serve this pair
// of descriptors at all. Here it cannot serve any.
func CannotSendfile(error) bool { return true }

func recv(fd int, bufs [][]byte) (int, error) {
	var vecs [MaxVectors]windows.WSABuf
	var n, flags uint32
	err := windows.WSARecv(windows.Handle(fd), &vecs[0], fill(&vecs, bufs), &n, &flags, nil, nil)
	return int(n), socketError(err)
}

func send(fd int, bufs [][]byte) (int, error) {
	var vecs [MaxVectors]windows.WSABuf
	var n uint32
	err := windows.WSASend(windows.Handle(fd), &vecs[0], fill(&vecs, bufs), &n, 0, nil, nil)
	return int(n), socketError(err)
}

// socketError translates what Wine says of other handles than sockets.
func socketError(err error) error {
	if err == windows.WSAEOPNOTSUPP {
		return ErrNotSocket
	}
	return err
}

// fill makes vecs describe bufs and returns their number. Windows counts bytes
// in 32 bits; what does not fit is left for another call.
func fill(vecs *[MaxVectors]windows.WSABuf, bufs [][]byte) uint32 {
	const most = 1 << 30
	for i, b := range bufs {
		vecs[i] = windows.WSABuf{Buf: &b[0], Len: uint32(min(len(b), most))}
		if len(b) > most {
			return uint32(i + 1)
		}
	}
	return uint32(len(bufs))
}

// read fills the first slice only: files have no other call. The end of a pipe
// is that of a file.
func read(fd int, bufs [][]byte) (int, error) {
	var n uint32
	err := windows.ReadFile(windows.Handle(fd), bufs[0], &n, nil)
	if err == windows.ERROR_BROKEN_PIPE || err == windows.ERROR_HANDLE_EOF {
		err = nil
	}
	return int(n), err
}

func write(fd int, bufs [][]byte) (int, error) {
	var n uint32
	err := windows.WriteFile(windows.Handle(fd), bufs[0], &n, nil)
	return int(n), err
}
