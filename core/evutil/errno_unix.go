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

func acceptRetriable(e syscall.Errno) bool {
	return rwRetriable(e) || e == syscall.ECONNABORTED
}
