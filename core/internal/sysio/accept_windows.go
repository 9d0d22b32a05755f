package sysio

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Winsock's plain accept, which x/sys does not have.
var procAccept = windows.NewLazySystemDLL("ws2_32.dll").NewProc("accept")

// accept gives the socket its mode afterwards; that it does not block it has
// from the listener.
//
// Winsock writes to sa and size before the call returns, which keeps them
// alive.
func accept(listener int, mode Mode) (int, netip.AddrPort, error) {
	var sa windows.RawSockaddrAny
	size := int32(unsafe.Sizeof(sa))
	r, _, errno := syscall.SyscallN(procAccept.Addr(), uintptr(listener),
		uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
	s := windows.Handle(r)
	if s == windows.InvalidHandle {
		return InvalidSocket, netip.AddrPort{}, errno
	}
	if err := setMode(s, mode); err != nil {
		windows.Closesocket(s)
		return InvalidSocket, netip.AddrPort{}, err
	}
	return int(s), rawPeer(&sa), nil
}

func setMode(s windows.Handle, mode Mode) error {
	if mode.Blocking {
		if err := setBlocking(s, true); err != nil {
			return err
		}
	}
	inherit := uint32(0)
	if mode.Inheritable {
		inherit = windows.HANDLE_FLAG_INHERIT
	}
	return windows.SetHandleInformation(s, windows.HANDLE_FLAG_INHERIT, inherit)
}

// rawPeer converts an address of whatever family.
func rawPeer(sa *windows.RawSockaddrAny) netip.AddrPort {
	switch sa.Addr.Family {
	case windows.AF_INET:
		sa := (*windows.RawSockaddrInet4)(unsafe.Pointer(sa))
		return inet4(sa.Addr, binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:]))
	case windows.AF_INET6:
		sa := (*windows.RawSockaddrInet6)(unsafe.Pointer(sa))
		return inet6(sa.Addr, binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:]), sa.Scope_id)
	default:
		return netip.AddrPort{}
	}
}
