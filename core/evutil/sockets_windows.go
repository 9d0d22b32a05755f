package evutil

import (
	"sync"

	"golang.org/x/sys/windows"
)

const (
	soError = 0x1007     // the option SO_ERROR
	fionbio = 0x8004667e // the ioctl that turns non-blocking mode on or off
)

func sysSetNonblock(fd int) error {
	on := [4]byte{1} // a little-endian u_long
	var returned uint32
	return windows.WSAIoctl(windows.Handle(fd), fionbio, &on[0], uint32(len(on)), nil, 0, &returned, nil, 0)
}

func sysSetCloseOnExec(fd int) error {
	return windows.SetHandleInformation(windows.Handle(fd), windows.HANDLE_FLAG_INHERIT, 0)
}

func sysClose(fd int) error {
	return windows.Closesocket(windows.Handle(fd))
}

func sysGetsockopt(fd, level, option int) (int, error) {
	return windows.GetsockoptInt(windows.Handle(fd), level, option)
}

func sysSetsockopt(fd, level, option, value int) error {
	return windows.SetsockoptInt(windows.Handle(fd), level, option, value)
}

// startWinsock must succeed before the first socket is made. Package net
// does the same for itself; Windows counts the calls.
var startWinsock = sync.OnceValue(func() error {
	const version2_2 = 0x202
	var data windows.WSAData
	return windows.WSAStartup(version2_2, &data)
})
