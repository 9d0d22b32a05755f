package evdns

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// A special is the fixed meaning of a name for which no query is sent.
type special uint8

const (
	specialNot special = iota
	// specialLoopback is localhost and all below it (RFC 6761, section 6.3).
	specialLoopback
	// specialNone is invalid (RFC 6761, section 6.4), which never exists, and onion
	// (RFC 7686), whose names must not leak into the network; and all names below them.
	specialNotExist
)

// specialNames are the last labels of special names. For the others of RFC 6761 queries
// are sent: test and example may be served, and local (RFC 6762) is in many networks.
var specialNames = [...]struct {
	label string
	kind  special
}{
	{"localhost", specialLoopback},
	{"invalid", specialNotExist},
	{"onion", specialNotExist},
}

// specialOf returns the kind of a name, which may end with a dot.
func specialOf(name string) special {
	last := lastLabel(name)
	for _, s := range specialNames {
		if len(s.label) == len(last) && strings.EqualFold(s.label, last) {
			return s.kind
		}
	}
	return specialNot
}

// lastLabel returns the last label of a name. It resolves escapes, so that an escaped
// spelling of a special name is found, too.
func lastLabel(name string) string {
	if strings.IndexByte(name, '\\') >= 0 {
		var wire [dnswire.MaxName]byte
		if n, err := dns.PackDomainName(dns.Fqdn(name), wire[:], 0, nil, false); err == nil {
			return lastWireLabel(wire[:n])
		}
	}
	name = strings.TrimSuffix(name, ".")
	return name[strings.LastIndexByte(name, '.')+1:]
}

func lastWireLabel(wire []byte) (label string) {
	for len(wire) > 0 && wire[0] > 0 {
		end := 1 + int(wire[0])
		label, wire = string(wire[1:end]), wire[end:]
	}
	return label
}

// loopbacks are the loopback addresses.
var loopbacks = map[uint16]netip.Addr{
	dns.TypeA:    netip.AddrFrom4([4]byte{127, 0, 0, 1}),
	dns.TypeAAAA: netip.IPv6Loopback(),
}

// answer returns the answer for a special name.
func (s special) answer(qtype uint16) (Answer, error) {
	a := Answer{Type: answerType(qtype), TTL: specialTTL}
	addr, ok := loopbacks[qtype]
	switch {
	case s == specialNotExist:
		return a, ErrNotExist
	case !ok:
		return a, ErrNoData
	}
	a.Addrs = []netip.Addr{addr}
	return a, nil
}

// message returns the answer as the message of a nameserver.
func (s special) message(name string, qtype uint16) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.Response, m.RecursionDesired, m.RecursionAvailable = true, true, true
	m.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	a, err := s.answer(qtype)
	h := dns.RR_Header{Name: name, Rrtype: qtype, Class: dns.ClassINET, Ttl: uint32(specialTTL / time.Second)}
	switch {
	case err == nil && qtype == dns.TypeA:
		m.Answer = []dns.RR{&dns.A{Hdr: h, A: a.Addrs[0].AsSlice()}}
	case err == nil:
		m.Answer = []dns.RR{&dns.AAAA{Hdr: h, AAAA: a.Addrs[0].AsSlice()}}
	default:
		h.Name, h.Rrtype = dns.Fqdn(strings.ToLower(lastLabel(name))), dns.TypeSOA
		m.Ns = []dns.RR{&dns.SOA{Hdr: h, Ns: "localhost.", Mbox: "nobody.invalid.",
			Serial: 1, Refresh: h.Ttl, Retry: h.Ttl, Expire: h.Ttl, Minttl: h.Ttl}}
	}
	if err == ErrNotExist {
		m.Rcode = dns.RcodeNameError
	}
	return m, err
}

// special returns the kind of the name that r looks up.
func (r *Request) special() special {
	if a := r.params(); a != nil && a.class != dns.ClassINET {
		return specialNot
	}
	return specialOf(r.name)
}

// outcome returns the outcome of r for a special name.
func (s special) outcome(r *Request) (o outcome) {
	if r.callback != nil {
		o.answer, o.err = s.answer(r.qtype)
	} else {
		o.message, o.err = s.message(r.name, r.qtype)
	}
	return o
}
