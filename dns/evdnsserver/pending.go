package evdnsserver

import (
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/list"
)

// pending is the list of requests that were not answered by their callback, the oldest
// first. The timer may be due before the first one expires: most requests are answered
// long before, and one early call costs less than a change for each.
type pending struct {
	requests list.List[Request, requestLinks]
	timer    event.Event
	armed    bool
}

type requestLinks struct{}

// Of implements list.Linker.
func (requestLinks) Of(r *Request) *list.Links[Request] { return &r.links }

// now returns the time at which this round of callbacks began.
func (s *Server) now() time.Duration { return s.base.Now().Sub(s.epoch) }

// addPending adds a request to the list.
func (s *Server) addPending(r *Request) {
	l := &s.pending
	r.since = s.now()
	l.requests.Push(r)
	if !l.armed {
		s.armPending(s.config.RequestTimeout)
	}
}

// remove removes a request from the list, if it is in it.
func (l *pending) remove(r *Request) {
	if l.requests.Contains(r) {
		l.requests.Remove(r)
	}
}

// clear removes all requests from the list, without answering them.
func (l *pending) clear() {
	for r := l.requests.First(); r != nil; r = l.requests.First() {
		l.requests.Remove(r)
	}
}

// expireAll answers all requests in the list with SERVFAIL.
func (s *Server) expireAll() {
	for r := s.pending.requests.First(); r != nil; r = s.pending.requests.First() {
		s.stats.Expired++
		r.refuse(dns.RcodeServerFailure)
	}
}

func (s *Server) armPending(d time.Duration) {
	err := s.pending.timer.AddTimeout(d)
	s.pending.armed = err == nil
	if err != nil {
		logWarn("server cannot time requests", "error", err)
	}
}

func (s *Server) onPending(*event.Event, event.What) {
	s.lock()
	defer s.unlock()
	s.pending.armed = false
	s.expire()
}

// expire answers the requests whose timeout has passed with SERVFAIL, and starts the timer
// for the next.
func (s *Server) expire() {
	l := &s.pending
	now := s.now()
	for r := l.requests.First(); r != nil && now-r.since >= s.config.RequestTimeout; r = l.requests.First() {
		s.stats.Expired++
		s.expiryLog.Warn(s.base.Now(), "evdnsserver: server has not answered a request", "error", errNotAnswered, "client", r.peer, "questions", r.Questions)
		r.refuse(dns.RcodeServerFailure)
	}
	if r := l.requests.First(); r != nil && !s.ended {
		s.armPending(r.since + s.config.RequestTimeout - now)
	}
}
