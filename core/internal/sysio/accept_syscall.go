//go:build (linux && (386 || s390x)) || netbsd || openbsd || illumos

package sysio

import (
	"net/netip"
	"syscall"
)

// accept leaves it to package syscall, which has accept4 where x/sys lacks it
// and where old kernels have it only as a part of another call.
func accept(listener int, mode Mode) (int, netip.AddrPort, error) {
	fd, sa, err := syscall.Accept4(listener, mode.flags())
	if err != nil {
		return InvalidSocket, netip.AddrPort{}, err
	}
	return fd, syscallPeer(sa), nil
}
