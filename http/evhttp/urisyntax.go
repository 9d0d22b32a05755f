package evhttp

import (
	"net/netip"
	"strings"
)

// A uriClass is a set of the bytes that RFC 3986 tells apart.
type uriClass uint8

const (
	alpha      uriClass = 1 << iota
	digit               // 0-9
	hexDigit            // 0-9, A-F, a-f
	unreserved          // what never needs an escape
	subDelim            // delimiters within a part
	schemeByte          // what a scheme has after its first letter
)

var uriClasses = func() (t [256]uriClass) {
	add := func(bytes string, class uriClass) {
		for i := range len(bytes) {
			t[bytes[i]] |= class
		}
	}
	for c := 'a'; c <= 'z'; c++ {
		add(string(c)+strings.ToUpper(string(c)), alpha|unreserved|schemeByte)
	}
	add("0123456789", digit|hexDigit|unreserved|schemeByte)
	add("abcdefABCDEF", hexDigit)
	add("-._~", unreserved)
	add("!$&'()*+,;=", subDelim)
	add("+-.", schemeByte)
	return t
}()

// is reports whether c is of one of the classes.
func is(c byte, class uriClass) bool { return uriClasses[c]&class != 0 }

// isEscape reports whether s has an escape such as %2F at i.
func isEscape[T string | []byte](s T, i int) bool {
	return s[i] == '%' && i+2 < len(s) && is(s[i+1], hexDigit) && is(s[i+2], hexDigit)
}

// hexValue returns the value of a hexadecimal digit.
func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// span returns the length of the longest front of s that has only escapes, bytes
// that never need one, delimiters, and what others has.
func span(s, others string) int {
	i := 0
	for i < len(s) {
		switch {
		case is(s[i], unreserved|subDelim), strings.IndexByte(others, s[i]) >= 0:
			i++
		case isEscape(s, i):
			i += 3
		default:
			return i
		}
	}
	return i
}

func validScheme(s string) bool {
	if s == "" || !is(s[0], alpha) {
		return false
	}
	for i := range len(s) {
		if !is(s[i], schemeByte) {
			return false
		}
	}
	return true
}

func validUserinfo(s string) bool { return span(s, ":") == len(s) }

// validHost reports whether s is a name, an IPv4 address, or an address in
// brackets. A name may be empty.
func validHost(s string) bool {
	if strings.HasPrefix(s, "[") {
		return validBracketed(s)
	}
	return span(s, "") == len(s)
}

// validBracketed reports whether s is an IPv6 address, or one of a version to
// come, in brackets.
func validBracketed(s string) bool {
	if len(s) < 3 || s[len(s)-1] != ']' {
		return false
	}
	s = s[1 : len(s)-1]
	if s[0] == 'v' || s[0] == 'V' {
		return validFutureAddr(s[1:])
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6() && addr.Zone() == ""
}

// validFutureAddr reports whether s is what RFC 3986 leaves to later versions of
// IP, without the v in front: a number, a dot, and something.
func validFutureAddr(s string) bool {
	version, addr, ok := strings.Cut(s, ".")
	if !ok || version == "" || addr == "" {
		return false
	}
	for i := range len(version) {
		if !is(version[i], hexDigit) {
			return false
		}
	}
	return strings.IndexByte(addr, '%') < 0 && span(addr, ":") == len(addr)
}

// pathEnd, queryEnd and fragmentEnd return the length of the longest front of s
// that can be that part. Nonconformant URIs may have all bytes there but those
// that end the part and those that could end a line of a message.
func pathEnd(s string, flags URIFlags) int {
	if flags&URINonconformant != 0 {
		return prefixWithout(s, "?#\x00\r\n")
	}
	return span(s, ":@/")
}

func queryEnd(s string, flags URIFlags) int {
	if flags&URINonconformant != 0 {
		return prefixWithout(s, "#\x00\r\n")
	}
	return span(s, ":@/?")
}

func fragmentEnd(s string, flags URIFlags) int {
	if flags&URINonconformant != 0 {
		return prefixWithout(s, "\x00\r\n")
	}
	return span(s, ":@/?")
}

func prefixWithout(s, bytes string) int {
	if i := strings.IndexAny(s, bytes); i >= 0 {
		return i
	}
	return len(s)
}

// validUnixSocket reports whether s can be the path of a socket in a URI, where
// a colon ends it.
func validUnixSocket(s string) bool {
	return s != "" && prefixWithout(s, ":\x00\r\n") == len(s)
}

// firstSegmentHasColon reports whether a path without a scheme and an authority
// before it would be taken for something that has a scheme.
func firstSegmentHasColon(path string) bool {
	i := strings.IndexAny(path, ":/")
	return i >= 0 && path[i] == ':'
}
