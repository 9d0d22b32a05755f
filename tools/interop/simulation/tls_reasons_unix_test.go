//go:build unix

package simulation_test

import (
	"errors"
	"syscall"
)

func isTimedOut(err error) bool { return errors.Is(err, syscall.ETIMEDOUT) }

func isUnreachable(err error) bool { return errors.Is(err, syscall.EHOSTUNREACH) }

func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENOBUFS)
}
