//go:build unix

package evutil

import "syscall"

func rwRetriable(e syscall.Errno) bool {
	return e == syscall.EINTR || e == syscall.EAGAIN
}

func connectRetriable(e syscall.Errno) bool {
	return e == syscall.EINTR || e == syscall.EINPROGRESS
}

func connectRefused(e syscall.Errno) bool {
	return e == syscall.ECONNREFUSED
}

func disconnected(e syscall.Errno) bool {
	switch e {
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, syscall.ENOTCONN,
		syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN:
		return true
	}
	return false
}

func acceptRetriable(e syscall.Errno) bool {
	return rwRetriable(e) || e == syscall.ECONNABORTED
}
