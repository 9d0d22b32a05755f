package evdns

import (
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// A caseCheck is how far r has got in having an answer by UDP confirmed that has the
// letters of the name in another case. Some nameservers change them, but so does
// somebody who forges an answer and cannot see the query.
//
// Such an answer is not used. The right one is awaited for caseDelay, and then the
// nameserver is asked over TCP, where an answer cannot be forged without seeing the
// query. If TCP fails, it is asked by UDP again, and the second such answer is used: to
// forge both, two ids and two ports have to be guessed.
type caseCheck uint8

const (
	caseNone    caseCheck = iota // is needed
	caseWanted                   // as there was such an answer
	caseAsked                    // for over TCP
	caseMissing                  // as TCP has failed
)

// resembles says whether a message is taken for the answer to r though it does not
// repeat the question letter by letter.
func (c *channel) resembles(r *Request, msg []byte, h dnswire.Header) bool {
	b := c.server.base
	switch {
	case r == nil || r.query == nil || !h.Matches(msg, r.question(), false):
		return false
	case c.stream:
		c.server.folds = true
		return true
	}
	return b.config.KeepCase || b.believes(r)
}

// believes says whether an answer with other letters is believed. For a probe it is
// enough that there is one.
func (b *Base) believes(r *Request) bool {
	switch {
	case r.probe || r.caseCheck == caseMissing:
		return true
	case r.caseCheck == caseWanted:
	case r.server.folds:
		b.verifyCase(r)
	default:
		r.caseCheck = caseWanted
		b.inflight.Remove(r)
		b.inflight.insert(r, min(r.deadline, b.now()+caseDelay))
		b.finishLater()
	}
	return false
}

// verifyCase asks the nameserver that has given an answer with other letters again,
// over TCP.
func (b *Base) verifyCase(r *Request) {
	r.caseCheck, r.stream = caseAsked, true
	r.sent-- // the nameserver has answered, after all
	b.leave(r)
	b.transmit(r, r.server)
}

// caseUnconfirmed says whether confirmation was asked for and is not to be had, and
// has r sent by UDP again.
func (r *Request) caseUnconfirmed() bool {
	if r.caseCheck != caseAsked || !r.stream {
		return false
	}
	r.caseCheck, r.stream = caseMissing, false
	return true
}
