package evdns

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxAliases is how many aliases are followed from a name to what it stands
// for.
const maxAliases = 64

// reader takes messages apart. Its memory is used again and again.
type reader struct {
	records []dns.RR
}

// read returns what the message says about name: addresses, or the names of an
// address. offset is where its records begin. The error says that there is
// nothing, and why, or is ErrTruncated if the message cannot be read.
func (rd *reader) read(msg []byte, offset int, h header, name string, qtype uint16) (Answer, error) {
	defer rd.forget()
	offset, err := rd.unpack(msg, offset, h.answers)
	if err != nil {
		return Answer{}, ErrTruncated
	}
	a, ok := answerOf(rd.records, name, qtype)
	if ok && h.rcode() == dns.RcodeSuccess {
		return a, nil
	}
	rd.forget()
	if _, err := rd.unpack(msg, offset, h.authority); err != nil {
		return Answer{}, ErrTruncated
	}
	// What is at the end of aliases is known for no longer than they are.
	return Answer{TTL: min(a.TTL, negativeTTL(rd.records))}, rcodeError(h.rcode())
}

func (rd *reader) unpack(msg []byte, offset, n int) (int, error) {
	for range n {
		rr, next, err := dns.UnpackRR(msg, offset)
		if err != nil {
			return offset, err
		}
		if next == offset { // there are fewer than the header says
			return offset, dns.ErrBuf
		}
		rd.records = append(rd.records, rr)
		offset = next
	}
	return offset, nil
}

// forget lets records go, and their memory if there were unusually many.
func (rd *reader) forget() {
	clear(rd.records)
	rd.records = rd.records[:0]
	if cap(rd.records) > 256 {
		rd.records = nil
	}
}

// answerOf collects what belongs to name from the records of an answer: the
// addresses of what name is an alias for in the end, and nothing else that the
// nameserver may have put there. Aliases may come in any order, and in circles. A
// name should not have addresses and be an alias, but some have and are: then the
// addresses count that are nearest to the end. Without any addresses, only the TTL,
// which is that of the aliases, has a meaning.
func answerOf(records []dns.RR, name string, qtype uint16) (a Answer, ok bool) {
	target, ttl := name, maxTTL
	for range maxAliases + 1 {
		if found := recordsOf(records, target, qtype); len(found.Addrs)+len(found.Names) > 0 {
			a, ok = found, true
			a.TTL = min(a.TTL, ttl)
			if qtype != dns.TypePTR && target != name {
				a.CanonName = shown(target)
			}
		}
		alias := aliasOf(records, target)
		if alias == nil {
			break
		}
		target = alias.Target
		ttl = min(ttl, seconds(alias.Hdr.Ttl))
	}
	a.Type = answerType(qtype)
	if !ok {
		a.TTL = ttl
	}
	return a, ok
}

// recordsOf collects the records of a type that a name has.
func recordsOf(records []dns.RR, name string, qtype uint16) Answer {
	a := Answer{TTL: maxTTL}
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
			a.Names = append(a.Names, shown(rr.Ptr))
		}
		a.TTL = min(a.TTL, seconds(h.Ttl))
	}
	return a
}

// aliasOf returns the record that says what name stands for, or nil.
func aliasOf(records []dns.RR, name string) *dns.CNAME {
	for _, rr := range records {
		if c, ok := rr.(*dns.CNAME); ok && c.Hdr.Class == dns.ClassINET && strings.EqualFold(c.Hdr.Name, name) {
			return c
		}
	}
	return nil
}

// negativeTTL returns how long one may remember that there is nothing, which
// the authority section says (RFC 2308, section 5), or zero.
func negativeTTL(authority []dns.RR) time.Duration {
	for _, rr := range authority {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(seconds(soa.Hdr.Ttl), seconds(soa.Minttl), maxTTL)
		}
	}
	return 0
}

// seconds converts a TTL. One with the highest bit set counts as zero (RFC 2181,
// section 8).
func seconds(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

func answerType(qtype uint16) AnswerType {
	switch qtype {
	case dns.TypePTR:
		return TypePTR
	case dns.TypeAAAA:
		return TypeAAAA
	default:
		return TypeA
	}
}

// unpackMessage takes a whole message apart, which answers a query for name and
// was received so long ago.
func unpackMessage(msg []byte, name string, age time.Duration) (*dns.Msg, error) {
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		return nil, ErrTruncated
	}
	if len(m.Question) > 0 {
		m.Question[0].Name = name // without the capital letters that we have put there
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

// messageError returns what a message says that is no answer.
func messageError(m *dns.Msg) error {
	if m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0 {
		return nil
	}
	return rcodeError(m.Rcode)
}

// rcodeError returns the error of a message without an answer.
func rcodeError(rcode int) error {
	switch rcode {
	case dns.RcodeSuccess:
		return ErrNoData
	case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNameError, dns.RcodeNotImplemented, dns.RcodeRefused:
		return Err(rcode)
	default:
		return ErrUnknown
	}
}

// messageTTL returns how long a message that answers a query of the type may be
// remembered: as long as each of its records may be and, if all that it has are
// aliases, as long as one may remember that there is nothing at their end.
func messageTTL(m *dns.Msg, qtype uint16) time.Duration {
	ttl, found := maxTTL, false
	for _, rr := range m.Answer {
		ttl = min(ttl, seconds(rr.Header().Ttl))
		found = found || qtype == dns.TypeANY || rr.Header().Rrtype == qtype
	}
	if found && m.Rcode == dns.RcodeSuccess {
		return ttl
	}
	return min(ttl, negativeTTL(m.Ns))
}
