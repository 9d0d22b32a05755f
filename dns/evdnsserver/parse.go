package evdnsserver

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

const (
	// copiedBits are the bits of the header that an answer copies from its request.
	copiedBits = dnswire.MaskOpcode | uint16(FlagRD|FlagCD)
)

// read parses what an answer depends on: the questions, and the OPT record. Msg parses
// everything else. A result other than success is the response code of an answer without
// the callback.
func (r *Request) read(h dnswire.Header) (rcode int) {
	if h.Bits&dnswire.MaskOpcode != 0 {
		return dns.RcodeNotImplemented
	}
	off, ok := r.readQuestions(int(h.Questions))
	ok = ok && h.Answers+h.Authority+h.Extra <= maxRecords
	if ok {
		off, ok = dnswire.SkipRecords(r.wire, off, h.Answers+h.Authority)
	}
	if ok {
		ok = r.readExtra(off, h.Extra)
	}
	switch {
	case !ok || r.truncated:
		r.Questions, r.edns = nil, false
		return dns.RcodeFormatError
	case r.version != 0:
		return dns.RcodeBadVers
	default:
		return dns.RcodeSuccess
	}
}

func (r *Request) readQuestions(n int) (off int, ok bool) {
	if n > maxQuestions {
		return 0, false
	}
	r.Questions = r.questionBuf[:0]
	off = dnswire.HeaderLen
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

// readExtra reads the OPT record of the additional section (RFC 6891, section 6.1).
func (r *Request) readExtra(off, n int) (ok bool) {
	for range n {
		name, fixed, err := dns.UnpackDomainName(r.wire, off)
		if err != nil {
			return false
		}
		next, ok := dnswire.RecordEnd(r.wire, fixed)
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

// maxAnswer returns the length of the longest answer that the client can receive.
func (r *Request) maxAnswer() int {
	switch {
	case r.client != nil:
		return dns.MaxMsgSize
	case r.edns:
		return min(max(int(r.size), dnswire.MinUDPSize), r.server.config.MaxUDPSize)
	default:
		return dnswire.MinUDPSize
	}
}
