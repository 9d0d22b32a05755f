//go:build unix && !darwin

package sysio

import "golang.org/x/sys/unix"

func socketpair(family, kind, proto int) ([2]int, error) {
	return unix.Socketpair(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
}
