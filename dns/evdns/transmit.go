package evdns

import (
	"encoding/binary"
	"time"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// startWaiting puts requests that wait in flight, up to the limit, and sends them.
func (b *Base) startWaiting() {
	if b.servers.len() == 0 && !b.servers.isSuspended() {
		b.failWaiting()
	}
	for b.requests.firstWaiting() != nil && b.inflightRoom() > 0 {
		r := b.requests.startNext()
		b.transmit(r, b.pick(r))
	}
}

// failWaiting ends the requests that wait for a nameserver of the resolver, which has
// none. Requests that name a nameserver stay.
func (b *Base) failWaiting() {
	var next *Request
	for r := b.requests.firstWaiting(); r != nil; r = next {
		next = b.requests.nextWaiting(r)
		if r.params().hasNameserver() {
			continue
		}
		b.forAll(r, func(r *Request) {
			r.addHistory().err = ErrNoNameservers
			b.end(r, outcome{err: ErrUnreachable})
		})
	}
}

// freeSlots returns how many more requests can be put in flight, and inflightRoom how
// many of those that name their nameserver.
func (b *Base) freeSlots() int {
	if b.servers.len() == 0 {
		return 0
	}
	return b.inflightRoom()
}

func (b *Base) inflightRoom() int {
	if b.servers.isSuspended() {
		return 0
	}
	return max(0, b.config.MaxInflight-b.requests.lenInflight())
}

// transmit sends a request in flight to a nameserver or, if that fails, to the next
// one. If there is none left, the request ends.
func (b *Base) transmit(r *Request, s *nameserver) {
	for ; s != nil; s = b.pick(r) {
		r.noteAttempt(s)
		b.requests.reschedule(r, min(r.sentAt+b.config.queryTimeout(), r.firstLimit()))
		err := b.sendQuery(r, s)
		if err == nil {
			return
		}
		if r.probe {
			s.probeFailed(err.Error())
			return
		}
		s.noteError(err)
		r.noteSendError(err)
	}
	b.giveUp(r)
}

// sendQuery sends a request to a nameserver. If it was sent to that nameserver before,
// it keeps its channel and its id, so that the answer to either query is accepted.
func (b *Base) sendQuery(r *Request, s *nameserver) error {
	edns := s.useEDNS(r)
	c := r.via
	if c != nil && c.server == s && (edns || r.opt == 0) && c.owner.resend(r) {
		return nil
	}
	r.leaveChannel()
	if err := b.compose(r, edns); err != nil { // a search has led to an invalid name
		b.forAll(r, func(r *Request) { b.failOrSearch(r, outcome{err: err}) })
		return nil
	}
	c, err := s.channel(r)
	if err != nil {
		return err
	}
	c.send(r)
	return nil
}

// compose packs the query of a request, unless it is packed already.
func (b *Base) compose(r *Request, edns bool) error {
	opt, err := b.optRecord(r, edns)
	if err != nil {
		return err
	}
	if r.query != nil && int(r.opt) == len(opt) {
		return nil
	}
	random := b.random
	if b.config.KeepCase {
		random = nil
	}
	if r.query, err = dnswire.PackQuery(r.name, r.qtype, random, opt); err != nil {
		return err
	}
	r.opt = uint16(len(opt))
	if b.config.TrustAD {
		r.query[3] |= byte(dnswire.BitAD)
	}
	if p := r.params(); p != nil {
		p.apply(r.query, len(r.query)-len(opt))
	}
	return nil
}

// optRecord returns the OPT record of a query, or nil if it has none.
func (b *Base) optRecord(r *Request, edns bool) ([]byte, error) {
	if !edns {
		return nil, nil
	}
	if p := r.params(); p != nil {
		return p.optRecord(b.config.EDNSUDPSize), nil
	}
	return b.config.optRecord()
}

// question returns the question of the query, which an answer must repeat.
func (r *Request) question() []byte {
	return r.query[dnswire.HeaderLen : len(r.query)-int(r.opt)]
}

// setID writes the id into the query.
func (r *Request) setID() { binary.BigEndian.PutUint16(r.query, r.id) }

// leaveChannel takes a request off the channel on which its answer is expected.
func (r *Request) leaveChannel() {
	if r.via != nil {
		r.via.drop(r)
	}
}

// noteSendError notes that the query of r could not be sent, or was lost with its
// connection, because of err.
func (r *Request) noteSendError(err error) {
	if r.probe || r.fallBackToUDP() {
		return
	}
	r.addHistory().err = err
	if err == errIdle {
		r.failure = 0
		return
	}
	r.failure = uint8(ErrUnreachable)
	if isPermanent(err) {
		r.exclude(r.server)
	}
}

// retry sends a request again, or ends it if its attempts are used up.
func (b *Base) retry(r *Request, why string) {
	switch {
	case r.probe:
		r.server.probeFailed(why)
	case !b.expire(r, r.reason()):
		b.transmit(r, b.pick(r))
	}
}

// retryAll sends requests again whose channel has failed with err.
func (b *Base) retryAll(requests []*Request, err error) {
	for _, r := range requests {
		if r.state == stateInflight {
			r.noteSendError(err)
			b.retry(r, err.Error())
		}
	}
}

// timedOut handles a query that was not answered in time.
func (b *Base) timedOut(r *Request) {
	const why = "no answer in time"
	r.server.noteEDNSTimeout(r)
	if r.probe {
		r.server.probeFailed(why)
		return
	}
	r.failure = 0
	if h := r.history(); h != nil {
		h.err = nil
	}
	if c := r.via; c != nil {
		c.owner.onTimeout(r)
	}
	r.server.noteTimeout(why)
	b.retry(r, why)
}

// giveUp ends a request whose attempts are used up, and its followers.
func (b *Base) giveUp(r *Request) {
	err := r.describe(r.reason())
	b.cacheFailure(r, err)
	b.forAll(r, func(r *Request) {
		if isNoAnswer(err) {
			b.end(r, outcome{err: err})
		} else { // the error may depend on the name, so the search continues
			b.failOrSearch(r, outcome{err: err})
		}
	})
}

// reason returns the error of the last attempt of r.
func (r *Request) reason() Err {
	if r.failure == 0 {
		return ErrTimeout
	}
	return Err(r.failure)
}

// cacheFailure caches that r has failed, unless resources of this host are the cause.
func (b *Base) cacheFailure(r *Request, err error) {
	if b.flags&NoCache != 0 || isResourceError(err) || !r.params().isDefault() {
		return
	}
	b.failures.put(r, err, b.now(), b.config.FailureTTL, b.config.CacheSize)
}

// limit returns when a request ends at the latest whose name is looked up from now on:
// after the time of all its attempts, and of one for each nameserver that these may not
// reach. While the resolver is suspended there is no limit.
func (b *Base) limit() time.Duration {
	if b.servers.isSuspended() {
		return forever
	}
	const longest = forever / 2
	n := time.Duration(b.config.Attempts + max(0, b.servers.len()-1))
	timeout := b.config.queryTimeout()
	if timeout > longest/n {
		return longest
	}
	return b.now() + n*timeout
}
