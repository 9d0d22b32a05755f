package evuri

import (
	"strings"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

func validUserinfo(s string) bool { return ascii.Span(s, ascii.UserinfoByte) == len(s) }

// validHost reports whether s is a name, an IPv4 address, or an address in
// brackets. A name may be empty.
func validHost(s string) bool {
	if strings.HasPrefix(s, "[") {
		return validBracketed(s)
	}
	return ascii.Span(s, ascii.HostByte) == len(s)
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
	return ascii.IsIPv6(s)
}

// validFutureAddr reports whether s is what RFC 3986 leaves to later versions of
// IP, without the v in front: a number, a dot, and something.
func validFutureAddr(s string) bool {
	version, addr, ok := strings.Cut(s, ".")
	return ok && version != "" && addr != "" && ascii.All(version, ascii.Hex) && ascii.All(addr, ascii.UserinfoByte)
}

// pathEnd, queryEnd and fragmentEnd return the length of the longest front of s
// that can be that part. Nonconformant URIs may have all bytes there but those
// that end the part and those that could end a line of a message.
func pathEnd(s string, flags Flags) int {
	if flags&Nonconformant != 0 {
		return prefixWithout(s, "?#\x00\r\n")
	}
	return ascii.Span(s, ascii.PathByte)
}

func queryEnd(s string, flags Flags) int {
	if flags&Nonconformant != 0 {
		return prefixWithout(s, "#\x00\r\n")
	}
	return ascii.Span(s, ascii.QueryByte)
}

func fragmentEnd(s string, flags Flags) int {
	if flags&Nonconformant != 0 {
		return prefixWithout(s, "\x00\r\n")
	}
	return ascii.Span(s, ascii.QueryByte)
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
