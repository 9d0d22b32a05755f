package evutil

import (
	"golang.org/x/sys/windows"
)

// sysSocket returns a blocking socket that no child inherits.
func sysSocket(family, kind int) (int, error) {
	if err := startWinsock(); err != nil {
		return InvalidSocket, err
	}
	const flags = windows.WSA_FLAG_OVERLAPPED | windows.WSA_FLAG_NO_HANDLE_INHERIT
	s, err := windows.WSASocket(int32(family), int32(kind), 0, nil, 0, flags)
	return int(s), err
}

func sysBind(fd int, sa Sockaddr) error    { return windows.Bind(windows.Handle(fd), sa) }
func sysListen(fd int) error               { return windows.Listen(windows.Handle(fd), 1) }
func sysConnect(fd int, sa Sockaddr) error { return windows.Connect(windows.Handle(fd), sa) }

func sysGetsockname(fd int) (Sockaddr, error) { return windows.Getsockname(windows.Handle(fd)) }
func sysGetpeername(fd int) (Sockaddr, error) { return windows.Getpeername(windows.Handle(fd)) }

var procAccept = windows.NewLazySystemDLL("ws2_32.dll").NewProc("accept")

// sysAccept waits for a connection and returns it, not to be inherited. It
// is Winsock's plain accept, which package windows does not have.
func sysAccept(listener int) (int, error) {
	r, _, err := procAccept.Call(uintptr(listener), 0, 0)
	if windows.Handle(r) == windows.InvalidHandle {
		return InvalidSocket, err
	}
	if err := sysSetCloseOnExec(int(r)); err != nil {
		windows.Closesocket(windows.Handle(r))
		return InvalidSocket, err
	}
	return int(r), nil
}
