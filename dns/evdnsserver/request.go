package evdnsserver

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
	"github.com/go-libevent/libevent/dns/internal/list"
)

// Flags are bits of the header of an answer.
type Flags uint16

const (
	// FlagAA says that the answer is authoritative (EVDNS_FLAGS_AA).
	FlagAA Flags = 1 << 10
	// FlagRD says that recursion is desired. It is copied from the
	// request.
	FlagRD Flags = 1 << 8
	// FlagRA says that the server offers recursion. That is the bit that
	// libevent calls RD (EVDNS_FLAGS_RD).
	FlagRA Flags = 1 << 7
	// FlagAD says that the answer was validated (RFC 4035).
	FlagAD Flags = 1 << 5
	// FlagCD says that checking is disabled. It is copied from
	// the request.
	FlagCD Flags = 1 << 4

	settableFlags = FlagAA | FlagRA | FlagAD
)

// A Section is a part of an answer.
type Section uint8

const (
	// AnswerSection has the records that answer the question (EVDNS_ANSWER_SECTION).
	AnswerSection Section = iota
	// AuthoritySection has records of the authority (EVDNS_AUTHORITY_SECTION).
	AuthoritySection
	// AdditionalSection has further records
	// (EVDNS_ADDITIONAL_SECTION).
	AdditionalSection

	sections = iota
)

// A Request is a query that is to be answered: by Respond, with the records that were
// added; by RespondMsg, with a message; or not at all, by Drop. After any of these,
// whatever it has returned, all methods return ErrAnswered. It may be kept until then, and
// answered from any callback, within Config.RequestTimeout (struct evdns_server_request).
type Request struct {
	// Questions are the questions of the query: usually one, but none and several are
	// possible. Names end with a dot, have the case that the client has sent, and
	// escapes for special characters. The answer repeats them, so they must not be
	// changed.
	Questions []dns.Question

	server *Server
	links  list.Links[Request] // in Server.pending
	since  time.Duration       // when it was added there

	wire        []byte // the query
	origin             // of the query
	id          uint16
	bits        uint16 // of the header of the answer
	size        uint16 // of the longest answer, announced by EDNS
	version     uint8  // of EDNS
	edns        bool
	do          bool // DNSSEC OK
	ended       bool // answered or dropped
	opt         *dns.OPT
	records     []record
	questionBuf [1]dns.Question
	recordBuf   [1]record
}

// A record is a record of an answer: an address, or rr.
type record struct {
	section Section
	ttl     uint32
	name    string
	addr    netip.Addr
	rr      dns.RR // or nil
}

// RemoteAddr returns the client (evdns_server_request_get_requesting_addr).
func (r *Request) RemoteAddr() netip.AddrPort { return r.peer }

// TCP reports whether the request came over a TCP connection.
func (r *Request) TCP() bool { return r.client != nil }

// DNSSEC reports whether the client asks for DNSSEC records (DO, RFC 3225).
func (r *Request) DNSSEC() bool { return r.do }

// Flags returns the flags that the answer has so far: those that are copied from the
// request, and those that were set.
func (r *Request) Flags() Flags { return Flags(r.bits &^ dnswire.MaskOpcode) }

// SetFlags sets which of FlagAA, FlagRA and FlagAD the answer has. FlagRD and
// FlagCD, which are copied from the request, it can only add; the error is
// ErrFlags for others
// (evdns_server_request_set_flags).
func (r *Request) SetFlags(flags Flags) error {
	if flags&^(settableFlags|FlagRD|FlagCD) != 0 {
		return fmt.Errorf("evdnsserver: set flags %#x: %w", uint16(flags), ErrFlags)
	}
	return r.withRequest("set flags of", func() error {
		r.bits = r.bits&^uint16(settableFlags) | uint16(flags)
		return nil
	})
}

// Msg returns the whole query, unpacked anew by each call. The error is that of unpacking,
// as only questions and record lengths are checked before, or ErrAnswered.
func (r *Request) Msg() (*dns.Msg, error) {
	m := new(dns.Msg)
	err := r.withRequest("unpack", func() error { return m.Unpack(r.wire) })
	if err != nil {
		return nil, err
	}
	return m, nil
}

// AddA adds an IPv4 address of a name to the answer section, or several. The TTL
// is in whole seconds. Names may end with a dot or not
// (evdns_server_request_add_a_reply).
func (r *Request) AddA(name string, ttl time.Duration, addrs ...netip.Addr) error {
	for _, addr := range addrs {
		if !addr.Is4() {
			return fmt.Errorf("evdnsserver: add %v as IPv4 address: %w", addr, ErrRecord)
		}
	}
	return r.addAddrs(name, ttl, addrs)
}

// AddAAAA is AddA for IPv6 addresses (evdns_server_request_add_aaaa_reply).
func (r *Request) AddAAAA(name string, ttl time.Duration, addrs ...netip.Addr) error {
	for _, addr := range addrs {
		if !addr.Is6() || addr.Zone() != "" {
			return fmt.Errorf("evdnsserver: add %v as IPv6 address: %w", addr, ErrRecord)
		}
	}
	return r.addAddrs(name, ttl, addrs)
}

func (r *Request) addAddrs(name string, ttl time.Duration, addrs []netip.Addr) error {
	name, err := r.owner(name)
	if err != nil {
		return err
	}
	seconds, err := ttlSeconds(ttl)
	if err != nil {
		return err
	}
	r.server.lock()
	defer r.server.unlock()
	for _, addr := range addrs {
		if err := r.add(record{name: name, ttl: seconds, addr: addr}); err != nil {
			return err
		}
	}
	return nil
}

// AddCNAME adds a CNAME record to the answer section: name is an alias of target
// (evdns_server_request_add_cname_reply).
func (r *Request) AddCNAME(name, target string, ttl time.Duration) error {
	return r.addName(AnswerSection, name, dns.TypeCNAME, target, ttl)
}

// AddPTR adds a name of an address to the answer section
// (evdns_server_request_add_ptr_reply).
func (r *Request) AddPTR(addr netip.Addr, hostname string, ttl time.Duration) error {
	if !addr.IsValid() {
		return fmt.Errorf("evdnsserver: add name of no address: %w", ErrRecord)
	}
	name, err := dns.ReverseAddr(addr.WithZone("").String())
	if err != nil {
		return fmt.Errorf("evdnsserver: add name of %v: %w: %w", addr, ErrRecord, err)
	}
	return r.addName(AnswerSection, name, dns.TypePTR, hostname, ttl)
}

// AddPTRName is AddPTR with the address in the form of a name, as in
// 1.2.0.192.in-addr.arpa (evdns_server_request_add_ptr_reply).
func (r *Request) AddPTRName(name, hostname string, ttl time.Duration) error {
	return r.addName(AnswerSection, name, dns.TypePTR, hostname, ttl)
}

// addName adds a record whose data is a name.
func (r *Request) addName(section Section, name string, rrtype uint16, target string, ttl time.Duration) error {
	name, err := r.owner(name)
	if err != nil {
		return err
	}
	if target, err = r.owner(target); err != nil {
		return err
	}
	seconds, err := ttlSeconds(ttl)
	if err != nil {
		return err
	}
	h := dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: seconds}
	if rrtype == dns.TypeCNAME {
		return r.AddReply(section, &dns.CNAME{Hdr: h, Target: target})
	}
	return r.AddReply(section, &dns.PTR{Hdr: h, Ptr: target})
}

// AddReply adds a record of any type to a section; a dns.RFC3597 has raw data. The record
// must not be changed any more. A *dns.OPT replaces the default one of answers to clients
// with EDNS, and is left out for others (evdns_server_request_add_reply).
func (r *Request) AddReply(section Section, rr dns.RR) error {
	if section >= sections {
		return fmt.Errorf("evdnsserver: add to section %d: %w", section, ErrRecord)
	}
	if rr == nil || rr.Header().Name == "" {
		return fmt.Errorf("evdnsserver: add record without a name: %w", ErrRecord)
	}
	if opt, ok := rr.(*dns.OPT); ok {
		return r.withRequest("add record to", func() error { r.opt = opt; return nil })
	}
	r.server.lock()
	defer r.server.unlock()
	return r.add(record{section: section, rr: rr})
}

func (r *Request) add(rec record) error {
	if r.ended {
		return fmt.Errorf("evdnsserver: add record to request of %v: %w", r.peer, ErrAnswered)
	}
	if r.records == nil {
		r.records = r.recordBuf[:0]
	}
	r.records = append(r.records, rec)
	return nil
}

// owner returns a name in the form that records have: valid, with a dot at the end.
func (r *Request) owner(name string) (string, error) {
	if len(r.Questions) > 0 && name == r.Questions[0].Name {
		return name, nil
	}
	full := dns.Fqdn(name)
	var room [dnswire.MaxName]byte
	if _, err := dns.PackDomainName(full, room[:], 0, nil, false); err != nil {
		return "", fmt.Errorf("evdnsserver: add record of %q: %w: %w", name, ErrRecord, err)
	}
	return full, nil
}

// ttlSeconds returns a TTL in the form that records have (RFC 2181, section 8).
func ttlSeconds(ttl time.Duration) (uint32, error) {
	const most = 1<<31 - 1
	seconds := ttl / time.Second
	if seconds < 0 || seconds > most {
		return 0, fmt.Errorf("evdnsserver: add record with TTL %v: %w", ttl, ErrRecord)
	}
	return uint32(seconds), nil
}

// Respond answers the request with the records that were added and a response
// code: dns.RcodeSuccess, dns.RcodeNameError and so on
// (evdns_server_request_respond). Codes above 15 are for clients that speak EDNS.
//
// From an answer that is longer than the client can receive, records are removed from the
// end, and TC is set, unless only additional records are removed. TC is also set if the
// options of the OPT record are too long.
//
// The request has ended, whatever Respond returns. The error is ErrRecord if a record
// cannot be packed, and ErrRcode if the client cannot receive the code, or no standard
// has assigned it, as for the errors of resolvers (evdns.ErrTimeout is 67); then the
// client is sent SERVFAIL. With ErrPending, ErrClientGone and other errors of sending,
// nothing is sent. With ErrAnswered, nothing was done.
func (r *Request) Respond(rcode int) error {
	return r.finish(func() ([]byte, error) {
		if rcode < 0 || rcode > dnswire.MaskRcode && (!r.edns || rcode > dnswire.MaxRcode || isUnassigned(rcode)) {
			return nil, ErrRcode
		}
		return r.server.packer.pack(r, rcode)
	})
}

// isUnassigned reports whether a response code is between those of RFC 8914's time
// and the private ones (RFC 6895, section 2.3).
func isUnassigned(rcode int) bool { return rcode > dns.RcodeBadCookie && rcode < 3841 }

// RespondMsg answers the request with a message, such as the answer of another server,
// instead of the records that were added; an OPT record that was added stays. The message
// is not changed. Errors are those of Respond, and event.ErrNil.
//
// The answer has the records, the response code and the flags AA, TC and RA of the
// message. The id, the question, RD and CD are those of the request. AD is copied for
// clients that ask for it, by AD or DO. DNSSEC records (RRSIG, NSEC, NSEC3) are copied
// for clients that set DO or ask for their type. Of the options of EDNS only extended
// errors (RFC 8914) are copied, as the others are hop-by-hop; for hop-by-hop response
// codes, such as BADVERS and BADCOOKIE, the error is ErrRcode. The answer is truncated as
// by Respond.
func (r *Request) RespondMsg(m *dns.Msg) error {
	return r.finish(func() ([]byte, error) {
		if m == nil {
			return nil, fmt.Errorf("message: %w", event.ErrNil)
		}
		rcode, err := r.copyMessage(m)
		if err != nil {
			return nil, err
		}
		return r.server.packer.pack(r, rcode)
	})
}

// Drop ends a request without an answer (evdns_server_request_drop).
func (r *Request) Drop() error {
	return r.withRequest("drop", func() error { r.end(); return nil })
}

// refuse answers with a response code alone, and ends the request. Questions that cannot
// be packed are left out.
func (r *Request) refuse(rcode int) {
	r.records, r.opt = nil, nil
	r.bits &= copiedBits
	frame, err := r.server.packer.pack(r, rcode)
	if err != nil {
		r.Questions = nil
		frame, err = r.server.packer.pack(r, rcode)
	}
	if err == nil {
		_ = r.send(frame) // which counts errors
	}
	r.end()
}

// finish sends the result of pack, or SERVFAIL if that is an error, and ends the request.
func (r *Request) finish(pack func() ([]byte, error)) error {
	return r.withRequest("answer", func() error {
		frame, err := pack()
		if err == nil {
			err = r.send(frame)
			r.end()
		} else {
			r.server.stats.Failed++
			r.refuse(dns.RcodeServerFailure)
		}
		return err
	})
}

// send sends an answer, which has two bytes before it.
func (r *Request) send(frame []byte) error {
	var err error
	if r.client != nil {
		err = r.client.send(frame)
	} else {
		err = r.server.udp.send(frame[2:], r.origin)
	}
	if err != nil {
		r.server.stats.Failed++
		return err
	}
	r.server.stats.Answers++
	if frame[4]&(dnswire.BitTC>>8) != 0 {
		r.server.stats.Truncated++
	}
	return nil
}

// withRequest calls fn with the lock held, unless the request has ended. It wraps errors
// with op and the client.
func (r *Request) withRequest(op string, fn func() error) error {
	r.server.lock()
	defer r.server.unlock()
	err := ErrAnswered
	if !r.ended {
		err = fn()
	}
	if err != nil {
		return fmt.Errorf("evdnsserver: %s request of %v: %w", op, r.peer, err)
	}
	return nil
}

func (r *Request) end() {
	r.ended = true
	r.wire, r.records, r.opt, r.recordBuf = nil, nil, nil, [1]record{}
	r.server.pending.remove(r)
	r.server.unanswered--
	if r.client != nil {
		r.client.requestEnded()
	}
	r.server.endIfDrained()
}
