package dnswire

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// An Answer is what a message says about a name.
type Answer struct {
	Addrs     []netip.Addr  // of A or AAAA records
	Names     []string      // of PTR records, without the dot at the end
	CanonName string        // what the name is an alias for, or ""
	TTL       time.Duration // how long the answer may be cached, or that there is none
}

// A Reader collects answers from messages. It uses its memory again, and belongs to
// one goroutine at a time.
type Reader struct {
	records []dns.RR
}

// Read returns what a message, whose header is h and whose answer section begins at
// offset, says about name: addresses, or the names of an address. Without an answer
// found is false, and only the TTL has a meaning. The error is ErrMalformed.
func (rd *Reader) Read(msg []byte, offset int, h Header, name string, qtype uint16) (a Answer, found bool, err error) {
	defer rd.reset()
	if offset, err = rd.unpack(msg, offset, h.Answers); err != nil {
		return Answer{}, false, err
	}
	a, ok := answerOf(rd.records, name, qtype)
	if ok && h.Rcode() == dns.RcodeSuccess {
		return a, true, nil
	}
	rd.reset()
	if _, err := rd.unpack(msg, offset, h.Authority); err != nil {
		return Answer{}, false, err
	}
	// That the end of a chain of aliases has no records is valid for no longer than
	// the aliases are.
	return Answer{TTL: min(a.TTL, negativeTTL(rd.records))}, false, nil
}

func (rd *Reader) unpack(msg []byte, offset, n int) (int, error) {
	for range n {
		rr, next, err := dns.UnpackRR(msg, offset)
		if err != nil || next == offset { // there are fewer records than the header says
			return offset, ErrMalformed
		}
		rd.records = append(rd.records, rr)
		offset = next
	}
	return offset, nil
}

// reset drops the records, and their memory if there were unusually many.
func (rd *Reader) reset() {
	clear(rd.records)
	rd.records = rd.records[:0]
	if cap(rd.records) > keptRecords {
		rd.records = nil
	}
}

// answerOf collects the records of name from an answer section: the addresses of
// what name is an alias for in the end, and nothing else that the nameserver may
// have put there. Aliases may come in any order, and in circles. A name should not
// have both addresses and an alias, but some do: then the addresses nearest to the
// end of the chain are taken. Without any addresses, only the TTL, which is that of
// the aliases, has a meaning.
func answerOf(records []dns.RR, name string, qtype uint16) (a Answer, ok bool) {
	target, ttl := name, MaxTTL
	for range maxAliases + 1 {
		if found := recordsOf(records, target, qtype); len(found.Addrs)+len(found.Names) > 0 {
			a, ok = found, true
			a.TTL = min(a.TTL, ttl)
			if qtype != dns.TypePTR && target != name {
				a.CanonName = TrimDot(target)
			}
		}
		alias := aliasOf(records, target)
		if alias == nil {
			break
		}
		target = alias.Target
		ttl = min(ttl, Seconds(alias.Hdr.Ttl))
	}
	if !ok {
		a.TTL = ttl
	}
	return a, ok
}

// recordsOf collects the records of a type that a name has.
func recordsOf(records []dns.RR, name string, qtype uint16) Answer {
	a := Answer{TTL: MaxTTL}
	for _, rr := range records {
		h := rr.Header()
		if h.Rrtype != qtype || h.Class != dns.ClassINET || !strings.EqualFold(h.Name, name) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.A:
			if addr, good := netip.AddrFromSlice(rr.A.To4()); good {
				a.Addrs = append(a.Addrs, addr)
			}
		case *dns.AAAA:
			if addr, good := netip.AddrFromSlice(rr.AAAA.To16()); good {
				a.Addrs = append(a.Addrs, addr)
			}
		case *dns.PTR:
			a.Names = append(a.Names, TrimDot(rr.Ptr))
		}
		a.TTL = min(a.TTL, Seconds(h.Ttl))
	}
	return a
}

// aliasOf returns the CNAME record of name, or nil.
func aliasOf(records []dns.RR, name string) *dns.CNAME {
	for _, rr := range records {
		if c, ok := rr.(*dns.CNAME); ok && c.Hdr.Class == dns.ClassINET && strings.EqualFold(c.Hdr.Name, name) {
			return c
		}
	}
	return nil
}

// negativeTTL returns how long the absence of records may be cached, which the SOA
// record of the authority section says (RFC 2308, section 5), or zero.
func negativeTTL(authority []dns.RR) time.Duration {
	for _, rr := range authority {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(Seconds(soa.Hdr.Ttl), Seconds(soa.Minttl), MaxTTL)
		}
	}
	return 0
}

// Seconds converts a TTL. One with the highest bit set is zero (RFC 2181, section 8).
func Seconds(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

// UnpackMessage unpacks a message that answers a query for name and arrived age ago,
// which is subtracted from its TTLs. The question gets the case of name. The error is
// ErrMalformed.
func UnpackMessage(msg []byte, name string, age time.Duration) (*dns.Msg, error) {
	m := new(dns.Msg)
	h, ok := ReadHeader(msg)
	if !ok || m.Unpack(msg) != nil || !h.counts(m) {
		return nil, ErrMalformed
	}
	if len(m.Question) > 0 {
		m.Question[0].Name = name // without the random case of the query
	}
	passed := uint32(age / time.Second)
	if passed == 0 {
		return m, nil
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if h := rr.Header(); h.Rrtype != dns.TypeOPT { // which has flags there
				h.Ttl -= min(h.Ttl, passed)
			}
		}
	}
	return m, nil
}

// MessageTTL returns how long a message that answers a query of the type may be
// cached: as long as each record of its answer section may be and, if these are
// nothing but aliases, as long as the absence of what they lead to.
func MessageTTL(m *dns.Msg, qtype uint16) time.Duration {
	ttl, found := MaxTTL, false
	for _, rr := range m.Answer {
		ttl = min(ttl, Seconds(rr.Header().Ttl))
		found = found || qtype == dns.TypeANY || rr.Header().Rrtype == qtype
	}
	if found && m.Rcode == dns.RcodeSuccess {
		return ttl
	}
	return min(ttl, negativeTTL(m.Ns))
}
