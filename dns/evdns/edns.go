package evdns

import (
	"time"

	"github.com/miekg/dns"
)

// ednsState records whether a nameserver, and all middleboxes on the path, support EDNS.
// One that does not returns an error (RFC 6891, section 7), or drops the query. It is
// sent the query without EDNS, and if it answers that, all queries for ednsRetryTime.
//
// A timeout has many causes, so it is attributed to EDNS only if the nameserver has
// never answered a query with EDNS; and if the query without EDNS times out as well, the
// next one has EDNS again.
type ednsState struct {
	supported        bool          // a query with EDNS was answered
	suspect          bool          // the last query, which had EDNS, has timed out
	unsupportedUntil time.Duration // no EDNS until then
}

// useEDNS reports whether r may have EDNS when it is sent to s.
func (s *nameserver) useEDNS(r *Request) bool {
	return !r.noEDNS && !s.edns.suspect && s.edns.unsupportedUntil <= r.sentAt
}

// noteEDNSAnswer notes that the nameserver has answered r.
func (s *nameserver) noteEDNSAnswer(r *Request) {
	e := &s.edns
	switch {
	case r.opt > 0:
		e.supported, e.suspect = true, false
	case e.suspect || r.noEDNS:
		e.suspect = false
		e.unsupportedUntil = s.base.now() + ednsRetryTime
	}
}

// noteEDNSTimeout notes that r has timed out.
func (s *nameserver) noteEDNSTimeout(r *Request) {
	s.edns.suspect = r.opt > 0 && !s.edns.supported
}

// isEDNSError reports whether a response code may be caused by EDNS in the query.
func (r *Request) isEDNSError(rcode int) bool {
	if r.opt == 0 {
		return false
	}
	switch rcode {
	case dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeBadVers:
		return true
	}
	return false
}

// resendWithoutEDNS sends r without EDNS to the nameserver that has rejected it.
func (b *Base) resendWithoutEDNS(r *Request) {
	r.noEDNS = true
	r.refundAttempt() // as the nameserver has answered
	r.leaveChannel()
	b.transmit(r, r.server)
}
