package sysio

import "golang.org/x/sys/windows"

// Sockaddr is the system's form of a socket address.
type Sockaddr = windows.Sockaddr

const fionbio = 0x8004667e // the ioctl that turns non-blocking mode on or off

func newSocket(family int) (int, error) {
	const flags = windows.WSA_FLAG_OVERLAPPED | windows.WSA_FLAG_NO_HANDLE_INHERIT
	s, err := windows.WSASocket(int32(family), windows.SOCK_STREAM, 0, nil, 0, flags)
	if err != nil {
		return -1, err
	}
	on := [4]byte{1} // a little-endian u_long
	var returned uint32
	err = windows.WSAIoctl(s, fionbio, &on[0], uint32(len(on)), nil, 0, &returned, nil, 0)
	if err != nil {
		windows.Closesocket(s)
		return -1, err
	}
	return int(s), nil
}

func connect(fd int, sa Sockaddr) error { return windows.Connect(windows.Handle(fd), sa) }

func isInProgress(err error) bool { return err == windows.WSAEWOULDBLOCK }

func shutdownWrite(fd int) error { return windows.Shutdown(windows.Handle(fd), windows.SHUT_WR) }

func closeSocket(fd int) error { return windows.Closesocket(windows.Handle(fd)) }

// UnixSockaddr returns the address of a Unix socket.
func UnixSockaddr(name string) Sockaddr { return &windows.SockaddrUnix{Name: name} }
