package evutil

// ASCIIStrcasecmp compares two strings as if their ASCII letters were lower
// case, whatever the locale: -1 if a comes before b, 1 if it comes after, 0
// if they are equal. Other bytes count as they are, unsigned, where C leaves
// the signedness to the machine. It allocates nothing and may be called from
// any goroutine (evutil_ascii_strcasecmp).
func ASCIIStrcasecmp(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		ca, cb := asciiLower(a[i]), asciiLower(b[i])
		if ca < cb {
			return -1
		}
		if ca > cb {
			return 1
		}
	}
	switch {
	case len(a) < len(b):
		return -1
	case len(a) > len(b):
		return 1
	}
	return 0
}

// ASCIIStrncasecmp is like [ASCIIStrcasecmp], but ignores what comes after
// the first n bytes of each string. With an n of zero or less everything is
// equal (evutil_ascii_strncasecmp).
func ASCIIStrncasecmp(a, b string, n int) int {
	n = max(n, 0)
	return ASCIIStrcasecmp(a[:min(n, len(a))], b[:min(n, len(b))])
}

func asciiLower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
