package simulation_test

import (
	"errors"
	"syscall"
)

// Numbers of errors of Windows' sockets.
const (
	wsaeMFile       syscall.Errno = 10024
	wsaeNoBufs      syscall.Errno = 10055
	wsaeTimedOut    syscall.Errno = 10060
	wsaeHostUnreach syscall.Errno = 10065
)

func isTimedOut(err error) bool {
	return errors.Is(err, wsaeTimedOut) || errors.Is(err, syscall.ETIMEDOUT)
}

func isUnreachable(err error) bool { return errors.Is(err, wsaeHostUnreach) }

func isExhausted(err error) bool {
	return errors.Is(err, wsaeMFile) || errors.Is(err, wsaeNoBufs)
}
