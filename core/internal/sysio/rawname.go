//go:build linux || windows

package sysio

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"
)

// getName converts a socket address of the system; that of neither IP becomes
// zero. size is how much of it there is.
func (z *zones) getName(name *rawInet6, size int) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	switch {
	case size >= sizeofInet4 && name.Family == syscall.AF_INET:
		return inet4((*rawInet4)(unsafe.Pointer(name)).Addr, port)
	case size >= sizeofInet6 && name.Family == syscall.AF_INET6:
		addr := netip.AddrFrom16(name.Addr)
		if name.Scope_id != 0 {
			addr = addr.WithZone(z.zone(name.Scope_id))
		}
		return netip.AddrPortFrom(addr, port)
	default:
		return netip.AddrPort{}
	}
}

// putName undoes getName and returns the size, which is 0 for no address.
func (z *zones) putName(name *rawInet6, ap netip.AddrPort) (size int, err error) {
	addr := ap.Addr()
	switch {
	case addr.Is4():
		name := (*rawInet4)(unsafe.Pointer(name)) // which is shorter
		*name = rawInet4{Family: syscall.AF_INET, Addr: addr.As4()}
		size = sizeofInet4
	case addr.Is6():
		*name = rawInet6{Family: syscall.AF_INET6, Addr: addr.As16()}
		if zone := addr.Zone(); zone != "" {
			name.Scope_id, err = z.scope(zone)
		}
		size = sizeofInet6
	default:
		return 0, nil
	}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], ap.Port())
	return size, err
}
