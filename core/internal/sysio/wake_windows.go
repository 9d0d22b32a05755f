package sysio

import (
	"os"

	"golang.org/x/sys/windows"
)

var wakeMessage = [1]byte{1}

func wakeChannel() (r, w int, err error) {
	pair, err := LoopbackPair()
	if err != nil {
		return InvalidSocket, InvalidSocket, err
	}
	if err := SetNoDelay(pair[1]); err != nil {
		closePair(pair)
		return InvalidSocket, InvalidSocket, os.NewSyscallError("setsockopt TCP_NODELAY", err)
	}
	return pair[0], pair[1], nil
}

func signal(w int) error {
	var sent uint32
	buf := windows.WSABuf{Len: uint32(len(wakeMessage)), Buf: &wakeMessage[0]}
	return windows.WSASend(windows.Handle(w), &buf, 1, &sent, 0, nil, nil)
}

func drain(r int, p []byte) (int, error) {
	var n, flags uint32
	buf := windows.WSABuf{Len: uint32(len(p)), Buf: &p[0]}
	err := windows.WSARecv(windows.Handle(r), &buf, 1, &n, &flags, nil, nil)
	return int(n), err
}
