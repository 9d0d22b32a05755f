package evdns

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

const (
	queryHeaderSize = 12
	flagQR          = 1 << 15
	flagTC          = 1 << 9
	opcodeMask      = 0xf << 11
	copiedBits      = opcodeMask | uint16(FlagRD|FlagCD)

	// maxQuestions is how many questions a request may have. Everybody else
	// asks one.
	maxQuestions = 32
	// minUDP is how long an answer may be for a client that says nothing about
	// it (RFC 1035, section 2.3.4).
	minUDP = 512
)

// queryHeader is the header of a message (RFC 1035, section 4.1.1).
type queryHeader struct {
	id, bits  uint16
	questions int
	records   int // answers and authority
	extra     int
}

func readQueryHeader(wire []byte) (h queryHeader, ok bool) {
	if len(wire) < queryHeaderSize {
		return h, false
	}
	number := func(i int) int { return int(binary.BigEndian.Uint16(wire[2*i:])) }
	return queryHeader{
		id:        uint16(number(0)),
		bits:      uint16(number(1)),
		questions: number(2),
		records:   number(3) + number(4),
		extra:     number(5),
	}, true
}

// read takes from a message what an answer needs: the questions, and how the
// client speaks EDNS. Everything else is looked at by Msg, if somebody asks. The
// result is why no callback can be asked, if it is not success.
func (r *ServerRequest) read(h queryHeader) (rcode int) {
	if h.bits&opcodeMask != 0 {
		return dns.RcodeNotImplemented
	}
	off, ok := r.readQuestions(h.questions)
	if ok {
		off, ok = skipRecords(r.wire, off, h.records)
	}
	if ok {
		ok = r.readExtra(off, h.extra)
	}
	switch {
	case !ok || r.cut:
		r.Questions, r.edns = nil, false
		return dns.RcodeFormatError
	case r.version != 0:
		return dns.RcodeBadVers
	default:
		return dns.RcodeSuccess
	}
}

func (r *ServerRequest) readQuestions(n int) (off int, ok bool) {
	if n > maxQuestions {
		return 0, false
	}
	r.Questions = r.first[:0]
	off = queryHeaderSize
	for range n {
		name, end, err := dns.UnpackDomainName(r.wire, off)
		if err != nil || end+4 > len(r.wire) {
			return 0, false
		}
		r.Questions = append(r.Questions, dns.Question{
			Name:   name,
			Qtype:  binary.BigEndian.Uint16(r.wire[end:]),
			Qclass: binary.BigEndian.Uint16(r.wire[end+2:]),
		})
		off = end + 4
	}
	return off, true
}

// readExtra looks for the record that is about EDNS (RFC 6891, section 6.1).
func (r *ServerRequest) readExtra(off, n int) (ok bool) {
	for range n {
		name, fixed, err := dns.UnpackDomainName(r.wire, off)
		if err != nil {
			return false
		}
		next, ok := recordEnd(r.wire, fixed)
		if !ok {
			return false
		}
		if binary.BigEndian.Uint16(r.wire[fixed:]) == dns.TypeOPT {
			if r.edns || name != "." {
				return false
			}
			r.edns = true
			r.size = binary.BigEndian.Uint16(r.wire[fixed+2:])
			r.version = r.wire[fixed+5]
			r.do = r.wire[fixed+6]&0x80 != 0
		}
		off = next
	}
	return true
}

// skipRecords returns where n records end.
func skipRecords(wire []byte, off, n int) (end int, ok bool) {
	for range n {
		_, fixed, err := dns.UnpackDomainName(wire, off)
		if err != nil {
			return 0, false
		}
		if off, ok = recordEnd(wire, fixed); !ok {
			return 0, false
		}
	}
	return off, true
}

// recordEnd returns where a record ends, of which what follows the name, type,
// class, TTL and length of the data first, begins at fixed.
func recordEnd(wire []byte, fixed int) (end int, ok bool) {
	const fields = 10
	if fixed+fields > len(wire) {
		return 0, false
	}
	end = fixed + fields + int(binary.BigEndian.Uint16(wire[fixed+8:]))
	return end, end <= len(wire)
}

// room returns how long the answer may be.
func (r *ServerRequest) room() int {
	switch {
	case r.client != nil:
		return dns.MaxMsgSize
	case r.edns:
		return min(max(int(r.size), minUDP), maxDatagram)
	default:
		return minUDP
	}
}
