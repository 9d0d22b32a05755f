package evdns

import (
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// A caseCheck is the state of verifying an answer over UDP that repeats the name of r with
// other case. Some nameservers change the case, but so does an attacker who cannot see
// the query.
//
// Such an answer is not used. The request waits caseDelay for one with the exact case,
// and is then sent to the nameserver over TCP, where an answer cannot be forged without
// seeing the query. If TCP fails, it is sent over UDP again, and the next such answer is
// used: to forge both, two ids and two ports have to be guessed.
type caseCheck uint8

const (
	caseNone       caseCheck = iota // no such answer
	caseAwaitExact                  // waits for one with the exact case
	caseVerifying                   // sent over TCP
	caseUnverified                  // TCP has failed
)

// acceptsFolded reports whether a message is accepted as the answer to r whose question
// differs in case.
func (c *channel) acceptsFolded(r *Request, msg []byte, h dnswire.Header) bool {
	b := c.server.base
	switch {
	case r == nil || r.query == nil || !h.Matches(msg, r.question(), false):
		return false
	case c.stream:
		c.server.foldsCase = true
		return true
	}
	return b.config.KeepCase || b.acceptFoldedCase(r)
}

// acceptFoldedCase reports whether an answer over UDP with other case is accepted, as
// those to probes are, or else starts to verify it.
func (b *Base) acceptFoldedCase(r *Request) bool {
	switch {
	case r.probe || r.caseCheck == caseUnverified:
		return true
	case r.caseCheck == caseAwaitExact:
	case r.server.foldsCase:
		b.verifyOverTCP(r)
	default:
		r.caseCheck = caseAwaitExact
		b.requests.reschedule(r, min(r.deadline, b.now()+caseDelay))
		b.scheduleFlush()
	}
	return false
}

// verifyOverTCP sends r over TCP to the nameserver that has answered with other case.
func (b *Base) verifyOverTCP(r *Request) {
	r.caseCheck, r.stream = caseVerifying, true
	r.refundAttempt() // as the nameserver has answered
	r.leaveChannel()
	b.transmit(r, r.server)
}

// fallBackToUDP has r sent over UDP again if it was being verified over TCP, and reports
// whether it was.
func (r *Request) fallBackToUDP() bool {
	if r.caseCheck != caseVerifying || !r.stream {
		return false
	}
	r.caseCheck, r.stream = caseUnverified, false
	r.refundAttempt() // for the query over UDP, which the nameserver has answered
	return true
}
