package evproxy

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"net"
	"net/netip"
	"strings"
)

// Version 2 of the protocol (section 2.2): a signature, the version with the command, the
// family with the kind of socket, and the length of what follows: addresses and TLVs.
const (
	signature = "\r\n\r\n\x00\r\nQUIT\n"

	fixedSize = 16
	maxSize   = fixedSize + math.MaxUint16

	versionLocal = 0x20
	versionProxy = 0x21

	familyNone = 0x0
	family4    = 0x1
	family6    = 0x2
	familyUnix = 0x3

	kindNone     = 0x0
	kindStream   = 0x1
	kindDatagram = 0x2

	unixSize = 108 // of the path of a Unix socket, filled up with zeros
)

// binarySize is size for version 2.
func binarySize(p []byte) (int, error) {
	if n := min(len(p), len(signature)); string(p[:n]) != signature[:n] {
		return 0, invalid("no signature")
	}
	if len(p) > 12 && p[12] != versionLocal && p[12] != versionProxy {
		return 0, invalid("version and command %#02x", p[12])
	}
	if len(p) > 13 && p[12] == versionProxy && (p[13]>>4 > familyUnix || p[13]&15 > kindDatagram) {
		return 0, invalid("family %#02x", p[13])
	}
	if len(p) < fixedSize {
		return 0, nil
	}
	return fixedSize + int(binary.BigEndian.Uint16(p[14:])), nil
}

// parseBinary parses a whole header.
func parseBinary(p []byte) (*Header, error) {
	h := &Header{Version: 2}
	if p[12] == versionLocal {
		h.Local = true // whatever follows
		return h, nil
	}
	rest, err := h.parseAddrs(p[13], p[fixedSize:])
	if err != nil {
		return nil, err
	}
	if p[13]>>4 == familyNone {
		return h, nil // what follows may be addresses of any length, and TLVs
	}
	if err := h.parseTLVs(p, rest); err != nil {
		return nil, err
	}
	return h, nil
}

// parseAddrs parses the addresses at the beginning of p, and returns what follows.
func (h *Header) parseAddrs(family byte, p []byte) (rest []byte, err error) {
	n := [...]int{familyNone: 0, family4: 2*4 + 4, family6: 2*16 + 4, familyUnix: 2 * unixSize}[family>>4]
	if len(p) < n {
		return nil, invalid("%d bytes of addresses, of %d", len(p), n)
	}
	p, rest = p[:n], p[n:]
	kind := family & 15
	if kind == kindNone || n == 0 {
		return rest, nil // the addresses are not to be used
	}
	if family>>4 == familyUnix {
		network := "unix"
		if kind == kindDatagram {
			network = "unixgram"
		}
		h.Source = &net.UnixAddr{Net: network, Name: unixName(p[:unixSize])}
		h.Destination = &net.UnixAddr{Net: network, Name: unixName(p[unixSize:])}
		return rest, nil
	}
	size := (n - 4) / 2
	h.Source = inetAddr(kind, p[:size], p[n-4:])
	h.Destination = inetAddr(kind, p[size:n-4], p[n-2:])
	return rest, nil
}

func inetAddr(kind byte, ip, port []byte) net.Addr {
	addr, _ := netip.AddrFromSlice(ip) // 4 or 16 bytes
	ap := netip.AddrPortFrom(addr, binary.BigEndian.Uint16(port))
	if kind == kindDatagram {
		return net.UDPAddrFromAddrPort(ap)
	}
	return net.TCPAddrFromAddrPort(ap)
}

// unixName returns the name of a Unix socket, as package net has it: a path ends with the
// first zero, and one that is abstract begins with it.
func unixName(p []byte) string {
	if p[0] != 0 {
		path, _, _ := bytes.Cut(p, []byte{0})
		return string(path)
	}
	if name := bytes.TrimRight(p, "\x00"); len(name) > 0 {
		return "@" + string(name[1:])
	}
	return ""
}

// appendBinary appends a header of version 2.
func (h *Header) appendBinary(p []byte) ([]byte, error) {
	start := len(p)
	p = append(p, signature...)
	if h.Local {
		return append(p, versionLocal, 0, 0, 0), nil
	}
	p = append(p, versionProxy)
	p, err := appendAddrs(p, h.Source, h.Destination)
	if err != nil {
		return p[:start], err
	}
	if h.Source == nil && (len(h.TLVs) > 0 || h.Checksum) {
		return p[:start], invalid("TLVs without addresses")
	}
	sum := len(p) + tlvHead
	if h.Checksum {
		p = appendTLV(p, TypeCRC32C, make([]byte, 4))
	}
	for _, tlv := range h.TLVs {
		if err := tlv.check(); err != nil {
			return p[:start], err
		}
		p = appendTLV(p, tlv.Type, tlv.Value)
	}
	n := len(p) - start - fixedSize
	if n > math.MaxUint16 {
		return p[:start], ErrTooLong
	}
	binary.BigEndian.PutUint16(p[start+14:], uint16(n))
	if h.Checksum {
		binary.BigEndian.PutUint32(p[sum:], crc32.Checksum(p[start:], castagnoli))
	}
	return p, nil
}

// appendAddrs appends the family, room for the length, and the addresses.
func appendAddrs(p []byte, source, destination net.Addr) ([]byte, error) {
	if source == nil && destination == nil {
		return append(p, familyNone, 0, 0), nil
	}
	if source == nil || destination == nil {
		return p, invalid("one address of two")
	}
	if source.Network() != destination.Network() {
		return p, invalid("addresses of %s and %s", source.Network(), destination.Network())
	}
	kind := byte(kindStream)
	switch source.Network() {
	case "udp", "unixgram":
		kind = kindDatagram
	case "tcp", "unix":
	default:
		return p, invalid("addresses of %s", source.Network())
	}
	if from, ok := source.(*net.UnixAddr); ok {
		p = append(p, familyUnix<<4|kind, 0, 0)
		return appendUnix(p, from, destination)
	}
	from, to, is4, ok := sameFamily(source, destination)
	if !ok {
		return p, invalid("addresses %v and %v", source, destination)
	}
	if is4 {
		p = append(p, family4<<4|kind, 0, 0)
	} else {
		p = append(p, family6<<4|kind, 0, 0)
	}
	p = append(p, from.Addr().AsSlice()...)
	p = append(p, to.Addr().AsSlice()...)
	p = binary.BigEndian.AppendUint16(p, from.Port())
	return binary.BigEndian.AppendUint16(p, to.Port()), nil
}

func appendUnix(p []byte, addrs ...net.Addr) ([]byte, error) {
	for _, a := range addrs {
		unix, ok := a.(*net.UnixAddr)
		if !ok {
			return p, invalid("address %v", a)
		}
		name := unix.Name
		if strings.HasPrefix(name, "@") {
			name = "\x00" + name[1:]
		}
		if len(name) > unixSize {
			return p, invalid("the name of a Unix socket has %d bytes", len(name))
		}
		if name == unix.Name && strings.Contains(name, "\x00") {
			return p, invalid("the path %q", name)
		}
		p = append(p, name...)
		p = append(p, make([]byte, unixSize-len(name))...)
	}
	return p, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
