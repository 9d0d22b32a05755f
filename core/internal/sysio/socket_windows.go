package sysio

import (
	"errors"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Options of all sockets, which x/sys does not have.
const (
	soType       = 0x1008
	soError      = 0x1007
	soAcceptConn = 0x2
)

const maxBacklog = windows.SOMAXCONN

// StartWinsock makes Winsock usable, which it must be before anything else is
// done with sockets. Package net does the same for itself; Windows counts the
// calls.
var StartWinsock = sync.OnceValue(func() error {
	const version2_2 = 0x202
	var data windows.WSAData
	return windows.WSAStartup(version2_2, &data)
})

func socket(family, kind int, mode Mode) (int, error) {
	if err := StartWinsock(); err != nil {
		return InvalidSocket, err
	}
	flags := uint32(windows.WSA_FLAG_OVERLAPPED)
	if !mode.Inheritable {
		flags |= windows.WSA_FLAG_NO_HANDLE_INHERIT
	}
	s, err := windows.WSASocket(int32(family), int32(kind), 0, nil, 0, flags)
	if err != nil {
		return InvalidSocket, err
	}
	if err := setBlocking(s, mode.Blocking); err != nil {
		_ = windows.Closesocket(s) // the error that counts is the first
		return InvalidSocket, err
	}
	return int(s), nil
}

func setBlocking(s windows.Handle, on bool) error {
	const fionbio = 0x8004667e
	arg := [4]byte{1} // a little-endian u_long
	if on {
		arg[0] = 0
	}
	var returned uint32
	return windows.WSAIoctl(s, fionbio, &arg[0], uint32(len(arg)), nil, 0, &returned, nil, 0)
}

func bind(fd int, sa Sockaddr) error    { return windows.Bind(windows.Handle(fd), sa) }
func listen(fd, backlog int) error      { return windows.Listen(windows.Handle(fd), backlog) }
func connect(fd int, sa Sockaddr) error { return windows.Connect(windows.Handle(fd), sa) }
func sockname(fd int) (Sockaddr, error) { return windows.Getsockname(windows.Handle(fd)) }
func peername(fd int) (Sockaddr, error) { return windows.Getpeername(windows.Handle(fd)) }
func shutdownWrite(fd int) error        { return windows.Shutdown(windows.Handle(fd), windows.SHUT_WR) }
func closeSocket(fd int) error          { return windows.Closesocket(windows.Handle(fd)) }
func setNonblock(fd int) error          { return setBlocking(windows.Handle(fd), false) }

func getOption(fd, level, option int) (int, error) {
	return windows.GetsockoptInt(windows.Handle(fd), level, option)
}

func setOption(fd, level, option, value int) error {
	return windows.SetsockoptInt(windows.Handle(fd), level, option, value)
}

func setNoDelay(fd int) error { return setOption(fd, windows.IPPROTO_TCP, windows.TCP_NODELAY, 1) }

func setCloseOnExec(fd int) error {
	return windows.SetHandleInformation(windows.Handle(fd), windows.HANDLE_FLAG_INHERIT, 0)
}

func nonblocking(int) (bool, error) { return false, errors.ErrUnsupported }

func duplicate(int) (int, error) { return InvalidSocket, errors.ErrUnsupported }
func putNull(int) error          { return errors.ErrUnsupported }

// SetKeepAliveMillis sets the times of TCP keep-alive in milliseconds, for Windows
// before version 1709, which has no options for them. The error is ErrNoOption in
// another system, which has.
func SetKeepAliveMillis(fd int, idle, interval uint32) error {
	return retryError(OpSetOption, fd, func(s System) error {
		if s != nil {
			return ErrNoOption
		}
		values := windows.TCPKeepalive{OnOff: 1, Time: idle, Interval: interval}
		var returned uint32
		// The call reads values, which has no pointers, before it returns.
		in := (*byte)(unsafe.Pointer(&values))
		return windows.WSAIoctl(windows.Handle(fd), windows.SIO_KEEPALIVE_VALS,
			in, uint32(unsafe.Sizeof(values)), nil, 0, &returned, nil, 0)
	})
}

// HideRefusals keeps a socket that is not connected from failing because of
// peers that do not listen. Where Windows does not know the request, receiving
// fails now and then, and goes on with the next call.
func HideRefusals(fd int) {
	const sioUDPConnReset = 0x9800000c
	// Refusals are an error of the next call then, which is one that may be.
	_ = retryError(OpSetOption, fd, func(s System) error {
		if s != nil {
			return nil // which has no refusals to hide
		}
		var off [4]byte
		var returned uint32
		return windows.WSAIoctl(windows.Handle(fd), sioUDPConnReset, &off[0], uint32(len(off)), nil, 0, &returned, nil, 0)
	})
}
