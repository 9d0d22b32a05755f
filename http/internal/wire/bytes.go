package wire

import "encoding/binary"

// Classes of bytes.
const (
	tokenByte  = 1 << iota // tchar of RFC 9110
	valueByte              // of a field value, inner spaces and tabs included
	targetByte             // of a request target
	hostByte               // of a registered name (RFC 3986), without "%"
	digitByte
	hexByte
)

var classes = makeClasses()

func makeClasses() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		letter := 'a' <= b|0x20 && b|0x20 <= 'z'
		digit := '0' <= b && b <= '9'
		if digit {
			t[c] |= digitByte
		}
		if digit || 'a' <= b|0x20 && b|0x20 <= 'f' {
			t[c] |= hexByte
		}
		if letter || digit || contains("!#$%&'*+-.^_`|~", b) {
			t[c] |= tokenByte
		}
		if b >= ' ' && b != 0x7f || b == '\t' {
			t[c] |= valueByte
		}
		// A fragment is no part of a target. All else that is visible is for
		// others to judge, as not even browsers agree on what to escape.
		if b > ' ' && b != 0x7f && b != '#' {
			t[c] |= targetByte
		}
		if letter || digit || contains("-._~!$&'()*+,;=", b) {
			t[c] |= hostByte
		}
	}
	return t
}

func contains(set string, b byte) bool {
	for i := range len(set) {
		if set[i] == b {
			return true
		}
	}
	return false
}

// text is what names, values and the like may be given as.
type text interface{ ~string | ~[]byte }

// all reports whether all bytes of s are of a class.
func all[T text](s T, class uint8) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

// ValidToken reports whether s is a token, as methods and field names are.
func ValidToken(s string) bool { return s != "" && all(s, tokenByte) }

// ValidValue reports whether s can be a field value: it has no control
// characters but tabs, and neither begins nor ends with space.
func ValidValue(s string) bool {
	return all(s, valueByte) && (s == "" || !isSpace(s[0]) && !isSpace(s[len(s)-1]))
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// validBytes is all(b, valueByte), for eight bytes at a time.
func validBytes(b []byte) bool {
	if len(b) < 8 {
		return all(b, valueByte)
	}
	found := controls(binary.LittleEndian.Uint64(b[len(b)-8:]), 0x20)
	for rest := b; len(rest) > 8; rest = rest[8:] {
		found |= controls(binary.LittleEndian.Uint64(rest), 0x20)
	}
	// Tabs are found, too.
	return found == 0 || all(b, valueByte)
}

// validTarget is all(b, targetByte), for eight bytes at a time.
func validTarget(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		if controls(x, 0x21)|zeros(x^ones*'#') != 0 {
			return false
		}
	}
	return all(b, targetByte)
}

const (
	ones  = 0x0101010101010101
	highs = ones << 7
)

// controls is not 0 if one of eight bytes is DEL or less than limit, which must
// not be more than 128.
func controls(x uint64, limit uint64) uint64 {
	return (x-ones*limit)&^x&highs | zeros(x^ones*0x7f)
}

// zeros is not 0 if one of eight bytes is.
func zeros(x uint64) uint64 { return (x - ones) &^ x & highs }

// trim removes space and tabs at both ends of b[from:to].
func trim(b []byte, from, to int) (int, int) {
	for from < to && isSpace(b[from]) {
		from++
	}
	for from < to && isSpace(b[to-1]) {
		to--
	}
	return from, to
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// equalFold reports whether a and b are the same but for the case of ASCII
// letters.
func equalFold[A, B text](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}
