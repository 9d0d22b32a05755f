//go:build darwin || (solaris && !illumos)

package sysio

import (
	"net/netip"
	"syscall"
)

func accept(listener int, mode Mode) (fd int, peer netip.AddrPort, err error) {
	fd, err = prepare(mode, func() (int, error) {
		fd, sa, err := syscall.Accept(listener)
		peer = syscallPeer(sa)
		return fd, err
	})
	return fd, peer, err
}
