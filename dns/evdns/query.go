package evdns

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// A QueryConfig says how a question is asked. The zero value asks as Query does.
type QueryConfig struct {
	// Flags are as for Query.
	Flags QueryFlags
	// Class is that of the question; 0 is IN.
	Class uint16
	// DNSSEC asks for the records that prove others (DO, RFC 3225).
	DNSSEC bool
	// CheckingDisabled asks for records that are not validated, too (CD, RFC 4035
	// section 3.2.2).
	CheckingDisabled bool
	// AuthenticatedData asks whether the answer was validated (AD, RFC 6840 section
	// 5.7), and leaves that bit in the message. It is the nameserver's word, and
	// worth what the way to it is. Without it, the bit is cleared, unless the option
	// trust-ad is set.
	AuthenticatedData bool
	// Options are those of EDNS that the query has.
	Options []dns.EDNS0
	// Timeout is how long the query may take in all, search and queueing included;
	// then the error is ErrTimeout. Zero is as long as the options of the resolver
	// say, which hold in any case.
	Timeout time.Duration
	// Nameserver is the only one that is asked, by UDP or TCP, or as it was added if
	// it is one of the resolver's. Port 0 is port 53. The zero value asks those of the
	// resolver.
	Nameserver netip.AddrPort
}

// QueryWith asks for the records of any type that a name has, as Query does, in the way
// that cfg says. Answers to queries with options, of other classes or of a nameserver of
// their own are not remembered, and the others apart from those to other queries. The
// error of QueryWith also wraps ErrValue if something in cfg cannot be, or ErrAddress.
func (b *Base) QueryWith(name string, qtype uint16, cfg QueryConfig, cb func(*dns.Msg, error)) (*Request, error) {
	a, err := newQueryParams(&cfg)
	if err == nil {
		err = checkQuery(name, qtype)
	}
	if err != nil {
		return nil, lookupError(name, qtype, err)
	}
	r := &Request{base: b, name: name, qtype: qtype, flags: cfg.Flags &^ CNAMECallback}
	if cb != nil {
		r.rare = &rareFields{message: cb, params: a}
	}
	return b.start(r)
}

// An asking is how a request is asked that has a QueryConfig.
type queryParams struct {
	class      uint16
	bits       uint16 // of the header: AD and CD
	do         bool
	options    []byte // of EDNS, packed
	timeout    time.Duration
	until      time.Duration // the request ends, or forever
	nameserver netip.AddrPort
}

// newQueryParams checks a config. The result is nil if it asks as Query does.
func newQueryParams(cfg *QueryConfig) (*queryParams, error) {
	a := &queryParams{class: cfg.Class, do: cfg.DNSSEC, timeout: cfg.Timeout, until: forever}
	if a.class == 0 {
		a.class = dns.ClassINET
	}
	if cfg.AuthenticatedData {
		a.bits |= dnswire.BitAD
	}
	if cfg.CheckingDisabled {
		a.bits |= dnswire.BitCD
	}
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("timeout %v: %w", cfg.Timeout, ErrValue)
	}
	if cfg.Nameserver != (netip.AddrPort{}) {
		if !cfg.Nameserver.IsValid() {
			return nil, fmt.Errorf("nameserver: %w", ErrAddress)
		}
		a.nameserver = withPort(cfg.Nameserver, defaultPort)
	}
	var err error
	if a.options, err = packOptions(cfg.Options); err != nil {
		return nil, err
	}
	if a.isDefault() && a.timeout == 0 {
		return nil, nil
	}
	return a, nil
}

// packOptions returns the options of EDNS in the form in which a query has them.
func packOptions(options []dns.EDNS0) ([]byte, error) {
	if len(options) == 0 {
		return nil, nil
	}
	for _, option := range options {
		if option == nil {
			return nil, fmt.Errorf("option: %w", event.ErrNil)
		}
	}
	opt := dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: options}
	size := dns.Len(&opt)
	if size > dnswire.OPTLen+maxOptions {
		return nil, fmt.Errorf("options of %d bytes: %w: %w", size, ErrValue, errLongOptions)
	}
	buf := make([]byte, size)
	n, err := dns.PackRR(&opt, buf, 0, nil, false)
	if err != nil {
		return nil, fmt.Errorf("options: %w: %w", ErrValue, err)
	}
	return buf[dnswire.OPTLen:n], nil
}

// isCacheable says whether the answer is one to others, too, that ask with the same bits. A
// nil asking is that of most requests.
func (a *queryParams) isCacheable() bool {
	return a == nil || a.class == dns.ClassINET && len(a.options) == 0 && !a.nameserver.IsValid()
}

// isDefault says whether a question is asked as by a request without an asking, apart
// from the time that it has.
func (a *queryParams) isDefault() bool {
	return a == nil || a.isCacheable() && a.bits == 0 && !a.do
}

// equal says whether the same question is the same query as with another asking. The
// time that there is does not matter.
func (a *queryParams) equal(other *queryParams) bool {
	if a == nil || other == nil {
		return a.isDefault() && other.isDefault()
	}
	return a.class == other.class && a.bits == other.bits && a.do == other.do &&
		a.nameserver == other.nameserver && bytes.Equal(a.options, other.options)
}

func (a *queryParams) hasNameserver() bool { return a != nil && a.nameserver.IsValid() }

func (a *queryParams) wantsAD() bool { return a != nil && a.bits&dnswire.BitAD != 0 }

// messageKind returns under which kind the message of an answer is remembered.
func (a *queryParams) messageKind() entryKind {
	kind := kindMessage
	if a == nil {
		return kind
	}
	if a.do {
		kind |= kindDO
	}
	if a.wantsAD() {
		kind |= kindAD
	}
	if a.bits&dnswire.BitCD != 0 {
		kind |= kindCD
	}
	return kind
}

// params returns how r is asked, or nil for the way of all others.
func (r *Request) params() *queryParams {
	if r.rare == nil {
		return nil
	}
	return r.rare.params
}

// optRecord returns the record of EDNS of a query that is asked so, for datagrams of at
// most so many bytes, or nothing if it needs none.
func (a *queryParams) optRecord(udpSize int) []byte {
	if udpSize <= dnswire.MinUDPSize {
		if !a.do && len(a.options) == 0 {
			return nil
		}
		udpSize = dnswire.EDNSUDPSize
	}
	rec := make([]byte, dnswire.OPTLen, dnswire.OPTLen+len(a.options))
	binary.BigEndian.PutUint16(rec[1:], dns.TypeOPT)
	binary.BigEndian.PutUint16(rec[3:], uint16(udpSize))
	if a.do {
		rec[7] = 0x80
	}
	binary.BigEndian.PutUint16(rec[9:], uint16(len(a.options)))
	return append(rec, a.options...)
}

// apply writes the rest of how a query is asked into its message, whose question ends
// at end.
func (a *queryParams) apply(query []byte, end int) {
	query[3] |= byte(a.bits)
	binary.BigEndian.PutUint16(query[end-2:], a.class)
}

// beginTime sets when r ends at the latest.
func (r *Request) beginTime() {
	if a := r.params(); a != nil && a.timeout > 0 {
		a.until = r.base.now() + a.timeout
	}
	r.renewLimit()
}

// renewLimit gives r the time for a name, as far as it has that left.
func (r *Request) renewLimit() {
	r.limit = r.base.limit()
	if a := r.params(); a != nil {
		r.limit = min(r.limit, a.until)
	}
}
