package sysio

import "golang.org/x/sys/windows"

// ErrTooLong says that a message is longer than what the system sends.
var ErrTooLong error = windows.WSAEMSGSIZE

func setBuffer(fd, option, n int) error {
	return windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, option, n)
}

// HideRefusals keeps a socket that is not connected from failing because of
// peers that do not listen. Where Windows does not know the request, receiving
// fails now and then, and goes on with the next call.
func HideRefusals(fd int) {
	const sioUDPConnReset = 0x9800000c
	var off [4]byte
	var returned uint32
	// Refusals are an error of the next call then, which is one that may be.
	_ = windows.WSAIoctl(windows.Handle(fd), sioUDPConnReset, &off[0], uint32(len(off)), nil, 0, &returned, nil, 0)
}
