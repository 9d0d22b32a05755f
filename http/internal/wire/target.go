package wire

import "bytes"

// A TargetForm is one of the four forms of a request target (RFC 9112, section
// 3.2).
type TargetForm uint8

const (
	OriginForm    TargetForm = iota // "/path?query"
	AbsoluteForm                    // "http://host/path?query", as proxies get it
	AuthorityForm                   // "host:port", for CONNECT
	AsteriskForm                    // "*", for OPTIONS
)

// parseTarget finds out the form of the target and takes it apart.
func (h *RequestHead) parseTarget(buf []byte) error {
	target := buf[h.target.from:h.target.to]
	if string(buf[h.method.from:h.method.to]) == "CONNECT" {
		if !validAuthority(target, true) {
			return ErrTarget
		}
		h.Form, h.authority = AuthorityForm, h.target
		return nil
	}
	if target[0] == '/' {
		h.Form, h.path = OriginForm, h.target
		return nil
	}
	if string(target) == "*" && string(buf[h.method.from:h.method.to]) == "OPTIONS" {
		h.Form = AsteriskForm
		return nil
	}
	from, to, ok := authorityOf(target)
	if !ok || !validAuthority(target[from:to], false) {
		return ErrTarget
	}
	h.Form = AbsoluteForm
	h.authority = span{h.target.from + uint32(from), h.target.from + uint32(to)}
	h.path = span{h.authority.to, h.target.to}
	return nil
}

// authorityOf finds the authority in a URI with one.
func authorityOf(uri []byte) (from, to int, ok bool) {
	colon := bytes.IndexByte(uri, ':')
	if colon <= 0 || !validScheme(uri[:colon]) || len(uri) < colon+3 || string(uri[colon:colon+3]) != "://" {
		return 0, 0, false
	}
	from = colon + 3
	to = from
	for to < len(uri) && uri[to] != '/' && uri[to] != '?' {
		to++
	}
	return from, to, true
}

func validScheme(s []byte) bool {
	for i, c := range s {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || classes[c]&digitByte == 0 && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// validAuthority reports whether s is a host that is not empty, perhaps with a
// port. A user's name and password are not allowed (RFC 9110, section 4.2.4).
func validAuthority(s []byte, needPort bool) bool {
	host, port, colon := s, []byte(nil), false
	// The colons of an IPv6 address are within brackets.
	if i := bytes.LastIndexByte(s, ':'); i > bytes.LastIndexByte(s, ']') {
		host, port, colon = s[:i], s[i+1:], true
	}
	if needPort && (!colon || len(port) == 0) {
		return false
	}
	return validPort(port, needPort) && validHost(host)
}

// validPort reports whether s is a port number, or nothing, which stands for
// that of the scheme. One to connect to cannot be 0.
func validPort(s []byte, connect bool) bool {
	n := 0
	for _, c := range s {
		if classes[c]&digitByte == 0 {
			return false
		}
		if n = n*10 + int(c-'0'); n > 0xffff {
			return false
		}
	}
	return n > 0 || !connect
}

func validHost(s []byte) bool {
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		return validIPv6(s[1 : len(s)-1])
	}
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&hostByte != 0 {
			continue
		}
		if s[i] != '%' || len(s)-i < 3 || !all(s[i+1:i+3], hexByte) {
			return false
		}
		i += 2
	}
	return len(s) > 0
}

// validIPv6 reports whether s is an IPv6 address: eight groups of up to four
// digits, of which "::" may leave out one or more, and the last two may be
// written as an IPv4 address.
func validIPv6(s []byte) bool {
	groups, gap := 0, false
	if len(s) >= 2 && s[0] == ':' && s[1] == ':' {
		gap, s = true, s[2:]
	}
	for len(s) > 0 {
		n := 0
		for n < len(s) && classes[s[n]]&hexByte != 0 {
			n++
		}
		if n < len(s) && s[n] == '.' {
			groups += 2
			return validIPv4(s) && (groups == 8 && !gap || groups < 8 && gap)
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		s = s[n:]
		if len(s) == 0 {
			break
		}
		if s[0] != ':' || len(s) == 1 {
			return false
		}
		s = s[1:]
		if s[0] == ':' {
			if gap {
				return false
			}
			gap, s = true, s[1:]
		}
	}
	return groups == 8 && !gap || groups < 8 && gap
}

func validIPv4(s []byte) bool {
	for part := range 4 {
		n, value := 0, 0
		for n < len(s) && classes[s[n]]&digitByte != 0 && n < 4 {
			value = value*10 + int(s[n]-'0')
			n++
		}
		if n == 0 || value > 255 || n > 1 && s[0] == '0' {
			return false
		}
		s = s[n:]
		if part < 3 {
			if len(s) == 0 || s[0] != '.' {
				return false
			}
			s = s[1:]
		}
	}
	return len(s) == 0
}
