package ascii

// A Class is a set of bytes that a grammar tells apart. Classes are combined
// with |.
type Class uint32 // not uint16: testing 16-bit constants stalls the decoders of x86

// The classes.
const (
	Alpha        Class = 1 << iota // letters
	Digit                          // 0-9
	Hex                            // 0-9, A-F, a-f
	Unreserved                     // of a URI, what never needs an escape (RFC 3986, section 2.3)
	SchemeByte                     // what a scheme has after its first letter (RFC 3986, section 3.1)
	UserinfoByte                   // of userinfo (section 3.2.1)
	HostByte                       // of a registered name (section 3.2.2)
	PathByte                       // of a path (section 3.3)
	QueryByte                      // of a query or a fragment (sections 3.4 and 3.5)
	TokenByte                      // tchar (RFC 9110, section 5.6.2)
	ValueByte                      // of a field value, inner spaces and tabs included (RFC 9110, section 5.5)
	TargetByte                     // visible bytes, except "#": a request target has no fragment
)

// The parts of a URI that have bytes in common; escapes are not among them.
const (
	anyDelims = UserinfoByte | HostByte | PathByte | QueryByte
	anyPart   = Unreserved | anyDelims
)

var classes = makeClasses()

func makeClasses() (t [256]Class) {
	add := func(class Class, bytes string) {
		for i := range len(bytes) {
			t[bytes[i]] |= class
		}
	}
	for c := byte('a'); c <= 'z'; c++ {
		letter := string([]byte{c, c &^ 0x20})
		add(Alpha|SchemeByte|TokenByte|anyPart, letter)
	}
	add(Digit|Hex|SchemeByte|TokenByte|anyPart, "0123456789")
	add(Hex, "abcdefABCDEF")
	add(anyPart, "-._~")
	add(anyDelims, "!$&'()*+,;=")
	add(UserinfoByte|PathByte|QueryByte, ":")
	add(PathByte|QueryByte, "@/")
	add(QueryByte, "?")
	add(SchemeByte, "+-.")
	add(TokenByte, "!#$%&'*+-.^_`|~")
	for c := range t {
		if c >= ' ' && c != 0x7f || c == '\t' {
			t[c] |= ValueByte
		}
		if c > ' ' && c != 0x7f && c != '#' {
			t[c] |= TargetByte
		}
	}
	return t
}

// Text is what the functions of this package read.
type Text interface{ ~string | ~[]byte }

// Is reports whether c is in one of the classes.
func Is(c byte, class Class) bool { return classes[c]&class != 0 }

// All reports whether each byte of s is in one of the classes.
func All[T Text](s T, class Class) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

// IsToken reports whether s is a token, as methods and field names are
// (RFC 9110, section 5.6.2).
func IsToken[T Text](s T) bool { return len(s) > 0 && All(s, TokenByte) }

// Lower returns c, a capital letter as a small one.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// AppendLower appends s to dst, with capital letters as small ones.
func AppendLower[T Text](dst []byte, s T) []byte {
	for i := range len(s) {
		dst = append(dst, Lower(s[i]))
	}
	return dst
}

// EqualFold reports whether a and b are equal, ASCII letters compared
// case-insensitively.
func EqualFold[A, B Text](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && Lower(a[i]) != Lower(b[i]) {
			return false
		}
	}
	return true
}
