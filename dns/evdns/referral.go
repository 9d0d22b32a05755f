package evdns

import "github.com/miekg/dns"

// isReferral says whether a message is that of a nameserver that looks nothing up for
// others, and knows nothing of the name itself: at best it says whom else to ask.
func (h header) isReferral() bool {
	return h.rcode() == dns.RcodeSuccess && h.answers == 0 && h.bits&uint16(FlagAA|FlagRA) == 0
}

// askAnother sends r to another nameserver, instead of one that has only referred it, as
// glibc does, and reports whether there is one.
func (b *Base) askAnother(r *Request) bool {
	if r.probe {
		return false
	}
	r.ruleOut(r.server)
	next := b.pick(r)
	if next == nil || !next.up {
		return false
	}
	r.server.works(r)
	b.leave(r)
	b.transmit(r, next)
	return true
}
