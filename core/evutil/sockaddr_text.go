package evutil

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ParseSockaddrPort parses an IP address with an optional port in one of the
// forms
//
//	[IPv6]:port
//	[IPv6]
//	IPv6
//	IPv4:port
//	IPv4
//
// where an IPv6 address may have a scope, as in [InetPtonScope], which
// becomes the zone. The port is a decimal number from 1 to 65535, and 0 in
// the result if it is missing. It may be called from any goroutine.
//
// libevent also lets through what its C library does: spaces, signs and
// leading zeros in IPv4 addresses, garbage after ']' and after the port. All
// that is an error here (evutil_parse_sockaddr_port).
func ParseSockaddrPort(s string) (netip.AddrPort, error) {
	host, port, isIPv6, err := splitSockaddrPort(s)
	if err != nil {
		return netip.AddrPort{}, opError(fmt.Sprintf("parse address %q", s), err)
	}
	addr, err := parseHost(host, isIPv6)
	if err != nil {
		return netip.AddrPort{}, opError(fmt.Sprintf("parse address %q", s), err)
	}
	return netip.AddrPortFrom(addr, port), nil
}

// splitSockaddrPort takes an address apart without looking at the host.
func splitSockaddrPort(s string) (host string, port uint16, isIPv6 bool, err error) {
	if bracketed, ok := strings.CutPrefix(s, "["); ok {
		host, rest, ok := strings.Cut(bracketed, "]")
		if !ok {
			return "", 0, false, errNoBracket
		}
		if rest == "" {
			return host, 0, true, nil
		}
		digits, ok := strings.CutPrefix(rest, ":")
		if !ok {
			return "", 0, false, errAfterBracket
		}
		port, err = parsePort(digits)
		return host, port, true, err
	}

	host, digits, hasPort := strings.Cut(s, ":")
	if !hasPort {
		return s, 0, false, nil
	}
	if strings.Contains(digits, ":") { // a second colon
		return s, 0, true, nil
	}
	port, err = parsePort(digits)
	return host, port, false, err
}

func parsePort(digits string) (uint16, error) {
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return 0, errBadPort
	}
	return uint16(port), nil
}

func parseHost(host string, isIPv6 bool) (netip.Addr, error) {
	if isIPv6 {
		addr, _, err := parseScoped(host)
		return addr, err
	}
	addr, err := netip.ParseAddr(host)
	if err == nil && !addr.Is4() {
		return netip.Addr{}, errNotIPv4
	}
	return addr, err
}

// FormatSockaddrPort returns the text of an address and port for logs and
// messages: "192.0.2.1:80", or "[2001:db8::1]:80" without the zone, in which
// it differs from [netip.AddrPort.String], with the address as [InetNtop]
// writes it. An AddrPort without address gives "invalid AddrPort". It may be
// called from any goroutine (evutil_format_sockaddr_port_).
func FormatSockaddrPort(ap netip.AddrPort) string {
	host := InetNtop(ap.Addr())
	port := strconv.Itoa(int(ap.Port()))
	switch {
	case ap.Addr().Is4():
		return host + ":" + port
	case ap.Addr().Is6():
		return "[" + host + "]:" + port
	}
	return ap.String()
}

// InetNtop returns the text of an address without its zone. It is that of
// [netip.Addr.String], except that the low half of an IPv4-compatible address
// is written in decimal: "::192.0.2.1", where netip has "::c000:201"
// (evutil_inet_ntop).
func InetNtop(addr netip.Addr) string {
	if isIPv4Compatible(addr) {
		b := addr.As16()
		return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
	}
	return addr.WithZone("").String()
}

// isIPv4Compatible reports whether addr is 96 zero bits and an IPv4 address,
// neither half of which is zero, as it is in "::" and "::1".
func isIPv4Compatible(addr netip.Addr) bool {
	if !addr.Is6() {
		return false
	}
	b := addr.As16()
	return [12]byte(b[:12]) == [12]byte{} &&
		[2]byte(b[12:14]) != [2]byte{} && [2]byte(b[14:]) != [2]byte{}
}

// CompareSockaddr returns a negative number if a comes before b, a positive
// one if it comes after, and 0 if they are equal, for which ports count only
// if includePort is true. Zones never count. IPv4 comes before IPv6, then the
// address decides, then the port; libevent leaves the order open. An AddrPort
// without address comes first. It may be called from any goroutine
// (evutil_sockaddr_cmp).
func CompareSockaddr(a, b netip.AddrPort, includePort bool) int {
	order := a.Addr().WithZone("").Compare(b.Addr().WithZone(""))
	if order == 0 && includePort {
		return int(a.Port()) - int(b.Port())
	}
	return order
}

// InetPtonScope parses an IPv6 address that may end in a scope, such as
// "fe80::1%eth0" or "fe80::1%2", and returns the number of the scope as well,
// 0 if there is none. Unlike [netip.ParseAddr], which takes any zone, it
// insists that [ScopeID] knows it; an address with scope 0 has no zone. It
// may be called from any goroutine.
//
// What libevent accepts by accident is an error here: decimal parts with
// leading zeros, a colon at the end, an empty or negative scope
// (evutil_inet_pton_scope).
func InetPtonScope(s string) (addr netip.Addr, scope uint32, err error) {
	addr, scope, err = parseScoped(s)
	if err != nil {
		return netip.Addr{}, 0, opError(fmt.Sprintf("parse address %q", s), err)
	}
	return addr, scope, nil
}

func parseScoped(s string) (addr netip.Addr, scope uint32, err error) {
	addr, err = netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, 0, err
	}
	if !addr.Is6() {
		return netip.Addr{}, 0, errNotIPv6
	}
	scope, err = ScopeID(addr.Zone())
	if err != nil {
		return netip.Addr{}, 0, err
	}
	if scope == 0 {
		addr = addr.WithZone("")
	}
	return addr, scope, nil
}
