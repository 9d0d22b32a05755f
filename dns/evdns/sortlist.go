package evdns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// sortlist is the list of networks of resolv.conf, whose addresses come first in answers,
// those of the first network before those of the next.
type sortlist []sortNetwork

// A sortNetwork is an IPv4 network. Its mask need not be that of a prefix.
type sortNetwork struct{ addr, mask uint32 }

// parseSortNetwork parses a network: an address, with a mask after a / or &, or else
// with the mask of its class.
func parseSortNetwork(s string) (n sortNetwork, err error) {
	addr, mask := s, ""
	if i := strings.IndexAny(s, "/&"); i >= 0 {
		addr, mask = s[:i], s[i+1:]
	}
	if n.addr, err = parseIPv4(addr); err != nil {
		return n, err
	}
	if addr != s {
		n.mask, err = parseIPv4(mask)
	} else {
		n.mask = classMask(n.addr)
	}
	n.addr &= n.mask
	return n, err
}

func parseIPv4(s string) (uint32, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil || !addr.Is4() {
		return 0, fmt.Errorf("%q: %w", s, ErrAddress)
	}
	return ipv4Bits(addr), nil
}

func ipv4Bits(addr netip.Addr) uint32 {
	a := addr.As4()
	return uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
}

// classMask returns the mask of an address by its class (RFC 791).
func classMask(addr uint32) uint32 {
	switch {
	case addr>>31 == 0:
		return 0xff000000
	case addr>>30 == 2:
		return 0xffff0000
	}
	return 0xffffff00
}

// arrange sorts addresses by their networks, stably.
func (l sortlist) arrange(addrs []netip.Addr) {
	if len(l) == 0 || len(addrs) < 2 {
		return
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return l.place(a) - l.place(b) })
}

// place returns the index of the network that an address is in.
func (l sortlist) place(addr netip.Addr) int {
	if !addr.Is4() {
		return len(l)
	}
	bits := ipv4Bits(addr)
	for i, n := range l {
		if bits&n.mask == n.addr {
			return i
		}
	}
	return len(l)
}
