package sysio

import "golang.org/x/sys/unix"

func socket(family, kind int, mode Mode) (int, error) {
	return prepare(mode, func() (int, error) { return unix.Socket(family, kind, 0) })
}
