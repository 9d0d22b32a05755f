package dnswire

import (
	"bytes"
	"encoding/binary"

	"github.com/miekg/dns"
)

// Bits of a header's second word (RFC 1035, section 4.1.1; RFC 4035, section 3).
const (
	BitQR = 1 << 15 // the message is an answer
	BitAA = 1 << 10 // by an authority
	BitTC = 1 << 9  // truncated
	BitRD = 1 << 8  // recursion desired
	BitRA = 1 << 7  // recursion available
	BitAD = 1 << 5  // authenticated data
	BitCD = 1 << 4  // checking disabled

	MaskOpcode = 0xf << 11
	MaskRcode  = 0xf
)

// A Header is the first 12 bytes of a message.
type Header struct {
	ID, Bits  uint16
	Questions uint16
	// Answers, Authority and Extra are the numbers of records that the sections
	// are said to have.
	Answers, Authority, Extra int
}

// ReadHeader reads the header of a message. The result is false if the message is
// shorter than one.
func ReadHeader(msg []byte) (h Header, ok bool) {
	if len(msg) < HeaderLen {
		return h, false
	}
	return Header{
		ID:        binary.BigEndian.Uint16(msg),
		Bits:      binary.BigEndian.Uint16(msg[2:]),
		Questions: binary.BigEndian.Uint16(msg[4:]),
		Answers:   int(binary.BigEndian.Uint16(msg[6:])),
		Authority: int(binary.BigEndian.Uint16(msg[8:])),
		Extra:     int(binary.BigEndian.Uint16(msg[10:])),
	}, true
}

// counts reports whether m has as many records as the header says. Msg.Unpack accepts
// messages that end before a record, which has answers, or denies them, by mistake.
func (h Header) counts(m *dns.Msg) bool {
	return len(m.Answer) == h.Answers && len(m.Ns) == h.Authority && len(m.Extra) == h.Extra
}

// Rcode returns the response code of the header, without the bits of an OPT record.
func (h Header) Rcode() int { return int(h.Bits & MaskRcode) }

// FullRcode returns the response code of a message without answers, of which the
// OPT record has the upper bits (RFC 6891, section 6.1.3). The authority section
// begins at offset.
func (h Header) FullRcode(msg []byte, offset int) int {
	for i := range h.Authority + h.Extra {
		fixed, ok := SkipName(msg, offset)
		if !ok {
			break
		}
		end, ok := RecordEnd(msg, fixed)
		if !ok {
			break
		}
		if i >= h.Authority && binary.BigEndian.Uint16(msg[fixed:]) == dns.TypeOPT {
			return int(msg[fixed+4])<<4 | h.Rcode()
		}
		offset = end
	}
	return h.Rcode()
}

// IsReferral reports whether a message is that of a nameserver that offers no
// recursion and has no answer of its own: at best it names other nameservers.
func (h Header) IsReferral() bool {
	return h.Rcode() == dns.RcodeSuccess && h.Answers == 0 && h.Bits&(BitAA|BitRA) == 0
}

// Matches reports whether a message answers a query with the given question. It
// must repeat the question, in the same case if exactly. Only an error may come
// without a question, as some nameservers cannot parse one.
func (h Header) Matches(msg, question []byte, exactly bool) bool {
	if h.Bits&BitQR == 0 || h.Bits&MaskOpcode != 0 {
		return false
	}
	if h.Questions == 0 && h.Answers == 0 {
		rcode := h.Rcode()
		return rcode != dns.RcodeSuccess && rcode != dns.RcodeNameError
	}
	if h.Questions != 1 || len(msg) < HeaderLen+len(question) {
		return false
	}
	got := msg[HeaderLen : HeaderLen+len(question)]
	if exactly {
		return bytes.Equal(got, question)
	}
	return equalFold(got, question)
}

// equalFold compares the wire forms of two questions, names case-insensitively. In
// type and class, which follow the name, case is not ignored: there a byte may have
// the value of a letter.
func equalFold(a, b []byte) bool {
	name := len(a) - 4
	for i := range name {
		if Lower(a[i]) != Lower(b[i]) {
			return false
		}
	}
	return bytes.Equal(a[name:], b[name:])
}
