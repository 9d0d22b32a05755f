package evdns

import (
	"encoding/binary"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// finishLater calls finish at the end of the iteration.
func (b *Base) finishLater() {
	if !b.ending && b.event.AtIterationEnd((*finisher)(b)) {
		b.ending = true
	}
}

// A finisher is the event.IterationEnder of a Base.
type finisher Base

// EndIteration implements event.IterationEnder.
func (f *finisher) EndIteration() { (*Base)(f).finish() }

// finish moves requests that wait to the places of those that have ended, and sends
// what the iteration has added, all at once.
func (b *Base) finish() {
	b.lock()
	defer b.unlock()
	b.ending = false
	if b.freed {
		return
	}
	b.resume()
	b.pump()
	for i := 0; i < len(b.unsettled); i++ { // one may unsettle others
		c := b.unsettled[i]
		c.unsettled = false
		c.owner.settle()
	}
	clear(b.unsettled)
	b.unsettled = b.unsettled[:0]
	if len(b.adHoc) > 0 {
		b.closeAdHoc()
	}
	b.setTimer()
	b.pause()
}

// pump moves requests from waiting to in flight, as far as the limit allows.
func (b *Base) pump() {
	if len(b.servers) == 0 && !b.suspended {
		b.failWaiting()
	}
	for b.waiting.Len() > 0 && b.room() > 0 {
		r := b.waiting.First()
		b.waiting.Remove(r)
		r.state = stateInflight
		b.inflight.Push(r)
		b.transmit(r, b.pick(r))
	}
}

// failWaiting ends all requests that wait for a nameserver, of which there is
// none. Those that name one do not.
func (b *Base) failWaiting() {
	var next *Request
	for r := b.waiting.First(); r != nil; r = next {
		next = b.waiting.Next(r)
		if r.asking().namesServer() {
			continue
		}
		b.each(r, func(r *Request) {
			r.trouble().err = ErrNoNameservers
			b.end(r, outcome{err: ErrUnreachable})
		})
	}
}

// places returns how many more requests may be in flight, and room how many that name
// their nameserver.
func (b *Base) places() int {
	if len(b.servers) == 0 {
		return 0
	}
	return b.room()
}

func (b *Base) room() int {
	if b.suspended {
		return 0
	}
	return max(0, b.config.MaxInflight-b.inflight.Len())
}

// transmit sends a request in flight to a nameserver or, if that is not
// possible, to the next one. It ends when there is none left.
func (b *Base) transmit(r *Request, s *nameserver) {
	for ; s != nil; s = b.pick(r) {
		r.sendingTo(s)
		b.inflight.move(r, min(r.sentAt+b.config.patience(), r.firstLimit()))
		err := b.sendTo(r, s)
		if err == nil {
			return
		}
		if r.probe {
			s.probeFailed(err.Error())
			return
		}
		s.blame(err)
		r.notSent(err)
	}
	b.giveUp(r)
}

// patience is how long the answer to a query is awaited.
func (c *Config) patience() time.Duration { return max(c.Timeout, minTimeout) }

// sendTo sends a request to a nameserver. If it is there already, the answer may
// still come, and to the same id.
func (b *Base) sendTo(r *Request, s *nameserver) error {
	edns := s.wantsEDNS(r)
	c := r.via
	if c != nil && c.server == s && (edns || r.opt == 0) && c.owner.resend(r) {
		return nil
	}
	b.leave(r)
	if err := b.compose(r, edns); err != nil { // a search has led to a name that is none
		b.each(r, func(r *Request) { b.fail(r, outcome{err: err}) })
		return nil
	}
	c, err := s.channel(r)
	if err != nil {
		return err
	}
	c.send(r)
	return nil
}

// compose makes the message of a request, unless there is one.
func (b *Base) compose(r *Request, edns bool) error {
	opt, err := b.extraRecord(r, edns)
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
	if a := r.asking(); a != nil {
		a.apply(r.query, len(r.query)-len(opt))
	}
	return nil
}

// extraRecord returns the OPT record that a query has, or nothing.
func (b *Base) extraRecord(r *Request, edns bool) ([]byte, error) {
	size := b.config.EDNSUDPSize
	if a := r.asking(); a != nil && edns {
		return a.record(size), nil
	}
	if !edns || size <= dnswire.MinUDPSize {
		return nil, nil
	}
	if size != b.optSize {
		opt, err := dnswire.PackOPT(uint16(size))
		if err != nil {
			return nil, err
		}
		b.opt, b.optSize = opt, size
	}
	return b.opt, nil
}

// question returns what an answer to the request must repeat.
func (r *Request) question() []byte {
	return r.query[dnswire.HeaderLen : len(r.query)-int(r.opt)]
}

// setID writes the id into the message.
func (r *Request) setID() { binary.BigEndian.PutUint16(r.query, r.id) }

// retry sends a request again, or ends it if it was sent often enough.
func (b *Base) retry(r *Request, why string) {
	switch {
	case r.probe:
		r.server.probeFailed(why)
	case !b.expire(r):
		b.transmit(r, b.pick(r))
	}
}

// retryElsewhere sends requests again that cannot be answered where they are, because
// of err.
func (b *Base) retryElsewhere(requests []*Request, err error) {
	for _, r := range requests {
		if r.state == stateInflight {
			r.notSent(err)
			b.retry(r, err.Error())
		}
	}
}

// giveUp ends a request that was sent often enough, and those that have joined it.
func (b *Base) giveUp(r *Request) {
	err := r.describe(r.reason())
	b.cacheFailure(r, err)
	b.each(r, func(r *Request) {
		if isNoAnswer(err) {
			b.end(r, outcome{err: err})
		} else { // it may be about the name, so others are tried
			b.fail(r, outcome{err: err})
		}
	})
}

// reason returns what went wrong last with r.
func (r *Request) reason() Err {
	if r.failure == 0 {
		return ErrTimeout
	}
	return Err(r.failure)
}

// cacheFailure keeps for a moment that r has failed, if that is not this host's
// fault.
func (b *Base) cacheFailure(r *Request, err error) {
	if b.flags&NoCache != 0 || isShortage(err) || !r.asking().isUsual() {
		return
	}
	b.failures.put(r, err, b.now(), b.config.FailureTTL, b.config.CacheSize)
}

// setTimer has onTimer called for the first deadline, or not at all. It does not
// mind being called too early: most requests are answered long before that.
func (b *Base) setTimer() {
	first := b.firstDeadline()
	switch {
	case first == forever:
		if b.timerAt != 0 {
			b.timerAt = 0
			b.timer.DelNoBlock()
		}
	case b.timerAt == 0 || first < b.timerAt:
		b.timerAt = first
		if err := b.timer.AddTimeout(max(0, first-b.now())); err != nil {
			logWarn("timer", "error", err)
			b.timerAt = 0
		}
	}
}

// firstDeadline returns when the next request is due, or forever.
func (b *Base) firstDeadline() time.Duration {
	first := forever
	if r := b.inflight.First(); r != nil {
		first = r.deadline
	}
	if r := b.waiting.First(); r != nil {
		first = min(first, r.deadline)
	}
	return first
}

// onTimer deals with the requests whose time has passed.
func (b *Base) onTimer(*event.Event, event.What) {
	b.lock()
	defer b.unlock()
	if b.freed {
		return
	}
	now := b.now()
	if late := now - b.timerAt; late > b.config.patience()/4 {
		b.extendLimits(late)
	}
	b.timerAt = 0
	for r := b.inflight.First(); r != nil && r.deadline <= now; r = b.inflight.First() {
		b.due(r, now)
	}
	for r := b.waiting.First(); r != nil && r.deadline <= now; r = b.waiting.First() {
		if !b.expire(r) {
			b.reschedule(r, r.firstLimit())
		}
	}
	b.finishLater()
}

// extendLimits gives all requests more time: that in which the loop has not run.
func (b *Base) extendLimits(d time.Duration) {
	waiting := b.waiting
	b.waiting = queue{}
	for r := waiting.First(); r != nil; r = waiting.First() {
		waiting.Remove(r)
		r.extendLimit(d)
		b.waiting.insert(r, r.firstLimit())
	}
	for r := b.inflight.First(); r != nil; r = b.inflight.Next(r) {
		r.extendLimit(d)
	}
}

func (r *Request) extendLimit(d time.Duration) {
	if r.limit < forever/2 {
		r.limit += d
	}
	if a := r.asking(); a != nil {
		r.limit = min(r.limit, a.until)
	}
	if q := r.joined(); q != nil {
		for other := q.First(); other != nil; other = q.Next(other) {
			other.extendLimit(d)
		}
	}
}

// due deals with a request in flight whose deadline has passed.
func (b *Base) due(r *Request, now time.Duration) {
	switch {
	case r.caseCheck == caseWanted:
		b.verifyCase(r)
	case r.sentAt+b.config.patience() <= now:
		b.timedOut(r)
	case !b.expire(r): // the option may have changed
		b.reschedule(r, min(r.sentAt+b.config.patience(), r.firstLimit()))
	}
}

// reschedule gives a request another deadline.
func (b *Base) reschedule(r *Request, deadline time.Duration) {
	q := &b.inflight
	if r.state == stateWaiting {
		q = &b.waiting
	}
	q.move(r, deadline)
}

// timedOut deals with a query that was not answered in time.
func (b *Base) timedOut(r *Request) {
	const why = "no answer in time"
	r.server.ednsSilent(r)
	if r.probe {
		r.server.probeFailed(why)
		return
	}
	r.failure = 0
	if t := r.pastTrouble(); t != nil {
		t.err = nil
	}
	if c := r.via; c != nil {
		c.owner.timedOut(r)
	}
	r.server.doubted = true
	r.server.strike(why)
	b.retry(r, why)
}

// resume resumes probes when there is a lookup again; pause pauses probes and reading
// when there is none and the loop may end.
func (b *Base) resume() {
	if b.active || b.users == 0 {
		return
	}
	b.active = true
	for _, s := range b.servers {
		s.resumeProbes()
	}
}

func (b *Base) pause() {
	if !b.active || b.users > 0 || b.flags&DisableWhenInactive == 0 {
		return
	}
	b.active = false
	for _, s := range b.servers {
		s.pauseProbes()
	}
}

// runnable reports whether the resolver may keep the loop from ending.
func (b *Base) runnable() bool { return b.active || b.flags&DisableWhenInactive == 0 }

// hold keeps the loop from ending while there are nameservers, unless it was
// asked not to.
func (b *Base) hold() {
	want := len(b.servers) > 0 && b.flags&DisableWhenInactive == 0
	switch {
	case want && !b.holding:
		b.event.AddVirtual()
	case !want && b.holding:
		b.event.DelVirtual()
	}
	b.holding = want
}
