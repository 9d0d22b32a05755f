package evdns

import (
	"time"

	"github.com/miekg/dns"
)

// ednsState is what is known about whether a nameserver, and all that is on the way
// to it, knows EDNS. One that does not complains (RFC 6891, section 7), or is silent.
// It is asked again without, and if it answers then, for plainTime.
//
// Silence has many reasons, so it is taken for this one only if the nameserver has
// never answered a query with EDNS; and the next query has EDNS again if the one
// without is not answered either.
type ednsState struct {
	known      bool          // it has answered a query with EDNS
	doubted    bool          // it was silent about the last query, which had EDNS
	plainUntil time.Duration // it does not know EDNS
}

// wantsEDNS says whether r is to have EDNS when it is sent to s, as far as s is
// concerned.
func (s *nameserver) wantsEDNS(r *Request) bool {
	complained := r.plain && r.repeated
	return !complained && !s.edns.doubted && s.edns.plainUntil <= r.sentAt
}

// ednsWorks notes that the nameserver has answered r.
func (s *nameserver) ednsWorks(r *Request) {
	e := &s.edns
	switch {
	case r.opt > 0:
		e.known, e.doubted = true, false
	case e.doubted || r.plain && r.repeated:
		e.doubted = false
		e.plainUntil = s.base.now() + plainTime
	}
}

// ednsSilent notes that the nameserver has not answered r.
func (s *nameserver) ednsSilent(r *Request) {
	s.edns.doubted = r.opt > 0 && !s.edns.known
}

// isAboutEDNS says whether a complaint may be about EDNS in a query, which is then to
// be sent again without.
func (r *Request) isAboutEDNS(rcode int) bool {
	if r.opt == 0 {
		return false
	}
	switch rcode {
	case dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeBadVers:
		return true
	}
	return false
}

// askPlainly sends r again, without EDNS, to the nameserver that has complained.
func (b *Base) askPlainly(r *Request) {
	r.plain = true
	r.sent-- // the nameserver has answered, after all
	b.leave(r)
	b.transmit(r, r.server)
}
