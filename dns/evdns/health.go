package evdns

import (
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
)

// works notes that the nameserver has answered r.
func (s *nameserver) works(r *Request) {
	s.measure(r)
	s.ednsWorks(r)
	if !r.probe {
		s.known, s.knownType = r.name, r.qtype
	}
	if s.healthy() || s.gone {
		return
	}
	s.timeouts, s.doubted = 0, false
	if !s.up {
		b := s.base
		logInfo("nameserver is back up", "addr", s.addr)
		s.up = true
		b.good++
		b.failures.clear()
		s.failures = 0
	}
	if s.probe != r {
		s.endProbe()
	}
	s.probe = nil
	s.timer.DelNoBlock()
}

// healthy says that nothing speaks against the nameserver.
func (s *nameserver) healthy() bool { return s.up && s.timeouts == 0 && !s.doubted }

// measure notes how long the nameserver took to answer r, just now. It does not count
// if the query was sent several times, or if the connection had to be made first. One
// long time does not count for much: it may have been an accident.
func (s *nameserver) measure(r *Request) {
	if r.repeated || r.stream && r.via.answers == 1 {
		return
	}
	took := r.via.heardAt - r.sentAt
	s.delay += min(took-s.delay, s.delay+slack) / 4
}

// strike notes something that a nameserver that is all right may do once, but
// not always.
func (s *nameserver) strike(why string) {
	s.timeouts++
	switch {
	case s.timeouts >= s.base.config.MaxTimeouts:
		s.failed(why)
	case s.needsProbe() && s.probe == nil:
		s.probeIn(0)
	}
}

// failed takes the nameserver for down.
func (s *nameserver) failed(why string) {
	s.timeouts = 0
	if !s.up || s.gone {
		return
	}
	b := s.base
	logInfo("nameserver has failed", "addr", s.addr, "reason", why)
	s.up = false
	b.good--
	if b.good == 0 {
		logInfo("all nameservers have failed")
	}
	s.failures = 1
	s.endProbe()
	s.probeIn(b.config.InitialProbe)
}

// needsProbe says whether the nameserver is to be probed: it is down, or it is
// doubted and so not asked while there are others.
func (s *nameserver) needsProbe() bool {
	return !s.gone && (!s.up || s.doubted && s.base.good > 1)
}

// probeIn has the nameserver probed after a while.
func (s *nameserver) probeIn(d time.Duration) {
	s.probeAt = s.base.now() + d
	s.resumeProbes()
}

// resumeProbes sets the timer for the next probe.
func (s *nameserver) resumeProbes() {
	if s.probe != nil || !s.needsProbe() || !s.base.runnable() {
		return
	}
	if err := s.timer.AddTimeout(max(0, s.probeAt-s.base.now())); err != nil {
		logWarn("timer", "error", err)
	}
}

// pauseProbes puts probes off, and has nobody look for answers, until the resolver has
// something to do again, so that this does not keep the loop.
func (s *nameserver) pauseProbes() {
	s.timer.DelNoBlock()
	s.endProbe()
	for _, u := range s.sockets {
		if u != nil {
			u.watch(false)
		}
	}
	if s.conn != nil {
		s.conn.pause(true)
	}
}

// onTimer begins a probe: it asks again what the nameserver has known before or,
// if that is nothing, for what all should know.
func (s *nameserver) onTimer(*event.Event, event.What) {
	b := s.base
	b.lock()
	defer b.unlock()
	if s.probe != nil || !s.needsProbe() {
		return
	}
	r := &Request{base: b, probe: true, name: s.known, qtype: s.knownType, limit: forever, state: stateInflight}
	if r.name == "" {
		r.name, r.qtype = ".", dns.TypeNS
	}
	r.stream = b.config.UseVC
	if debugging() {
		logDebug("probe", "addr", s.addr, "name", r.name, "type", dns.Type(r.qtype).String())
	}
	s.probe = r
	s.probeAt = b.now() + b.config.Timeout // should this one be given up
	b.inflight.Push(r)
	b.transmit(r, s)
	b.finishLater()
}

// endProbe gives a probe up that is under way.
func (s *nameserver) endProbe() {
	if s.probe != nil {
		s.base.remove(s.probe)
		s.probe = nil
	}
}

// probeFailed ends a probe that has come to nothing.
func (s *nameserver) probeFailed(why string) {
	s.endProbe()
	if s.up {
		s.strike(why)
		return
	}
	o := &s.base.config
	s.failures++
	s.probeIn(backoff(o.InitialProbe, o.MaxProbe, o.ProbeBackoff, s.failures-1))
}

// backoff returns the pause before a probe when n have come to nothing: the
// first one times factor to the power of n, but no more than most.
func backoff(first, most time.Duration, factor, n int) time.Duration {
	d := first
	for ; n > 0 && d < most; n-- {
		d *= time.Duration(factor)
		if factor <= 1 {
			break
		}
	}
	return min(d, most)
}
