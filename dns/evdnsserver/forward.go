package evdnsserver

import (
	"fmt"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// copyMessage copies the records, the flags and the response code of m to the answer. It
// leaves out what is hop-by-hop: the OPT record, with cookies, keepalives, padding and
// the sizes of datagrams (RFC 6891, section 6.1.1), transaction signatures, and the flags
// that come from the request.
func (r *Request) copyMessage(m *dns.Msg) (rcode int, err error) {
	r.records = r.recordBuf[:0]
	for section, rrs := range [sections][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range rrs {
			if rr == nil {
				return 0, fmt.Errorf("no record: %w", ErrRecord)
			}
			if r.copies(rr) {
				r.records = append(r.records, record{section: Section(section), rr: rr})
			}
		}
	}
	r.bits = r.bits&copiedBits | r.messageBits(m)
	if opt := m.IsEdns0(); opt != nil && r.opt == nil && r.edns {
		r.opt = extendedErrors(opt)
	}
	if m.Rcode < 0 || m.Rcode > 15 && (!r.edns || m.Rcode > dnswire.MaxRcode || isHopByHop(m.Rcode)) {
		return 0, ErrRcode
	}
	return m.Rcode, nil
}

// messageBits returns the flags of m that are copied. AD is only for clients that ask for
// it (RFC 6840, section 5.8).
// RD and CD are those of the request (RFC 4035, section 3.2.2).
func (r *Request) messageBits(m *dns.Msg) uint16 {
	var bits uint16
	if m.Authoritative {
		bits |= uint16(FlagAA)
	}
	if m.RecursionAvailable {
		bits |= uint16(FlagRA)
	}
	if m.Truncated {
		bits |= dnswire.BitTC
	}
	if m.AuthenticatedData && (r.do || r.wire[3]&byte(FlagAD) != 0) {
		bits |= uint16(FlagAD)
	}
	return bits
}

// copies reports whether a record of m is copied. DNSSEC records are only for clients
// that ask for them (RFC 4035, section 3.2.1).
func (r *Request) copies(rr dns.RR) bool {
	switch rr := rr.(type) {
	case *dns.OPT, *dns.TSIG:
		return false
	case *dns.SIG:
		return rr.TypeCovered != 0 // which is that of a transaction (RFC 2931)
	case *dns.RRSIG, *dns.NSEC, *dns.NSEC3:
		return r.do || r.hasQuestionType(rr.Header().Rrtype)
	}
	return true
}

// hasQuestionType reports whether a question has a type.
func (r *Request) hasQuestionType(rrtype uint16) bool {
	for _, q := range r.Questions {
		if q.Qtype == rrtype || q.Qtype == dns.TypeANY {
			return true
		}
	}
	return false
}

// extendedErrors returns an OPT record with the extended errors of another (RFC 8914,
// section 3), which are the only options that are copied, or nil if there are none.
func extendedErrors(theirs *dns.OPT) *dns.OPT {
	var opt *dns.OPT
	for _, option := range theirs.Option {
		ede, ok := option.(*dns.EDNS0_EDE)
		if !ok {
			continue
		}
		if opt == nil {
			opt = &dns.OPT{Hdr: optHeader}
		}
		opt.Option = append(opt.Option, ede)
	}
	return opt
}

// isHopByHop reports whether an extended response code concerns one exchange only: the
// version of EDNS, keys, cookies.
func isHopByHop(rcode int) bool { return rcode >= dns.RcodeBadVers && rcode <= dns.RcodeBadCookie }
