package sysio

import "golang.org/x/sys/unix"

func socket(family int, mode Mode) (int, error) {
	return prepare(mode, func() (int, error) { return unix.Socket(family, unix.SOCK_STREAM, 0) })
}
