//go:build (linux && !386 && !s390x) || freebsd || dragonfly

package sysio

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// accept does not enter the system call through the runtime, because the listener
// is non-blocking. An address longer than that of IPv6, which is of no interest, is cut
// off by the kernel.
func accept(listener int, mode Mode) (int, netip.AddrPort, error) {
	var sa unix.RawSockaddrInet6
	size := uint32(unsafe.Sizeof(sa))
	r, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener),
		uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)), uintptr(mode.flags()), 0, 0)
	if errno != 0 {
		return InvalidSocket, netip.AddrPort{}, errno
	}
	if size == 0 { // some kernels return what has gone before it was there
		unix.Close(int(r))
		return InvalidSocket, netip.AddrPort{}, unix.ECONNABORTED
	}
	return int(r), rawPeer(&sa), nil
}

// rawPeer converts an address of whatever family.
func rawPeer(sa *unix.RawSockaddrInet6) netip.AddrPort {
	switch sa.Family {
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa)) // which is shorter
		return inet4(sa.Addr, binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:]))
	case unix.AF_INET6:
		return inet6(sa.Addr, binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:]), sa.Scope_id)
	default:
		return netip.AddrPort{}
	}
}
