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
)

// QueryFlags change how a name is looked up.
type QueryFlags uint8

const (
	// NoSearch looks up the name as it is, without search domains
	// (DNS_QUERY_NO_SEARCH).
	NoSearch QueryFlags = 0x01
	// UseVC uses TCP from the start (DNS_QUERY_USEVC).
	UseVC QueryFlags = 0x02
	// IgnoreTC makes a truncated answer the error ErrTruncated, instead of sending
	// the query again over TCP (DNS_QUERY_IGNTC).
	IgnoreTC QueryFlags = 0x04
	// CNAMECallback has the callback called a second time after a positive
	// answer, if the name is an alias, with an Answer of TypeCNAME
	// (DNS_CNAME_CALLBACK).
	CNAMECallback QueryFlags = 0x80

	allQueryFlags = NoSearch | UseVC | IgnoreTC | CNAMECallback
)

// AnswerType is the kind of data of an Answer.
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

// An Answer is the data of a name or an address. With an error it has only a Type and, if
// the error can be cached, a TTL.
type Answer struct {
	Type      AnswerType
	Addrs     []netip.Addr  // of TypeA and TypeAAAA
	Names     []string      // of TypePTR and TypeCNAME, without a dot at the end
	CanonName string        // of TypeA and TypeAAAA: the name that the name is an alias of, or ""
	TTL       time.Duration // how long this may be cached
}

// A state is the state of a request.
type state uint8

const (
	stateNew      state = iota // in no queue
	stateWaiting               // in requests.waiting
	stateInflight              // in requests.inflight
	stateJoined                // follows a request with the same question
	stateEnded                 // its callback is queued, was called, or never will be
)

// A Request is a lookup under way. It need not be kept; after its callback was called its
// methods do nothing (struct evdns_request).
type Request struct {
	base  *Base
	links links    // in the queue of its state
	chain *Request // the next one in its bucket of via

	name  string      // that is looked up now, with a dot at its end
	query []byte      // in wire format, or nil before the first attempt
	rare  *rareFields // or nil

	server   *nameserver // of the last attempt, or nil
	via      *channel    // on which an answer is expected, or nil
	callback func(Answer, error)

	sentAt   time.Duration // the last attempt
	deadline time.Duration // of the queue: of the attempt, or limit
	limit    time.Duration // of the lookup of this name

	id, qtype uint16
	opt       uint16 // length of the OPT record that query ends with
	flags     QueryFlags
	state     state
	caseCheck caseCheck
	sent      uint8 // attempts, 255 at most
	failure   uint8 // the Err of the last attempt, or 0 for a timeout
	probe     bool  // of a nameserver's health, without a callback
	noEDNS    bool  // server has rejected EDNS
	stream    bool  // sent over a stream
	repeated  bool  // the last two attempts were at the same nameserver
	unsent    bool  // in via.unsent
}

// forever is the deadline of what has none.
const forever = time.Duration(math.MaxInt64)

// rareFields are the fields that few requests use.
type rareFields struct {
	names   []string              // of the search, after this one
	message func(*dns.Msg, error) // the callback of Query
	params  *queryParams          // of QueryWith, or nil for the defaults
	history *history              // of failed attempts, or nil
	share   *share                // with equal questions, or nil
}

// rareFields returns the rare fields of r, and makes them if there are none.
func (r *Request) rareFields() *rareFields {
	if r.rare == nil {
		r.rare = new(rareFields)
	}
	return r.rare
}

// ResolveIPv4 looks up the IPv4 addresses of a name. cb is called by the loop,
// once, and never before ResolveIPv4 has returned. Its error wraps an Err. The error of
// ResolveIPv4 itself wraps ErrName if the name is not valid, or ErrTooMany; then cb is
// never called (evdns_base_resolve_ipv4).
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

// Query looks up the records of any type that a name has, in class IN; QueryWith takes
// more parameters. cb gets the message of a nameserver, which it may keep, or nil if there
// was none. An error wraps an Err, as for ResolveIPv4, and may come with a message, as
// for a name that does not exist. The name is in the format of zone files, with
// backslashes as escapes. CNAMECallback has no effect. For zone transfers the error wraps
// errors.ErrUnsupported.
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

// start starts a request for a name, or for those of its search.
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
		first, rest := b.search.names(r.name, &b.config.Config)
		r.name = first
		if len(rest) > 0 {
			r.rareFields().names = rest
		}
	}
	r.name = dns.Fqdn(r.name)
	r.stream = r.flags&UseVC != 0
	r.beginTime()
	b.requests.addUser()
	if !b.cacheLookup(r) {
		b.requests.enqueue(r)
		b.scheduleFlush()
	}
	return r, nil
}

// withoutIPv6 makes a request for IPv6 addresses one that finds none, but looks up those
// of IPv4, to report whether the name exists.
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
	case b.requests.lenWaiting()-b.freeSlots() >= b.config.MaxWaiting:
		return ErrTooMany
	}
	return nil
}

// Cancel ends the request: the loop calls its callback with ErrCancel, later. If the
// request has ended already, Cancel does nothing (evdns_cancel_request).
func (r *Request) Cancel() {
	b := r.base
	b.lock()
	if !r.ended() {
		b.end(r, outcome{err: ErrCancel})
	}
	b.unlock()
}

// ended reports whether the callback of the request is queued or was called.
func (r *Request) ended() bool { return r.state == stateEnded || r.isDetached() }

// end ends a request, whose callback is called with the outcome.
func (b *Base) end(r *Request, o outcome) {
	if !r.probe {
		b.queueCallback(r, o)
	}
	b.abort(r)
}

// abort ends a request without calling its callback, unless that is queued. If it has
// followers, it stays in flight for them.
func (b *Base) abort(r *Request) {
	if r.ended() {
		return
	}
	if !r.probe {
		b.requests.removeUser()
	}
	if r.followers() == nil {
		b.terminate(r)
		return
	}
	r.rare.share.leaderOnly = true
	b.scheduleFlush()
}

// terminate removes a request for good, and the leader that was sent for it alone.
func (b *Base) terminate(r *Request) {
	for r != nil {
		orphan := b.requests.remove(r)
		r.state = stateEnded
		r = orphan
	}
	b.scheduleFlush() // a slot in flight may be free, or the loop may end
}

// endRequests ends all requests, and queues their callbacks if report.
func (b *Base) endRequests(report bool) {
	for r := b.requests.first(); r != nil; r = b.requests.first() {
		b.forAll(r, func(r *Request) {
			if report {
				b.end(r, outcome{err: ErrShutdown})
			} else {
				b.abort(r)
			}
		})
	}
}

// extendLimit extends the limits of r and its followers by d, but not the time that a
// QueryConfig gives.
func (r *Request) extendLimit(d time.Duration) {
	if r.limit < forever/2 {
		r.limit += d
	}
	if p := r.params(); p != nil {
		r.limit = min(r.limit, p.until)
	}
	if q := r.followers(); q != nil {
		for follower := q.first; follower != nil; follower = follower.links.next {
			follower.extendLimit(d)
		}
	}
}
