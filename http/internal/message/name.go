package message

import "github.com/go-libevent/libevent/http/internal/ascii"

// A Name is the name of a field that is looked up in every message, so that finding it
// needs no comparing of text.
type Name uint8

// The names. All others are Other.
const (
	Other Name = iota
	Connection
	ContentLength
	ContentType
	Date
	Expect
	Host
	KeepAlive
	Server
	TE
	Trailer
	TransferEncoding
	Upgrade
)

var names = [...]string{
	Other:            "",
	Connection:       "Connection",
	ContentLength:    "Content-Length",
	ContentType:      "Content-Type",
	Date:             "Date",
	Expect:           "Expect",
	Host:             "Host",
	KeepAlive:        "Keep-Alive",
	Server:           "Server",
	TE:               "TE",
	Trailer:          "Trailer",
	TransferEncoding: "Transfer-Encoding",
	Upgrade:          "Upgrade",
}

// String returns the name as it is usually written.
func (n Name) String() string { return names[n] }

// NameOf returns the name that s is, case-insensitively, or Other.
func NameOf[T ascii.Text](s T) Name {
	switch len(s) {
	case 2:
		return either(s, TE, TE)
	case 4:
		return either(s, Host, Date)
	case 6:
		return either(s, Expect, Server)
	case 7:
		return either(s, Upgrade, Trailer)
	case 10:
		return either(s, Connection, KeepAlive)
	case 12:
		return either(s, ContentType, ContentType)
	case 14:
		return either(s, ContentLength, ContentLength)
	case 17:
		return either(s, TransferEncoding, TransferEncoding)
	}
	return Other
}

// either returns which of two names of its length s is, if it is one. Most are
// spelled as usual.
func either[T ascii.Text](s T, a, b Name) Name {
	switch {
	case string(s) == names[a]:
		return a
	case string(s) == names[b]:
		return b
	case ascii.EqualFold(s, names[a]):
		return a
	case ascii.EqualFold(s, names[b]):
		return b
	}
	return Other
}

// AllowedInTrailer reports whether a field of this name may be in a trailer:
// fields that frame, route or delay messages may not (RFC 9110, section 6.5.1).
func AllowedInTrailer(name string) bool { return !NameOf(name).HeadOnly() }

// HeadOnly reports whether a field of this name may be in the head alone, and not in a
// trailer.
func (n Name) HeadOnly() bool {
	switch n {
	case Connection, ContentLength, Expect, Host, KeepAlive, TE, Trailer, TransferEncoding, Upgrade:
		return true
	}
	return false
}
