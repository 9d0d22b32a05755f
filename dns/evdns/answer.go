package evdns

import (
	"strings"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// receive deals with a message that has come in on a channel. What answers none
// of the requests on it is not looked at: somebody may be guessing.
func (c *channel) receive(msg []byte, truncated bool) {
	b := c.server.base
	h, ok := dnswire.ReadHeader(msg)
	if !ok {
		return
	}
	r := c.find(h.ID)
	exact := r != nil && r.query != nil && h.Matches(msg, r.question(), true)
	if !exact && !c.resembles(r, msg, h) {
		if debugging() {
			logDebug("ignored a message that answers nothing", "from", c.server.addr, "id", h.ID)
		}
		return
	}
	c.heard()
	if truncated || h.Bits&dnswire.BitTC != 0 && (!c.stream || r.flags&IgnoreTC != 0) {
		b.cutOff(r)
		return
	}
	b.answer(r, msg, h)
}

// heard notes that the nameserver has sent something sensible.
func (c *channel) heard() {
	c.answers++
	c.heardAt = c.server.base.now()
}

// cutOff deals with an answer that was too long for a datagram.
func (b *Base) cutOff(r *Request) {
	r.server.works(r)
	if r.probe {
		b.remove(r)
		return
	}
	if r.flags&IgnoreTC != 0 || r.stream || r.server.dial != nil {
		b.each(r, func(r *Request) { b.fail(r, outcome{err: ErrTruncated}) })
		return
	}
	r.stream = true
	r.sent-- // the nameserver has answered, after all
	b.leave(r)
	b.transmit(r, r.server)
}

// answer deals with an answer that is whole.
func (b *Base) answer(r *Request, msg []byte, h dnswire.Header) {
	rcode := h.Rcode()
	if h.Answers == 0 && h.Extra > 0 {
		rcode = h.FullRcode(msg, r.afterQuestion(h))
	}
	switch {
	case r.isAboutEDNS(rcode):
		b.askPlainly(r)
	case rcode == dns.RcodeServerFailure:
		b.serverFailed(r)
	case rcode == dns.RcodeNotImplemented, rcode == dns.RcodeRefused:
		b.refused(r, Err(rcode))
	case h.IsReferral() && b.askAnother(r):
	default:
		r.server.works(r)
		if r.probe {
			b.remove(r)
			return
		}
		b.complete(r, msg, h)
	}
}

// complete ends a request, and those that have joined it, with what a nameserver
// that is all right has said, or goes on to the next name.
func (b *Base) complete(r *Request, msg []byte, h dnswire.Header) {
	offset := r.afterQuestion(h)
	b.each(r, func(r *Request) {
		o := b.parse(r, msg, h, offset)
		if h.Bits&dnswire.BitTC != 0 {
			o.cutShort()
		}
		b.cacheStore(r, &o, msg)
		if o.err == nil {
			b.end(r, o)
		} else {
			b.fail(r, o)
		}
	})
}

// cutShort makes the outcome that of a message that says that it is cut off, though it
// has come over a stream. What there is may be used, but not remembered (RFC 2181,
// section 9); that there is nothing is not said.
func (o *outcome) cutShort() {
	o.answer.TTL = 0
	if o.err == ErrNoData {
		o.err = ErrTruncated
	}
}

// parse reads an answer, in the form in which the request wants it. What
// follows the question is at offset.
func (b *Base) parse(r *Request, msg []byte, h dnswire.Header, offset int) (o outcome) {
	if h.Questions > 0 {
		r.restoreCase(msg[:offset])
	}
	if r.callback != nil {
		o.answer, o.err = b.parseAnswer(r, msg, h, offset)
		return o
	}
	if !b.config.TrustAD && !r.asking().wantsAD() {
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

// parseAnswer reads the addresses or names that r asks for.
func (b *Base) parseAnswer(r *Request, msg []byte, h dnswire.Header, offset int) (Answer, error) {
	got, found, err := b.reader.Read(msg, offset, h, r.name, r.qtype)
	switch {
	case err != nil:
		return Answer{}, ErrTruncated
	case !found:
		return Answer{TTL: got.TTL}, rcodeError(h.Rcode())
	}
	return Answer{Type: answerType(r.qtype), Addrs: got.Addrs, Names: got.Names, CanonName: got.CanonName, TTL: got.TTL}, nil
}

// afterQuestion returns what follows the question in an answer.
func (r *Request) afterQuestion(h dnswire.Header) int {
	if h.Questions > 0 {
		return dnswire.HeaderLen + len(r.question())
	}
	return dnswire.HeaderLen
}

// restoreCase writes the name in the question of an answer as it was given to us,
// without the capital letters that we have put there: other names in the answer
// may refer to it. msg is the answer up to the end of the question.
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

// serverFailed deals with the complaint that a nameserver cannot answer. It may
// be broken, or know somebody who is. Another one may be better.
func (b *Base) serverFailed(r *Request) {
	const why = "nameserver failed"
	s := r.server
	if !r.probe {
		s.doubted = false // it does answer
		r.failure = uint8(ErrServerFailed)
		s.strike(why)
	}
	b.retry(r, why)
}

// refused deals with a nameserver that does not want to answer. It will not be
// asked for a while, by this request not at all, and if there are others, they
// are.
func (b *Base) refused(r *Request, why Err) {
	if !r.probe {
		r.failure = uint8(why)
		r.ruleOut(r.server)
		r.server.failed(why.Error())
	}
	b.retry(r, why.Error())
}

// fail ends a request, which none has joined, with an error, unless there are more
// names to be tried.
func (b *Base) fail(r *Request, o outcome) {
	if r.rare == nil || len(r.rare.names) == 0 {
		b.end(r, o)
		return
	}
	b.withdraw(r)
	r.query = nil
	r.startOver()
	r.renewLimit()
	b.nextName(r)
	if !b.cacheLookup(r) {
		b.enter(r)
		b.finishLater()
	}
}

// nextName has r ask for the next name of a search, if there is one.
func (b *Base) nextName(r *Request) bool {
	if r.rare == nil || len(r.rare.names) == 0 {
		return false
	}
	r.name = dns.Fqdn(r.rare.names[0])
	r.rare.names = r.rare.names[1:]
	return true
}

// cacheLookup ends a request, which is in no queue, if its answer is known already, and
// goes on to the next name if it is that there is none.
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

// known returns what is known about what r asks for: from the cache, or that a
// moment ago nameservers had no answer.
func (b *Base) known(r *Request) (outcome, bool) {
	if kind := r.special(); kind != specialNot {
		return kind.outcome(r), true
	}
	if b.flags&NoCache != 0 || !r.asking().isCommon() {
		return outcome{}, false
	}
	if b.failures.any() && r.asking().isUsual() {
		if err := b.failures.get(r, b.now()); err != nil {
			return outcome{err: err}, true
		}
	}
	if r.callback != nil {
		v, ok := b.cache.get(r.name, r.qtype, b.now())
		return outcome{answer: v.answer, err: v.err}, ok
	}
	v, ok := b.cache.getMessage(r.asking().messageKind(), r.name, r.qtype, b.now())
	if !ok || v.message == nil { // that there is no such name is a message, too, to be asked for
		return outcome{}, false
	}
	m, err := dnswire.UnpackMessage(v.message, r.name, v.age)
	return outcome{message: m, err: v.err}, err == nil
}

// cacheStore puts an answer into the cache: a good one, or that there is none.
func (b *Base) cacheStore(r *Request, o *outcome, msg []byte) {
	if b.flags&NoCache != 0 || o.answer.TTL <= 0 || !r.asking().isCommon() {
		return
	}
	if o.err != nil && o.err != ErrNotExist && o.err != ErrNoData {
		return
	}
	if r.callback != nil {
		b.cache.put(r.name, r.qtype, cached{answer: o.answer, err: o.err}, b.now())
	} else {
		b.cache.putMessage(r.asking().messageKind(), r.name, r.qtype, cached{answer: Answer{TTL: o.answer.TTL}, message: msg, err: o.err}, b.now())
	}
}
