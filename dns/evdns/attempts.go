package evdns

import (
	"math"
	"slices"
)

// history is what has failed with a request so far.
type history struct {
	err      error         // of the socket or connection of the last attempt
	tried    []*nameserver // before Request.server
	excluded []*nameserver // not to be tried again
	refunded bool          // one attempt was not counted
}

// addHistory returns the history of r, and makes it if there is none.
func (r *Request) addHistory() *history {
	m := r.rareFields()
	if m.history == nil {
		m.history = new(history)
	}
	return m.history
}

// history returns the history of r, or nil.
func (r *Request) history() *history {
	if r.rare == nil {
		return nil
	}
	return r.rare.history
}

// triedServer reports whether r was sent to s.
func (r *Request) triedServer(s *nameserver) bool {
	if r.server == s {
		return true
	}
	h := r.history()
	return h != nil && slices.Contains(h.tried, s)
}

func (r *Request) isExcluded(s *nameserver) bool {
	h := r.history()
	return h != nil && slices.Contains(h.excluded, s)
}

// exclude has r not sent to s again.
func (r *Request) exclude(s *nameserver) {
	if h := r.addHistory(); !r.isExcluded(s) {
		h.excluded = append(h.excluded, s)
	}
}

// noteAttempt notes that r is sent to s now.
func (r *Request) noteAttempt(s *nameserver) {
	if r.sent < math.MaxUint8 {
		r.sent++
	}
	r.sentAt = r.base.now()
	r.repeated = r.server == s
	if r.server != nil && r.server != s {
		if h := r.addHistory(); !slices.Contains(h.tried, r.server) {
			h.tried = append(h.tried, r.server)
		}
		r.stream = r.flags&UseVC != 0
		r.noEDNS = false
	}
	r.server = s
}

// refundAttempt has the attempt that was made last not count.
func (r *Request) refundAttempt() { r.sent-- }

// retractAttempt undoes the attempt that was made last, whose query was not sent yet.
func (r *Request) retractAttempt() {
	r.sent--
	r.server, r.repeated = nil, false
}

// resetAttempts returns r to the state before its first attempt.
func (r *Request) resetAttempts() {
	r.server, r.sent, r.failure, r.repeated = nil, 0, 0, false
	r.noEDNS, r.caseCheck = false, caseNone
	r.stream = r.flags&UseVC != 0
	if r.rare != nil {
		r.rare.history = nil
	}
}
