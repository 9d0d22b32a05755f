package dnswire

import "time"

// Lengths that the protocol sets, in bytes.
const (
	// HeaderLen is the length of the header (RFC 1035, section 4.1.1).
	HeaderLen = 12
	// MaxName is the longest name on the wire (RFC 1035, section 2.3.4).
	MaxName = 255
	// maxLabel is the longest label of a name (RFC 1035, section 2.3.4).
	maxLabel = 63
	// MinUDPSize is the longest message in a datagram without EDNS, and the least
	// that EDNS can announce (RFC 1035, section 2.3.4; RFC 6891, section 6.2.3).
	MinUDPSize = 512
	// EDNSUDPSize is a message length that fits into one packet in every network
	// that is in use: what IPv6 guarantees, less the headers.
	EDNSUDPSize = 1232
	// OPTLen is the length of an OPT record without options (RFC 6891, section 6.1.2).
	OPTLen = 11
	// MaxRcode is the highest response code of EDNS (RFC 6891, section 6.1.3).
	MaxRcode = 0xfff
)

const (
	// MaxTTL is the longest time that an answer is cached.
	MaxTTL = 7 * 24 * time.Hour
	// maxAliases is how many CNAME records a Reader follows from one name.
	maxAliases = 64
	// keptRecords is up to how many records a Reader keeps the memory for.
	keptRecords = 256
)
