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
	// FlagAA says that the answer comes from an authority (EVDNS_FLAGS_AA).
	FlagAA Flags = 1 << 10
	// FlagRD says that the client wants recursion. It is copied from the
	// request.
	FlagRD Flags = 1 << 8
	// FlagRA says that the server offers recursion. That is the bit that
	// libevent calls RD (EVDNS_FLAGS_RD).
	FlagRA Flags = 1 << 7
	// FlagAD says that the answer was validated (RFC 4035).
	FlagAD Flags = 1 << 5
	// FlagCD says that the client does not want validation. It is copied from
	// the request.
	FlagCD Flags = 1 << 4

	settableFlags = FlagAA | FlagRA | FlagAD
)

// A Section is a part of an answer.
type Section uint8

const (
	// AnswerSection has what was asked for (EVDNS_ANSWER_SECTION).
	AnswerSection Section = iota
	// AuthoritySection names the authority (EVDNS_AUTHORITY_SECTION).
	AuthoritySection
	// AdditionalSection has what may be of use besides
	// (EVDNS_ADDITIONAL_SECTION).
	AdditionalSection

	sections = iota
)

// A Request is a query that is to be answered: with records, which are
// added first, and Respond; with a message of the user's own (RespondMsg); or
// not at all (Drop). After that, whatever it has returned, the request is good for
// nothing, and harmless. It may be kept until then, and answered from any callback;
// for how long, SetRequestTimeout says (struct evdns_server_request).
type Request struct {
	// Questions are what is asked: one question, from all clients there are,
	// but none and several are possible. Names end with a dot and have the case
	// that the client wrote, and escapes for special characters. They are
	// repeated in the answer, so they must not be changed.
	Questions []dns.Question

	server *Server
	links  list.Links[Request] // among those that wait for their answers
	since  time.Duration       // when it began to

	wire    []byte // the query
	origin         // of the query
	id      uint16
	bits    uint16 // of the header of the answer
	size    uint16 // of the answer that the client can take, if it speaks EDNS
	version uint8  // of EDNS
	edns    bool
	do      bool // the client wants records of DNSSEC
	ended   bool // answered or dropped
	opt     *dns.OPT
	records []record
	first   [1]dns.Question
	few     [1]record
}

// A record is one of an answer: an address, or anything else.
type record struct {
	section Section
	ttl     uint32
	name    string
	addr    netip.Addr
	rr      dns.RR // or nil
}

// RemoteAddr returns the client (evdns_server_request_get_requesting_addr).
func (r *Request) RemoteAddr() netip.AddrPort { return r.peer }

// TCP says whether the request came over a TCP connection.
func (r *Request) TCP() bool { return r.client != nil }

// DNSSEC says whether the client wants the records that prove others (DO).
func (r *Request) DNSSEC() bool { return r.do }

// Flags returns the flags that the answer has so far: those that the request
// has brought along, and those that were set.
func (r *Request) Flags() Flags { return Flags(r.bits &^ dnswire.MaskOpcode) }

// SetFlags sets which of FlagAA, FlagRA and FlagAD the answer has. FlagRD and
// FlagCD, which are copied from the request, it can only add; the error is
// ErrFlags for others
// (evdns_server_request_set_flags).
func (r *Request) SetFlags(flags Flags) error {
	if flags&^(settableFlags|FlagRD|FlagCD) != 0 {
		return fmt.Errorf("evdnsserver: set flags %#x: %w", uint16(flags), ErrFlags)
	}
	return r.change("set flags", func() error {
		r.bits = r.bits&^uint16(settableFlags) | uint16(flags)
		return nil
	})
}

// Msg returns the whole query, read anew by each call. The error says what is
// malformed in it, which may be anything but the questions and the form of
// records; or that the request was answered.
func (r *Request) Msg() (*dns.Msg, error) {
	m := new(dns.Msg)
	err := r.change("read message", func() error { return m.Unpack(r.wire) })
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

// AddCNAME says in the answer section that a name is an alias for another one
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

// AddReply adds any record to a section; dns.RFC3597 is one with data of the
// user's own (evdns_server_request_add_reply). The record must not be changed
// any more. A *dns.OPT takes the place of the one that answers clients that
// speak EDNS, and is left out for others.
func (r *Request) AddReply(section Section, rr dns.RR) error {
	if section >= sections {
		return fmt.Errorf("evdnsserver: add to section %d: %w", section, ErrRecord)
	}
	if rr == nil || rr.Header().Name == "" {
		return fmt.Errorf("evdnsserver: add record without a name: %w", ErrRecord)
	}
	if opt, ok := rr.(*dns.OPT); ok {
		return r.change("add record", func() error { r.opt = opt; return nil })
	}
	r.server.lock()
	defer r.server.unlock()
	return r.add(record{section: section, rr: rr})
}

func (r *Request) add(rec record) error {
	if r.ended {
		return fmt.Errorf("evdnsserver: add record: %w", ErrAnswered)
	}
	if r.records == nil {
		r.records = r.few[:0]
	}
	r.records = append(r.records, rec)
	return nil
}

// owner returns a name as it goes into records.
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

// ttlSeconds returns a TTL as it goes into records (RFC 2181, section 8).
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
// An answer that is longer than the client can take loses records, from the end,
// and says so (TC), unless they are only additional; so it does if the options of
// its OPT record alone are too long.
//
// The request has ended, whatever Respond returns. The error is ErrRecord if a
// record cannot be put into a message, and ErrRcode if the code is one that the
// client cannot be sent, or that no standard has assigned, as are the errors of
// resolvers (evdns.ErrTimeout is 67); the client gets SERVFAIL then. With ErrPending and ErrClientGone, and any other error of
// sending, it gets nothing. With ErrAnswered, nothing was done.
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

// RespondMsg answers the request with a message, as one that came from another
// server, and leaves aside what was added, but for an OPT record. The message is
// not changed. Errors are those of Respond, and event.ErrNil.
//
// The answer has the records, the response code and the flags AA, TC and RA of the
// message. The id, the question, RD and CD are those of the request. AD is that of
// the message, for clients that ask for it, by AD or DO. Records that prove others
// (RRSIG, NSEC, NSEC3) are only for clients that set DO or ask for their type. Of
// its OPT record the answer has the extended errors (RFC 8914), as cookies,
// keepalives, padding, client subnets and sizes concern that server
// only; response codes that are about the exchange with it, such as BADVERS and
// BADCOOKIE, are ErrRcode. Records are left out like those of Respond.
func (r *Request) RespondMsg(m *dns.Msg) error {
	return r.finish(func() ([]byte, error) {
		if m == nil {
			return nil, fmt.Errorf("message: %w", event.ErrNil)
		}
		rcode, err := r.adopt(m)
		if err != nil {
			return nil, err
		}
		return r.server.packer.pack(r, rcode)
	})
}

// Drop ends a request without an answer (evdns_server_request_drop).
func (r *Request) Drop() error {
	return r.change("drop", func() error { r.end(); return nil })
}

// refuse answers with a code and nothing else, and ends the request. Questions that
// cannot be repeated are left out.
func (r *Request) refuse(rcode int) {
	r.records, r.opt = nil, nil
	r.bits &= copiedBits
	frame, err := r.server.packer.pack(r, rcode)
	if err != nil {
		r.Questions = nil
		frame, err = r.server.packer.pack(r, rcode)
	}
	if err == nil {
		_ = r.send(frame) // which has counted what it could not send
	}
	r.end()
}

// finish sends what pack returns, or SERVFAIL if that is an error. In any case the
// request has ended.
func (r *Request) finish(pack func() ([]byte, error)) error {
	return r.change("respond", func() error {
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

// change calls fn with the lock held, unless the request has ended. Errors get op
// and the client.
func (r *Request) change(op string, fn func() error) error {
	r.server.lock()
	defer r.server.unlock()
	err := ErrAnswered
	if !r.ended {
		err = fn()
	}
	if err != nil {
		return fmt.Errorf("evdnsserver: %s: request of %v: %w", op, r.peer, err)
	}
	return nil
}

func (r *Request) end() {
	r.ended = true
	r.wire, r.records, r.opt, r.few = nil, nil, nil, [1]record{}
	r.server.pending.remove(r)
	r.server.open--
	if r.client != nil {
		r.client.requestEnded()
	}
	r.server.settle()
}
