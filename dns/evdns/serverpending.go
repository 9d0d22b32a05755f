package evdns

import (
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
)

// DefaultRequestTimeout is how long a request may wait for its answer if nothing
// else was set.
const DefaultRequestTimeout = 30 * time.Second

// pending is the list of the requests of a port that wait for their answers, the
// oldest first. Those that are answered before their callback returns never get
// here. The timer may come too early, when the list has changed: most requests are
// answered long before their time has passed.
type pending struct {
	first, last *ServerRequest
	longest     time.Duration
	timer       event.Event
	armed       bool
}

// SetRequestTimeout sets how long requests may wait for their answers. A request
// that is neither answered nor dropped by then is answered with SERVFAIL, and no longer counts against the limits of the port. The error is
// ErrValue if d is not positive.
func (p *ServerPort) SetRequestTimeout(d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("server: timeout %v for requests: %w", d, ErrValue)
	}
	p.lock()
	defer p.unlock()
	p.pending.longest = d
	p.expire()
	return nil
}

// now returns the time as of the start of this round of callbacks.
func (p *ServerPort) now() time.Duration { return p.base.Now().Sub(p.epoch) }

// await puts a request into the list.
func (p *ServerPort) await(r *ServerRequest) {
	l := &p.pending
	r.since = p.now()
	r.prev = l.last
	if l.last == nil {
		l.first = r
	} else {
		l.last.next = r
	}
	l.last = r
	if !l.armed {
		p.armPending(l.longest)
	}
}

// remove takes a request out of the list, if it is in it.
func (l *pending) remove(r *ServerRequest) {
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
func (p *ServerPort) giveUp() {
	for p.pending.first != nil {
		p.stats.Expired++
		p.pending.first.refuse(dns.RcodeServerFailure)
	}
}

func (p *ServerPort) armPending(d time.Duration) {
	err := p.pending.timer.AddTimeout(d)
	p.pending.armed = err == nil
	if err != nil {
		p.warn("server cannot time requests", err)
	}
}

func (p *ServerPort) onPending(*event.Event, event.What) {
	p.lock()
	defer p.unlock()
	p.pending.armed = false
	p.expire()
}

// expire ends the requests whose time has passed, and sets the timer for the next.
func (p *ServerPort) expire() {
	l := &p.pending
	now := p.now()
	for r := l.first; r != nil && now-r.since >= l.longest; r = l.first {
		p.stats.Expired++
		p.complain(&p.lateness, "server has not answered a request", ErrTimeout, "client", r.peer, "questions", r.Questions)
		r.refuse(dns.RcodeServerFailure)
	}
	if l.first != nil && !p.ended {
		p.armPending(l.first.since + l.longest - now)
	}
}
