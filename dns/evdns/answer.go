package evdns

import (
	"strings"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// receive handles a message from a channel. One that does not match a request on it is
// ignored: it may be forged.
func (c *channel) receive(msg []byte, truncated bool) {
	b := c.server.base
	h, ok := dnswire.ReadHeader(msg)
	if !ok {
		return
	}
	r := c.find(h.ID)
	exact := r != nil && r.query != nil && h.Matches(msg, r.question(), true)
	if !exact && !c.acceptsFolded(r, msg, h) {
		if debugging() {
			logDebug("ignored a message that matches no query", "from", c.server.addr, "id", h.ID)
		}
		return
	}
	c.noteAnswer()
	if truncated || h.Bits&dnswire.BitTC != 0 && (!c.stream || r.flags&IgnoreTC != 0) {
		b.truncated(r)
		return
	}
	b.answer(r, msg, h)
}

// noteAnswer counts a message that matches a request.
func (c *channel) noteAnswer() {
	c.answers++
	c.lastAnswer = c.server.base.now()
}

// truncated handles an answer that was too long for a datagram.
func (b *Base) truncated(r *Request) {
	r.server.noteAnswer(r)
	if r.probe {
		b.terminate(r)
		return
	}
	if r.flags&IgnoreTC != 0 || r.stream || r.server.dial != nil {
		b.forAll(r, func(r *Request) { b.failOrSearch(r, outcome{err: ErrTruncated}) })
		return
	}
	r.stream = true
	r.refundAttempt() // as the nameserver has answered
	r.leaveChannel()
	b.transmit(r, r.server)
}

// answer handles a complete answer.
func (b *Base) answer(r *Request, msg []byte, h dnswire.Header) {
	rcode := h.Rcode()
	if h.Answers == 0 && h.Extra > 0 {
		rcode = h.FullRcode(msg, r.afterQuestion(h))
	}
	switch {
	case r.isEDNSError(rcode):
		b.resendWithoutEDNS(r)
	case rcode == dns.RcodeServerFailure:
		b.serverFailed(r)
	case rcode == dns.RcodeNotImplemented, rcode == dns.RcodeRefused:
		b.refused(r, Err(rcode))
	case h.IsReferral() && b.retryReferral(r):
	default:
		r.server.noteAnswer(r)
		if r.probe {
			b.terminate(r)
			return
		}
		b.complete(r, msg, h)
	}
}

// complete ends a request and its followers with an answer, or continues their searches
// with the next name.
func (b *Base) complete(r *Request, msg []byte, h dnswire.Header) {
	offset := r.afterQuestion(h)
	b.forAll(r, func(r *Request) {
		o := b.outcomeOf(r, msg, h, offset)
		if h.Bits&dnswire.BitTC != 0 {
			o.dropUnreliable()
		}
		b.cacheStore(r, &o, msg)
		if o.err == nil {
			b.end(r, o)
		} else {
			b.failOrSearch(r, o)
		}
	})
}

// dropUnreliable adapts an outcome to a message that has TC though it came over a stream.
// Its records may be used, but not cached (RFC 2181, section 9), and the absence of
// records means nothing.
func (o *outcome) dropUnreliable() {
	o.answer.TTL = 0
	if o.err == ErrNoData {
		o.err = ErrTruncated
	}
}

// outcomeOf unpacks an answer to a request: addresses or names, or a message. offset is
// the end of the question.
func (b *Base) outcomeOf(r *Request, msg []byte, h dnswire.Header, offset int) (o outcome) {
	if h.Questions > 0 {
		r.restoreCase(msg[:offset])
	}
	if r.callback != nil {
		o.answer, o.err = b.parseAnswer(r, msg, h, offset)
		return o
	}
	if !b.config.TrustAD && !r.params().wantsAD() {
		msg[3] &^= byte(dnswire.BitAD)
	}
	m, err := dnswire.UnpackMessage(msg, r.name, 0)
	if err != nil {
		o.err = ErrTruncated
		return o
	}
	o.message, o.err = m, messageError(m)
	o.answer.TTL = dnswire.MessageTTL(m, r.qtype)
	return o
}

// parseAnswer unpacks the addresses or names that r asks for.
func (b *Base) parseAnswer(r *Request, msg []byte, h dnswire.Header, offset int) (Answer, error) {
	got, found, err := b.buffers.reader.Read(msg, offset, h, r.name, r.qtype)
	switch {
	case err != nil:
		return Answer{}, ErrTruncated
	case !found:
		return Answer{TTL: got.TTL}, rcodeError(h.Rcode())
	}
	return Answer{Type: answerType(r.qtype), Addrs: got.Addrs, Names: got.Names, CanonName: got.CanonName, TTL: got.TTL}, nil
}

// afterQuestion returns the offset of the answer section.
func (r *Request) afterQuestion(h dnswire.Header) int {
	if h.Questions > 0 {
		return dnswire.HeaderLen + len(r.question())
	}
	return dnswire.HeaderLen
}

// restoreCase replaces the random case of the name in the question of an answer by that
// of r.name, as other names in the answer may be compressed to it. msg is the answer up
// to the end of the question.
func (r *Request) restoreCase(msg []byte) {
	if strings.IndexByte(r.name, '\\') >= 0 {
		if _, err := dns.PackDomainName(r.name, msg, dnswire.HeaderLen, nil, false); err != nil {
			logWarn("restore case", "error", err)
		}
		return
	}
	wire := msg[dnswire.HeaderLen+1:] // the same as the name, but for lengths instead of dots
	for i := range len(r.name) {
		if c := r.name[i]; c != '.' {
			wire[i] = c
		}
	}
}

// serverFailed handles SERVFAIL. The nameserver may be broken, or one that it depends
// on; the request is sent to another one.
func (b *Base) serverFailed(r *Request) {
	const why = "nameserver failed"
	s := r.server
	if !r.probe {
		r.failure = uint8(ErrServerFailed)
		s.noteServerFailure(why)
		r.leaveChannel() // which expects no other answer to this query
	}
	b.retry(r, why)
}

// refused handles REFUSED and NOTIMP: the nameserver is down from now on, and excluded
// for this request, which is sent to another one.
func (b *Base) refused(r *Request, why Err) {
	if !r.probe {
		r.failure = uint8(why)
		r.exclude(r.server)
		r.server.markDown(why.Error())
	}
	b.retry(r, why.Error())
}

// failOrSearch ends a request without followers with an error, unless its search has
// more names, of which it looks up the next.
func (b *Base) failOrSearch(r *Request, o outcome) {
	if r.rare == nil || len(r.rare.names) == 0 {
		b.end(r, o)
		return
	}
	if orphan := b.requests.remove(r); orphan != nil {
		b.terminate(orphan)
	}
	r.query = nil
	r.resetAttempts()
	r.renewLimit()
	b.nextName(r)
	if !b.cacheLookup(r) {
		b.requests.enqueue(r)
		b.scheduleFlush()
	}
}

// nextName sets the name of r to the next one of its search, if there is one.
func (b *Base) nextName(r *Request) bool {
	if r.rare == nil || len(r.rare.names) == 0 {
		return false
	}
	r.name = dns.Fqdn(r.rare.names[0])
	r.rare.names = r.rare.names[1:]
	return true
}

// cacheLookup ends a request, which is in no queue, if its answer is cached. If a negative
// answer is cached, it continues the search with the next name.
func (b *Base) cacheLookup(r *Request) bool {
	if r.probe {
		return false
	}
	for {
		o, ok := b.known(r)
		if !ok {
			return false
		}
		if o.err == nil || isNoAnswer(o.err) || !b.nextName(r) {
			b.end(r, o)
			return true
		}
	}
}

// known returns the outcome of r if no query is needed: for special names, cached
// failures and cached answers.
func (b *Base) known(r *Request) (outcome, bool) {
	if kind := r.special(); kind != specialNot {
		return kind.outcome(r), true
	}
	if b.flags&NoCache != 0 || !r.params().isCacheable() {
		return outcome{}, false
	}
	if b.failures.any() && r.params().isDefault() {
		if err := b.failures.get(r, b.now()); err != nil {
			return outcome{err: err}, true
		}
	}
	if r.callback != nil {
		v, ok := b.cache.get(r.name, r.qtype, b.now())
		return outcome{answer: v.answer, err: v.err}, ok
	}
	v, ok := b.cache.getMessage(r.params().messageKind(), r.name, r.qtype, b.now())
	if !ok || v.message == nil { // the absence of a name is cached, but not the message that says so
		return outcome{}, false
	}
	m, err := dnswire.UnpackMessage(v.message, r.name, v.age)
	return outcome{message: m, err: v.err}, err == nil
}

// cacheStore caches an answer, positive or negative.
func (b *Base) cacheStore(r *Request, o *outcome, msg []byte) {
	if b.flags&NoCache != 0 || o.answer.TTL <= 0 || !r.params().isCacheable() {
		return
	}
	if o.err != nil && o.err != ErrNotExist && o.err != ErrNoData {
		return
	}
	if r.callback != nil {
		b.cache.put(r.name, r.qtype, cached{answer: o.answer, err: o.err}, b.now())
	} else {
		b.cache.putMessage(r.params().messageKind(), r.name, r.qtype, cached{answer: Answer{TTL: o.answer.TTL}, message: msg, err: o.err}, b.now())
	}
}

// retryReferral sends r to another nameserver, instead of one that has answered with a
// referral, as glibc does, and reports whether another one is up.
func (b *Base) retryReferral(r *Request) bool {
	if r.probe {
		return false
	}
	r.exclude(r.server)
	next := b.pick(r)
	if next == nil || !next.up {
		return false
	}
	r.server.noteAnswer(r)
	r.leaveChannel()
	b.transmit(r, next)
	return true
}
