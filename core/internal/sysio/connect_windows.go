package sysio

import (
	"errors"

	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/windows"
)

var errInProgress error = windows.WSAEWOULDBLOCK

const soType = 0x1008 // the option SO_TYPE

func socketType(fd int) (int, error) {
	return windows.GetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, soType)
}

func peername(fd int) (evutil.Sockaddr, error) { return windows.Getpeername(windows.Handle(fd)) }
func shutdownWrite(fd int) error               { return windows.Shutdown(windows.Handle(fd), windows.SHUT_WR) }
func setNoDelay(fd int) error                  { return evutil.SetTCPNoDelay(fd, true) }
func closeSocket(fd int) error                 { return windows.Closesocket(windows.Handle(fd)) }

// Duplicate would have to know what kind of handle this is, and whom it
// completes to.
func Duplicate(int) (int, error) { return -1, errors.ErrUnsupported }
