package sysio

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// CanTellLocal says whether sockets can tell which address messages came to,
// and be told which to send from.
const CanTellLocal = true

// TellLocal makes a datagram socket tell to which local address each message
// was sent.
func TellLocal(fd int) error {
	family, err := Option(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return err
	}
	if family == unix.AF_INET6 {
		return SetOption(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	return SetOption(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
}

// A control has room for either kind of packet information, and is aligned as
// the kernel wants it.
type control [6]uint64

func (c *control) bytes(n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(c)), len(c)*8)[:n]
}

// getLocal finds the local address in the control messages of a datagram.
func (z *zones) getLocal(rest []byte) netip.Addr {
	for len(rest) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(unsafe.SliceData(rest)))
		size := int(h.Len)
		if size < unix.CmsgLen(0) || size > len(rest) {
			break
		}
		data := rest[unix.CmsgLen(0):size]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			return known(netip.AddrFrom4([4]byte(data[4:8]))) // ipi_spec_dst: what an answer should come from
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			addr := known(netip.AddrFrom16([16]byte(data)))
			if addr.IsLinkLocalUnicast() {
				addr = addr.WithZone(z.zone(binary.NativeEndian.Uint32(data[16:])))
			}
			return addr
		}
		rest = rest[min(unix.CmsgSpace(len(data)), len(rest)):]
	}
	return netip.Addr{}
}

// known returns addr if it is one that messages can be sent from.
func known(addr netip.Addr) netip.Addr {
	if plain := addr.Unmap(); plain.IsUnspecified() || plain.IsMulticast() {
		return netip.Addr{}
	}
	return addr
}

// putLocal makes c say that a datagram shall leave from addr, and returns the
// size of what it has put there, which is 0 for no address.
func (z *zones) putLocal(c *control, addr netip.Addr) (size int, err error) {
	h := (*unix.Cmsghdr)(unsafe.Pointer(c))
	switch {
	case addr.Is4():
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		size = unix.SizeofInet4Pktinfo
		data := c.bytes(unix.CmsgLen(size))[unix.CmsgLen(0):]
		clear(data) // any interface
		*(*[4]byte)(data[4:]) = addr.As4()
	case addr.Is6():
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
		size = unix.SizeofInet6Pktinfo
		data := c.bytes(unix.CmsgLen(size))[unix.CmsgLen(0):]
		*(*[16]byte)(data) = addr.As16()
		scope := uint32(0) // any interface
		if zone := addr.Zone(); zone != "" {
			scope, err = z.scope(zone)
		}
		binary.NativeEndian.PutUint32(data[16:], scope)
	default:
		return 0, nil
	}
	h.SetLen(unix.CmsgLen(size))
	return unix.CmsgSpace(size), err
}
