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

// A QueryConfig is the parameters of a query. The zero value is that of Query.
type QueryConfig struct {
	// Flags are those of Query.
	Flags QueryFlags
	// Class is that of the question; 0 is IN.
	Class uint16
	// DNSSEC asks for DNSSEC records (DO, RFC 3225).
	DNSSEC bool
	// CheckingDisabled asks for records that are not validated as well (CD, RFC 4035,
	// section 3.2.2).
	CheckingDisabled bool
	// AuthenticatedData asks whether the answer was validated (AD, RFC 6840, section
	// 5.7), and leaves that bit in the message. It can be trusted as far as the
	// nameserver and the path to it can. Otherwise the bit is cleared, unless
	// Config.TrustAD is set.
	AuthenticatedData bool
	// Options are the options of EDNS of the query.
	Options []dns.EDNS0
	// Timeout is the time after which the lookup ends with ErrTimeout, search and
	// queueing included. The limits of the resolver hold as well; 0 is none besides.
	Timeout time.Duration
	// Nameserver is the only one that the query is sent to, over UDP or TCP, or as it
	// was added if it is one of the resolver's. Port 0 is port 53. The zero value is
	// all those of the resolver.
	Nameserver netip.AddrPort
}

// QueryWith is Query with parameters. Answers to queries with options, of other classes
// than IN, or with a nameserver are not cached; other answers are cached for queries with
// the same bits. The error of QueryWith also wraps ErrValue or ErrAddress if a field of
// cfg is not valid.
func (b *Base) QueryWith(name string, qtype uint16, cfg QueryConfig, cb func(*dns.Msg, error)) (*Request, error) {
	params, err := newQueryParams(&cfg)
	if err == nil {
		err = checkQuery(name, qtype)
	}
	if err != nil {
		return nil, lookupError(name, qtype, err)
	}
	r := &Request{base: b, name: name, qtype: qtype, flags: cfg.Flags &^ CNAMECallback}
	if cb != nil {
		r.rare = &rareFields{message: cb, params: params}
	}
	return b.start(r)
}

// queryParams are the parameters of a request that has a QueryConfig.
type queryParams struct {
	class      uint16
	bits       uint16 // of the header: AD and CD
	do         bool
	options    []byte // of EDNS, packed
	timeout    time.Duration
	until      time.Duration // when the timeout ends the request, or forever
	nameserver netip.AddrPort
}

// newQueryParams checks a config. The result is nil if all parameters are the defaults.
func newQueryParams(cfg *QueryConfig) (*queryParams, error) {
	p := &queryParams{class: cfg.Class, do: cfg.DNSSEC, timeout: cfg.Timeout, until: forever}
	if p.class == 0 {
		p.class = dns.ClassINET
	}
	if cfg.AuthenticatedData {
		p.bits |= dnswire.BitAD
	}
	if cfg.CheckingDisabled {
		p.bits |= dnswire.BitCD
	}
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("timeout %v: %w", cfg.Timeout, ErrValue)
	}
	if cfg.Nameserver != (netip.AddrPort{}) {
		if !cfg.Nameserver.IsValid() {
			return nil, fmt.Errorf("nameserver: %w", ErrAddress)
		}
		p.nameserver = withPort(cfg.Nameserver, defaultPort)
	}
	var err error
	if p.options, err = packOptions(cfg.Options); err != nil {
		return nil, err
	}
	if p.isDefault() && p.timeout == 0 {
		return nil, nil
	}
	return p, nil
}

// packOptions packs the options of EDNS.
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

// isCacheable reports whether the answer can be cached for queries with the same bits. A
// nil queryParams is that of most requests.
func (p *queryParams) isCacheable() bool {
	return p == nil || p.class == dns.ClassINET && len(p.options) == 0 && !p.nameserver.IsValid()
}

// expired reports whether the timeout of the parameters has passed.
func (p *queryParams) expired(now time.Duration) bool { return p != nil && p.until <= now }

// isDefault reports whether all parameters but the timeout are the defaults.
func (p *queryParams) isDefault() bool {
	return p == nil || p.isCacheable() && p.bits == 0 && !p.do
}

// equal reports whether all parameters but the timeout are equal.
func (p *queryParams) equal(other *queryParams) bool {
	if p == nil || other == nil {
		return p.isDefault() && other.isDefault()
	}
	return p.class == other.class && p.bits == other.bits && p.do == other.do &&
		p.nameserver == other.nameserver && bytes.Equal(p.options, other.options)
}

func (p *queryParams) hasNameserver() bool { return p != nil && p.nameserver.IsValid() }

func (p *queryParams) wantsAD() bool { return p != nil && p.bits&dnswire.BitAD != 0 }

// messageKind returns the kind of the cache entry of the answer's message.
func (p *queryParams) messageKind() entryKind {
	kind := kindMessage
	if p == nil {
		return kind
	}
	if p.do {
		kind |= kindDO
	}
	if p.wantsAD() {
		kind |= kindAD
	}
	if p.bits&dnswire.BitCD != 0 {
		kind |= kindCD
	}
	return kind
}

// params returns the parameters of r, or nil for the defaults.
func (r *Request) params() *queryParams {
	if r.rare == nil {
		return nil
	}
	return r.rare.params
}

// optRecord returns the OPT record of the query, which announces udpSize, or nil if it
// needs none.
func (p *queryParams) optRecord(udpSize int) []byte {
	if udpSize <= dnswire.MinUDPSize {
		if !p.do && len(p.options) == 0 {
			return nil
		}
		udpSize = dnswire.EDNSUDPSize
	}
	rec := make([]byte, dnswire.OPTLen, dnswire.OPTLen+len(p.options))
	binary.BigEndian.PutUint16(rec[1:], dns.TypeOPT)
	binary.BigEndian.PutUint16(rec[3:], uint16(udpSize))
	if p.do {
		rec[7] = 0x80
	}
	binary.BigEndian.PutUint16(rec[9:], uint16(len(p.options)))
	return append(rec, p.options...)
}

// apply writes the bits and the class into a query, whose question ends at end.
func (p *queryParams) apply(query []byte, end int) {
	query[3] |= byte(p.bits)
	binary.BigEndian.PutUint16(query[end-2:], p.class)
}

// beginTime sets the limit of r when it starts.
func (r *Request) beginTime() {
	if p := r.params(); p != nil && p.timeout > 0 {
		p.until = r.base.now() + p.timeout
	}
	r.renewLimit()
}

// renewLimit gives r the time for the lookup of a name, within that of its QueryConfig.
func (r *Request) renewLimit() {
	r.limit = r.base.limit()
	if p := r.params(); p != nil {
		r.limit = min(r.limit, p.until)
	}
}
