//go:build (linux && (386 || s390x)) || netbsd || openbsd || illumos

package sysio

import (
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/evutil"
)

// accept leaves it to package syscall, which has accept4 where x/sys lacks it
// and where old kernels have it only as a part of another call.
func accept(listener int, mode Mode) (int, netip.AddrPort, error) {
	fd, sa, err := syscall.Accept4(listener, mode.flags())
	if err != nil {
		return evutil.InvalidSocket, netip.AddrPort{}, err
	}
	return fd, syscallPeer(sa), nil
}
