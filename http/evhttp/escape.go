package evhttp

import "strings"

const upperHex = "0123456789ABCDEF"

// EncodeURI returns s with every byte escaped as in %2F that is not one of the
// unreserved ones of RFC 3986: ASCII letters and digits, "-", ".", "_" and "~".
// So the result can be a segment of a path, or a name or value in a query. It
// may be called from any goroutine (evhttp_encode_uri).
func EncodeURI(s string) string { return URIEncode(s, false) }

// URIEncode is EncodeURI, and with spaceToPlus turns spaces into "+" as HTML
// forms do (evhttp_uriencode).
func URIEncode(s string, spaceToPlus bool) string {
	for i := range len(s) {
		if !is(s[i], unreserved) {
			return string(AppendURIEncode(make([]byte, 0, len(s)+16), s, spaceToPlus))
		}
	}
	return s
}

// AppendURIEncode appends to dst what URIEncode would return.
func AppendURIEncode[T string | []byte](dst []byte, s T, spaceToPlus bool) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case is(c, unreserved):
			dst = append(dst, c)
		case c == ' ' && spaceToPlus:
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// URIDecode returns s with each escape such as %2F turned into its byte, and
// with plusToSpace each "+" into a space, as is right for what comes from a form
// and for nothing else. A "%" that two hexadecimal digits do not follow stays as
// it is. The result can have any bytes in it, zero and line ends too. It may be
// called from any goroutine (evhttp_uridecode).
func URIDecode(s string, plusToSpace bool) string {
	if strings.IndexByte(s, '%') < 0 && (!plusToSpace || strings.IndexByte(s, '+') < 0) {
		return s
	}
	return string(AppendURIDecode(make([]byte, 0, len(s)), s, plusToSpace))
}

// AppendURIDecode appends to dst what URIDecode would return.
func AppendURIDecode[T string | []byte](dst []byte, s T, plusToSpace bool) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%' && isEscape(s, i):
			dst = append(dst, hexValue(s[i+1])<<4|hexValue(s[i+2]))
			i += 2
		case c == '+' && plusToSpace:
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// DecodeURI decodes a whole URI as URIDecode does, and turns "+" into a space
// after the first "?" only. What comes out cannot be told apart into its parts
// any more.
//
// Deprecated: use [ParseURI], and URIDecode or [ParseQueryString] on its parts
// (evhttp_decode_uri).
func DecodeURI(uri string) string {
	before, after, found := strings.Cut(uri, "?")
	if !found {
		return URIDecode(uri, false)
	}
	return URIDecode(before, false) + "?" + URIDecode(after, true)
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
