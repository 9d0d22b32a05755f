package evutil

import (
	"syscall"

	"golang.org/x/sys/windows"
)

func rwRetriable(e syscall.Errno) bool {
	return e == windows.WSAEWOULDBLOCK || e == windows.WSAEINTR
}

// connectRetriable includes WSAEINVAL, which is what a second connect on a
// socket that is still connecting returns.
func connectRetriable(e syscall.Errno) bool {
	return rwRetriable(e) || e == windows.WSAEINPROGRESS || e == windows.WSAEINVAL
}

func connectRefused(e syscall.Errno) bool {
	return e == windows.WSAECONNREFUSED
}

// disconnected knows the numbers that package syscall has invented, too.
func disconnected(e syscall.Errno) bool {
	switch e {
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, syscall.ENOTCONN, syscall.ETIMEDOUT,
		windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAENETRESET, windows.WSAENOTCONN,
		windows.WSAESHUTDOWN, windows.WSAETIMEDOUT, windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAENETDOWN:
		return true
	}
	return false
}

// acceptRetriable includes WSAECONNRESET, which is what becomes of a
// connection that its peer gave up before it was accepted.
func acceptRetriable(e syscall.Errno) bool {
	return rwRetriable(e) || e == windows.WSAECONNRESET
}
