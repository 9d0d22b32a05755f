package evdnsserver

import (
	"fmt"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// adopt makes the records, the flags and the code of m those of the answer. What
// concerns only the exchange with that server is left out: the record of EDNS with cookies,
// keepalives, padding and the sizes of datagrams (RFC 6891, section 6.1.1),
// signatures of the transaction, and the bits that the client decides about.
func (r *Request) adopt(m *dns.Msg) (rcode int, err error) {
	r.records = r.few[:0]
	for section, rrs := range [sections][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range rrs {
			if rr == nil {
				return 0, fmt.Errorf("no record: %w", ErrRecord)
			}
			if r.wants(rr) {
				r.records = append(r.records, record{section: Section(section), rr: rr})
			}
		}
	}
	r.bits = r.bits&copiedBits | r.adoptedBits(m)
	if opt := m.IsEdns0(); opt != nil && r.opt == nil && r.edns {
		r.opt = explanations(opt)
	}
	if m.Rcode < 0 || m.Rcode > 15 && (!r.edns || m.Rcode > dnswire.MaxRcode || aboutTheHop(m.Rcode)) {
		return 0, ErrRcode
	}
	return m.Rcode, nil
}

// adoptedBits returns the bits of a message that go to the client. Whether the
// records are validated is for clients that ask for that (RFC 6840, section 5.8).
// RD and CD are the client's own (RFC 4035, section 3.2.2).
func (r *Request) adoptedBits(m *dns.Msg) uint16 {
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

// wants says whether a record of another server is for the client. Records that
// prove others are only for those that ask for them (RFC 4035, section 3.2.1).
func (r *Request) wants(rr dns.RR) bool {
	switch rr := rr.(type) {
	case *dns.OPT, *dns.TSIG:
		return false
	case *dns.SIG:
		return rr.TypeCovered != 0 // which is that of a transaction (RFC 2931)
	case *dns.RRSIG, *dns.NSEC, *dns.NSEC3:
		return r.do || r.asksFor(rr.Header().Rrtype)
	}
	return true
}

// asksFor says whether a question is about records of a type.
func (r *Request) asksFor(rrtype uint16) bool {
	for _, q := range r.Questions {
		if q.Qtype == rrtype || q.Qtype == dns.TypeANY {
			return true
		}
	}
	return false
}

// explanations returns a record of EDNS with what another server says about the
// failure of a lookup, which is all that may be passed on (RFC 8914, section 3), or
// nil if that is nothing.
func explanations(theirs *dns.OPT) *dns.OPT {
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

// aboutTheHop says whether an extended response code is about the exchange with
// the server that has sent it: its version of EDNS, keys, cookies.
func aboutTheHop(rcode int) bool { return rcode >= dns.RcodeBadVers && rcode <= dns.RcodeBadCookie }
