package evuri

import (
	"strings"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

const upperHex = "0123456789ABCDEF"

// Encode returns s with every byte escaped as in %2F that is not one of the
// unreserved ones of RFC 3986: ASCII letters and digits, "-", ".", "_" and "~".
// So the result can be a segment of a path, or a name or value in a query. It
// may be called from any goroutine (evhttp_encode_uri).
func Encode(s string) string { return encode(s, false) }

// EncodePlus is Encode, but turns spaces into "+", as HTML forms do
// (evhttp_uriencode).
func EncodePlus(s string) string { return encode(s, true) }

func encode(s string, spaceToPlus bool) string {
	if ascii.All(s, ascii.Unreserved) {
		return s
	}
	return string(AppendEncode(make([]byte, 0, len(s)+16), s, spaceToPlus))
}

// AppendEncode appends to dst what Encode or, with spaceToPlus, EncodePlus would
// return.
func AppendEncode[T string | []byte](dst []byte, s T, spaceToPlus bool) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case ascii.Is(c, ascii.Unreserved):
			dst = append(dst, c)
		case c == ' ' && spaceToPlus:
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// Decode returns s with each escape such as %2F turned into its byte. A "%" that
// two hexadecimal digits do not follow stays as it is. The result can have any
// bytes in it, zero and line ends too. It may be called from any goroutine
// (evhttp_uridecode).
func Decode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return string(AppendDecode(make([]byte, 0, len(s)), s, false))
}

// DecodePlus is Decode, but turns each "+" into a space, as is right for what
// comes from a form and for nothing else (evhttp_uridecode).
func DecodePlus(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	return string(AppendDecode(make([]byte, 0, len(s)), s, true))
}

// AppendDecode appends to dst what Decode or, with plusToSpace, DecodePlus would
// return.
func AppendDecode[T string | []byte](dst []byte, s T, plusToSpace bool) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%' && ascii.IsEscape(s, i):
			dst = append(dst, ascii.HexValue(s[i+1])<<4|ascii.HexValue(s[i+2]))
			i += 2
		case c == '+' && plusToSpace:
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// DecodeURI decodes a whole URI as Decode does, and turns "+" into a space after
// the first "?" only. The parts of the result cannot be told apart any more.
//
// Deprecated: use [Parse], and Decode or [ParseQuery] on the parts
// (evhttp_decode_uri).
func DecodeURI(uri string) string {
	before, after, found := strings.Cut(uri, "?")
	if !found {
		return Decode(uri)
	}
	return Decode(before) + "?" + DecodePlus(after)
}

// HTMLEscape returns s with the five characters that mean something in HTML,
// <, >, ", ' and &, replaced by entities, so that it is text between tags or
// within the quotes of an attribute. It may be called from any goroutine
// (evhttp_htmlescape).
func HTMLEscape(s string) string {
	if strings.IndexAny(s, `<>"'&`) < 0 {
		return s
	}
	return string(AppendHTMLEscape(make([]byte, 0, len(s)+16), s))
}

// AppendHTMLEscape appends to dst what HTMLEscape would return.
func AppendHTMLEscape[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		case '\'':
			dst = append(dst, "&#039;"...)
		case '&':
			dst = append(dst, "&amp;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
