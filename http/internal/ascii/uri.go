package ascii

// IsEscape reports whether s has an escape such as %2F at i.
func IsEscape[T Text](s T, i int) bool {
	return s[i] == '%' && i+2 < len(s) && Is(s[i+1], Hex) && Is(s[i+2], Hex)
}

// HexValue returns the value of a hexadecimal digit.
func HexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// Span returns the length of the longest front of s that consists of bytes of
// the classes and of escapes.
func Span[T Text](s T, class Class) int {
	i := 0
	for i < len(s) {
		switch {
		case Is(s[i], class):
			i++
		case IsEscape(s, i):
			i += 3
		default:
			return i
		}
	}
	return i
}

// IsScheme reports whether s is the scheme of a URI (RFC 3986, section 3.1).
func IsScheme[T Text](s T) bool {
	return len(s) > 0 && Is(s[0], Alpha) && All(s, SchemeByte)
}

// IsIPv6 reports whether s is an IPv6 address without a zone (RFC 3986, section
// 3.2.2): eight groups of up to four digits, of which "::" may leave out one or
// more, and the last two may be written as an IPv4 address.
func IsIPv6[T Text](s T) bool {
	groups, gap := 0, false
	if len(s) >= 2 && s[0] == ':' && s[1] == ':' {
		gap, s = true, s[2:]
	}
	for len(s) > 0 {
		n := 0
		for n < len(s) && Is(s[n], Hex) {
			n++
		}
		if n < len(s) && s[n] == '.' {
			groups += 2
			return isIPv4(s) && (groups == 8 && !gap || groups < 8 && gap)
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

func isIPv4[T Text](s T) bool {
	for part := range 4 {
		n, value := 0, 0
		for n < len(s) && Is(s[n], Digit) && n < 4 {
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
