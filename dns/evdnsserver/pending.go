package evdnsserver

import (
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/list"
)

// pending are the requests of a server that wait for their answers, the oldest first.
// Those that are answered before their callback returns never get here. The timer may
// come too early, when the list has changed: most requests are answered long before
// their time has passed.
type pending struct {
	requests list.List[Request, requestLinks]
	timer    event.Event
	armed    bool
}

type requestLinks struct{}

// Of implements list.Linker.
func (requestLinks) Of(r *Request) *list.Links[Request] { return &r.links }

// now returns the time as of the start of this round of callbacks.
func (s *Server) now() time.Duration { return s.base.Now().Sub(s.epoch) }

// await puts a request into the list.
func (s *Server) await(r *Request) {
	l := &s.pending
	r.since = s.now()
	l.requests.Push(r)
	if !l.armed {
		s.armPending(s.config.RequestTimeout)
	}
}

// remove takes a request out of the list, if it is in it.
func (l *pending) remove(r *Request) {
	if l.requests.Contains(r) {
		l.requests.Remove(r)
	}
}

// forget takes all requests out of the list: nothing depends on them any more.
func (l *pending) forget() {
	for r := l.requests.First(); r != nil; r = l.requests.First() {
		l.requests.Remove(r)
	}
}

// giveUp ends all requests that wait.
func (s *Server) giveUp() {
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

// expire ends the requests whose time has passed, and sets the timer for the next.
func (s *Server) expire() {
	l := &s.pending
	now := s.now()
	for r := l.requests.First(); r != nil && now-r.since >= s.config.RequestTimeout; r = l.requests.First() {
		s.stats.Expired++
		s.lateness.Warn(s.base.Now(), "evdnsserver: server has not answered a request", "error", errNotAnswered, "client", r.peer, "questions", r.Questions)
		r.refuse(dns.RcodeServerFailure)
	}
	if r := l.requests.First(); r != nil && !s.ended {
		s.armPending(r.since + s.config.RequestTimeout - now)
	}
}
