package evdns

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// QueryFlags change how a name is looked up.
type QueryFlags uint8

const (
	// NoSearch looks up the name as it is, without search domains
	// (DNS_QUERY_NO_SEARCH).
	NoSearch QueryFlags = 0x01
	// UseVC uses TCP from the start (DNS_QUERY_USEVC).
	UseVC QueryFlags = 0x02
	// IgnoreTC makes a truncated answer the error ErrTruncated, instead of a
	// reason to ask again over TCP (DNS_QUERY_IGNTC).
	IgnoreTC QueryFlags = 0x04
	// CNAMECallback has the callback called a second time after a good
	// answer, if the name is an alias, with an Answer of TypeCNAME
	// (DNS_CNAME_CALLBACK).
	CNAMECallback QueryFlags = 0x80

	allQueryFlags = NoSearch | UseVC | IgnoreTC | CNAMECallback
)

// AnswerType says what an Answer has.
type AnswerType uint8

const (
	// TypeA is IPv4 addresses (DNS_IPv4_A).
	TypeA AnswerType = 1
	// TypePTR is names of an address (DNS_PTR).
	TypePTR AnswerType = 2
	// TypeAAAA is IPv6 addresses (DNS_IPv6_AAAA).
	TypeAAAA AnswerType = 3
	// TypeCNAME is the name that an alias stands for (DNS_CNAME).
	TypeCNAME AnswerType = 4
)

// An Answer is what was found out about a name or an address. With an error it
// has only a Type and, if the error is worth remembering, a TTL.
type Answer struct {
	Type      AnswerType
	Addrs     []netip.Addr  // of TypeA and TypeAAAA
	Names     []string      // of TypePTR and TypeCNAME, without a dot at the end
	CanonName string        // of TypeA and TypeAAAA: what the name is an alias for, or ""
	TTL       time.Duration // how long this may be remembered
}

// A Request is a lookup under way (struct evdns_request).
type Request struct{}

// ResolveIPv4 looks up the IPv4 addresses of a name. cb is called by the loop,
// never before ResolveIPv4 has returned (evdns_base_resolve_ipv4).
func (b *Base) ResolveIPv4(name string, flags QueryFlags, cb func(Answer, error)) (*Request, error) {
	return nil, ErrNil
}

// ResolveIPv6 looks up the IPv6 addresses of a name, as ResolveIPv4 does
// (evdns_base_resolve_ipv6).
func (b *Base) ResolveIPv6(name string, flags QueryFlags, cb func(Answer, error)) (*Request, error) {
	return nil, ErrNil
}

// ResolveReverse looks up the names of an address, as ResolveIPv4 does
// (evdns_base_resolve_reverse, evdns_base_resolve_reverse_ipv6).
func (b *Base) ResolveReverse(addr netip.Addr, flags QueryFlags, cb func(Answer, error)) (*Request, error) {
	return nil, ErrNil
}

// Query asks for records of any type.
func (b *Base) Query(name string, qtype uint16, flags QueryFlags, cb func(*dns.Msg, error)) (*Request, error) {
	return nil, ErrNil
}

// Cancel ends the request (evdns_cancel_request).
func (r *Request) Cancel() {}
