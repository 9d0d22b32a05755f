package evdns

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
	"github.com/go-libevent/libevent/dns/internal/list"
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

// answerType returns the type of the answers to queries of a type.
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

// An Answer is what was found out about a name or an address. With an error it
// has only a Type and, if the error is worth remembering, a TTL.
type Answer struct {
	Type      AnswerType
	Addrs     []netip.Addr  // of TypeA and TypeAAAA
	Names     []string      // of TypePTR and TypeCNAME, without a dot at the end
	CanonName string        // of TypeA and TypeAAAA: what the name is an alias for, or ""
	TTL       time.Duration // how long this may be remembered
}

// A state says where a request is.
type state uint8

const (
	stateNew      state = iota // in no queue
	stateWaiting               // in Base.waiting
	stateInflight              // in Base.inflight
	stateJoined                // in the queue of the request that asks the same
	stateEnded                 // its callback is due, or was called, or never will be
)

// A Request is a lookup under way. It may be forgotten or kept; after its
// callback was called it is good for nothing, and harmless (struct
// evdns_request).
type Request struct {
	base  *Base
	links list.Links[Request] // in the queue of its state
	chain *Request            // among those of via

	name  string      // which is asked for now, with a dot at its end
	query []byte      // the message that asks, or nil as long as none was sent
	rare  *rareFields // or nil

	server   *nameserver // that was asked last, or nil
	via      *channel    // where an answer is awaited, or nil
	callback func(Answer, error)

	sentAt   time.Duration // the last time
	deadline time.Duration // when the queue's owner is to look at it
	limit    time.Duration // when it ends at the latest

	id, qtype uint16
	opt       uint16 // length of the OPT record that query ends with
	flags     QueryFlags
	state     state
	caseCheck caseCheck
	sent      uint8 // how often, 255 times at most
	failure   uint8 // what went wrong last, an Err, or 0 for silence
	probe     bool  // is the resolver's own
	plain     bool  // is to have no EDNS, as the nameserver has complained
	stream    bool  // is to be sent over a stream
	repeated  bool  // was sent to the same nameserver twice in a row
	unsent    bool  // is to be sent by via
}

// forever is a deadline that does not come.
const forever = time.Duration(math.MaxInt64)

// rareFields are those that few requests use.
type rareFields struct {
	names   []string              // to be tried after this one
	message func(*dns.Msg, error) // the callback of Query
	asking  *asking               // how it is asked, or nil for the way of all others
	trouble *trouble              // what has gone wrong, or nil
	share   *share                // what it has to do with others, or nil
}

// rareFields returns the part of r that few requests have.
func (r *Request) rareFields() *rareFields {
	if r.rare == nil {
		r.rare = new(rareFields)
	}
	return r.rare
}

// ResolveIPv4 looks up the IPv4 addresses of a name. cb is called by the loop,
// once, and never before ResolveIPv4 has returned. The error it gets wraps an
// Err. That of ResolveIPv4 itself wraps ErrName if the name cannot be looked up,
// or ErrTooMany; then cb is never called (evdns_base_resolve_ipv4).
func (b *Base) ResolveIPv4(name string, flags QueryFlags, cb func(Answer, error)) (*Request, error) {
	return b.resolve(name, dns.TypeA, flags, cb)
}

// ResolveIPv6 looks up the IPv6 addresses of a name, as ResolveIPv4 does
// (evdns_base_resolve_ipv6).
func (b *Base) ResolveIPv6(name string, flags QueryFlags, cb func(Answer, error)) (*Request, error) {
	return b.resolve(name, dns.TypeAAAA, flags, cb)
}

func (b *Base) resolve(name string, qtype uint16, flags QueryFlags, cb func(Answer, error)) (*Request, error) {
	if err := dnswire.CheckHostname(name); err != nil {
		return nil, lookupError(name, qtype, err)
	}
	return b.start(&Request{base: b, name: name, qtype: qtype, flags: flags, callback: cb})
}

// ResolveReverse looks up the names of an address, as ResolveIPv4 does. An
// IPv4-mapped IPv6 address counts as IPv4 (evdns_base_resolve_reverse,
// evdns_base_resolve_reverse_ipv6).
func (b *Base) ResolveReverse(addr netip.Addr, flags QueryFlags, cb func(Answer, error)) (*Request, error) {
	name, err := dnswire.ReverseName(addr)
	if err != nil {
		return nil, lookupError(addr.String(), dns.TypePTR, err)
	}
	return b.start(&Request{base: b, name: name, qtype: dns.TypePTR, flags: flags | NoSearch, callback: cb})
}

// Query asks for the records of any type that a name has, in class IN; QueryWith can
// ask in other ways. cb gets
// the message that a nameserver has answered, which is its own from then on,
// and nil if there was none; an error wraps an Err, as for ResolveIPv4, and may
// come with a message, as for a name that does not exist. The name is as in a
// zone file: a backslash gives a meaning to the character or the three digits
// that follow. CNAMECallback means nothing here. Transfers of zones are no
// queries.
func (b *Base) Query(name string, qtype uint16, flags QueryFlags, cb func(*dns.Msg, error)) (*Request, error) {
	if err := checkQuery(name, qtype); err != nil {
		return nil, lookupError(name, qtype, err)
	}
	r := &Request{base: b, name: name, qtype: qtype, flags: flags &^ CNAMECallback}
	if cb != nil {
		r.rare = &rareFields{message: cb}
	}
	return b.start(r)
}

func checkQuery(name string, qtype uint16) error {
	switch qtype {
	case dns.TypeAXFR, dns.TypeIXFR, dns.TypeOPT, dns.TypeNone:
		return fmt.Errorf("type: %w", errors.ErrUnsupported)
	}
	_, err := dnswire.PackQuery(dns.Fqdn(name), qtype, nil, nil)
	return err
}

// start begins a request for a name, or several.
func (b *Base) start(r *Request) (*Request, error) {
	b.lock()
	defer b.unlock()
	if err := b.checkStart(r); err != nil {
		return nil, lookupError(r.name, r.qtype, err)
	}
	if b.config.NoAAAA && specialOf(r.name) == specialNot && r.qtype == dns.TypeAAAA && r.callback != nil {
		r.withoutIPv6()
	}
	if b.config.UseVC {
		r.flags |= UseVC
	}
	if b.config.IgnoreTC {
		r.flags |= IgnoreTC
	}
	if r.flags&NoSearch == 0 {
		first, rest := b.search.names(r.name)
		r.name = first
		if len(rest) > 0 {
			r.rareFields().names = rest
		}
	}
	r.name = dns.Fqdn(r.name)
	r.stream = r.flags&UseVC != 0
	r.beginTime()
	b.users++
	if !b.cacheLookup(r) {
		b.enter(r)
		b.finishLater()
	}
	return r, nil
}

// limit returns when a request is given up at the latest that begins with a name
// now: it has the time of all attempts, and that of one for each nameserver that
// these may not reach. While the resolver is suspended there is no end.
func (b *Base) limit() time.Duration {
	if b.suspended {
		return forever
	}
	const longest = forever / 2
	n := time.Duration(b.config.Attempts + max(0, len(b.servers)-1))
	if b.config.patience() > longest/n {
		return longest
	}
	return b.now() + n*b.config.patience()
}

// withoutIPv6 makes a request for IPv6 addresses one that finds none, but asks for
// those of IPv4, to know whether there is such a name.
func (r *Request) withoutIPv6() {
	name, callback := r.name, r.callback
	r.qtype = dns.TypeA
	r.flags &^= CNAMECallback
	r.callback = func(a Answer, err error) {
		if err == nil {
			err = lookupError(name, dns.TypeAAAA, ErrNoData)
		}
		callback(Answer{Type: TypeAAAA, TTL: a.TTL}, err)
	}
}

func (b *Base) checkStart(r *Request) error {
	switch {
	case b.freed:
		return ErrFreed
	case r.callback == nil && (r.rare == nil || r.rare.message == nil):
		return fmt.Errorf("callback: %w", event.ErrNil)
	case r.flags&^allQueryFlags != 0:
		return fmt.Errorf("%#x: %w", uint8(r.flags&^allQueryFlags), ErrFlags)
	case b.waiting.Len()+b.joined-b.places() >= b.config.MaxWaiting:
		return ErrTooMany
	}
	return nil
}

// Cancel ends the request: its callback is called with ErrCancel, by the loop,
// later. If the callback is due already, it comes as it would have, and after
// that Cancel does nothing (evdns_cancel_request).
func (r *Request) Cancel() {
	b := r.base
	b.lock()
	if !r.over() {
		b.end(r, outcome{err: ErrCancel})
	}
	b.unlock()
}

// over says whether the callback of the request is due or was called.
func (r *Request) over() bool { return r.state == stateEnded || r.detached() }

// end ends a request, with what its callback is to be told.
func (b *Base) end(r *Request, o outcome) {
	if !r.probe {
		b.tell(r, o)
	}
	b.quit(r)
}

// quit ends a request without calling its callback, unless that is due. If others have
// joined it, it is still sent for them.
func (b *Base) quit(r *Request) {
	if r.over() {
		return
	}
	if !r.probe {
		b.users--
	}
	if r.joined() == nil {
		b.remove(r)
		return
	}
	r.rare.share.detached = true
	b.finishLater()
}

// remove takes a request out of everything, for good.
func (b *Base) remove(r *Request) {
	b.withdraw(r)
	r.state = stateEnded
	b.finishLater() // others may take its place, or the loop have nothing left to wait for
}

// withdraw takes a request out of everything. None may have joined it.
func (b *Base) withdraw(r *Request) {
	switch r.state {
	case stateWaiting:
		b.waiting.Remove(r)
		b.questions.remove(r)
	case stateInflight:
		b.leave(r)
		b.inflight.Remove(r)
		if !r.probe {
			b.questions.remove(r)
		}
	case stateJoined:
		b.part(r)
	}
	r.state = stateNew
}

// leave takes a request off the way on which its answer was awaited.
func (b *Base) leave(r *Request) {
	if r.via != nil {
		r.via.drop(r)
	}
}

// endRequests ends all requests, and tells their callbacks if tell.
func (b *Base) endRequests(tell bool) {
	for _, q := range []*queue{&b.inflight, &b.waiting} {
		for r := q.First(); r != nil; r = q.First() {
			b.each(r, func(r *Request) {
				b.remove(r)
				if tell && !r.probe {
					b.tell(r, outcome{err: ErrShutdown})
				}
			})
		}
	}
	b.users = 0
}
