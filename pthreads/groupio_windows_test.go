package pthreads_test

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

func readSocket(fd int, p []byte) (int, error) {
	var n, flags uint32
	buf := wsaBuf(p)
	err := windows.WSARecv(windows.Handle(fd), &buf, 1, &n, &flags, nil, nil)
	return int(n), err
}

func writeSocket(fd int, p []byte) (int, error) {
	var n uint32
	buf := wsaBuf(p)
	err := windows.WSASend(windows.Handle(fd), &buf, 1, &n, 0, nil, nil)
	return int(n), err
}

// wsaBuf points at p, which must stay alive as long as the result.
func wsaBuf(p []byte) windows.WSABuf {
	return windows.WSABuf{Len: uint32(len(p)), Buf: unsafe.SliceData(p)}
}
