package evdnsserver

import (
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
)

// pending is the list of the requests of a server that wait for their answers, the
// oldest first. Those that are answered before their callback returns never get
// here. The timer may come too early, when the list has changed: most requests are
// answered long before their time has passed.
type pending struct {
	first, last *Request
	timer       event.Event
	armed       bool
}

// now returns the time as of the start of this round of callbacks.
func (s *Server) now() time.Duration { return s.base.Now().Sub(s.epoch) }

// await puts a request into the list.
func (s *Server) await(r *Request) {
	l := &s.pending
	r.since = s.now()
	r.prev = l.last
	if l.last == nil {
		l.first = r
	} else {
		l.last.next = r
	}
	l.last = r
	if !l.armed {
		s.armPending(s.config.RequestTimeout)
	}
}

// remove takes a request out of the list, if it is in it.
func (l *pending) remove(r *Request) {
	if r.prev == nil && l.first != r {
		return
	}
	if r.prev == nil {
		l.first = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		l.last = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.next, r.prev = nil, nil
}

// forget takes all requests out of the list: nothing depends on them any more.
func (l *pending) forget() {
	for l.first != nil {
		l.remove(l.first)
	}
}

// giveUp ends all requests that wait.
func (s *Server) giveUp() {
	for s.pending.first != nil {
		s.stats.Expired++
		s.pending.first.refuse(dns.RcodeServerFailure)
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
	for r := l.first; r != nil && now-r.since >= s.config.RequestTimeout; r = l.first {
		s.stats.Expired++
		s.lateness.Warn(s.base.Now(), "evdnsserver: server has not answered a request", "error", errNotAnswered, "client", r.peer, "questions", r.Questions)
		r.refuse(dns.RcodeServerFailure)
	}
	if l.first != nil && !s.ended {
		s.armPending(l.first.since + s.config.RequestTimeout - now)
	}
}
