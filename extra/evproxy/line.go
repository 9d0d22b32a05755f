package evproxy

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Version 1 of the protocol (section 2.1): a line of text.
const (
	line    = "PROXY "
	maxLine = 107 // with CR and LF
)

// lineSize is size for version 1.
func lineSize(p []byte) (int, error) {
	if n := min(len(p), len(line)); string(p[:n]) != line[:n] {
		return 0, invalid("no signature")
	}
	head := p[:min(len(p), maxLine)]
	i := bytes.IndexAny(head, "\r\n")
	switch {
	case i < 0 || i == len(head)-1 && head[i] == '\r':
		if len(head) == maxLine {
			return 0, invalid("no end of the line within %d bytes", maxLine)
		}
		return 0, nil
	case head[i] != '\r' || head[i+1] != '\n':
		return 0, invalid("the line does not end with CR and LF")
	}
	return i + 2, nil
}

// parseLine parses a line without its end.
func parseLine(s string) (*Header, error) {
	h := &Header{Version: 1}
	fields := strings.Split(s[len(line):], " ")
	if fields[0] == "UNKNOWN" {
		return h, nil // whatever follows
	}
	is4 := fields[0] == "TCP4"
	if !is4 && fields[0] != "TCP6" {
		return nil, invalid("protocol %q", fields[0])
	}
	if len(fields) != 5 {
		return nil, invalid("%d fields", len(fields))
	}
	var err error
	if h.Source, err = parseAddr(fields[1], fields[3], is4); err != nil {
		return nil, err
	}
	if h.Destination, err = parseAddr(fields[2], fields[4], is4); err != nil {
		return nil, err
	}
	return h, nil
}

func parseAddr(host, port string, is4 bool) (net.Addr, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() != is4 || addr.Zone() != "" {
		return nil, invalid("address %q", host)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port {
		return nil, invalid("port %q", port)
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, uint16(n))), nil
}

// appendLine appends a header of version 1. What that cannot say is unknown.
func (h *Header) appendLine(p []byte) ([]byte, error) {
	if len(h.TLVs) > 0 || h.Checksum {
		return p, invalid("version 1 has addresses only")
	}
	if (h.Source == nil) != (h.Destination == nil) {
		return p, invalid("one address of two")
	}
	p = append(p, line...)
	from, ok := h.Source.(*net.TCPAddr)
	to, ok2 := h.Destination.(*net.TCPAddr)
	if h.Local || !ok || !ok2 {
		return append(p, "UNKNOWN\r\n"...), nil
	}
	source, destination, is4, ok := sameFamily(from, to)
	if !ok {
		return p, invalid("addresses %v and %v", from, to)
	}
	if is4 {
		p = append(p, "TCP4 "...)
	} else {
		p = append(p, "TCP6 "...)
	}
	p = append(source.Addr().AppendTo(p), ' ')
	p = append(destination.Addr().AppendTo(p), ' ')
	p = append(strconv.AppendUint(p, uint64(source.Port()), 10), ' ')
	return append(strconv.AppendUint(p, uint64(destination.Port()), 10), "\r\n"...), nil
}

// sameFamily returns two addresses, without zones, as ones of IPv4 if both are, or else of
// IPv6.
func sameFamily(a, b net.Addr) (from, to netip.AddrPort, is4, ok bool) {
	from, ok = addrPort(a)
	to, ok2 := addrPort(b)
	if !ok || !ok2 {
		return from, to, false, false
	}
	x, y := from.Addr().Unmap(), to.Addr().Unmap()
	is4 = x.Is4() && y.Is4()
	if !is4 {
		x, y = netip.AddrFrom16(x.As16()), netip.AddrFrom16(y.As16())
	}
	return netip.AddrPortFrom(x, from.Port()), netip.AddrPortFrom(y, to.Port()), is4, true
}
