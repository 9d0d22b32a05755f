package evdns

import (
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
)

// noteAnswer notes that the nameserver has answered r: it is up, and no suspect.
func (s *nameserver) noteAnswer(r *Request) {
	s.updateRTT(r)
	s.noteEDNSAnswer(r)
	if !r.probe {
		s.lastName, s.lastType = r.name, r.qtype
	}
	if s.healthy() || s.removed {
		return
	}
	s.timeouts, s.suspect = 0, false
	if !s.up {
		logInfo("nameserver is back up", "addr", s.addr)
		s.up = true
		s.base.servers.noteUp()
		s.base.failures.clear()
		s.probeFailures = 0
	}
	if s.probe != r {
		s.endProbe()
	}
	s.probe = nil
	s.timer.DelNoBlock()
}

// healthy reports whether the nameserver is up and no suspect.
func (s *nameserver) healthy() bool { return s.up && s.timeouts == 0 && !s.suspect }

// updateRTT adds the time of r's answer, which has just come, to the smoothed
// round-trip time. A query that was sent several times does not count (Karn's
// algorithm), nor one that had to wait for a connection. A single outlier counts for
// little.
func (s *nameserver) updateRTT(r *Request) {
	if r.repeated || r.stream && r.via.answers == 1 {
		return
	}
	took := r.via.lastAnswer - r.sentAt
	s.rtt += min(took-s.rtt, s.rtt+rttSlack) / 4
}

// noteTimeout notes that the nameserver has not answered in time.
func (s *nameserver) noteTimeout(why string) {
	s.suspect = true
	s.countFailure(why)
}

// noteServerFailure notes that the nameserver has answered with SERVFAIL.
func (s *nameserver) noteServerFailure(why string) {
	s.suspect = false // it answers
	s.countFailure(why)
}

// noteError notes that no query could be sent to the nameserver because of err.
func (s *nameserver) noteError(err error) {
	switch {
	case isResourceError(err): // of this host
	case isPermanent(err):
		s.markDown(err.Error())
	default:
		s.countFailure(err.Error())
	}
}

// countFailure counts a timeout, or another failure of which a few in a row mean that
// the nameserver is down.
func (s *nameserver) countFailure(why string) {
	s.timeouts++
	switch {
	case s.timeouts >= s.base.config.MaxTimeouts:
		s.markDown(why)
	case s.needsProbe() && s.probe == nil:
		s.probeIn(0)
	}
}

// markDown takes the nameserver for down, and starts to probe it.
func (s *nameserver) markDown(why string) {
	s.timeouts = 0
	if !s.up || s.removed {
		return
	}
	logInfo("nameserver has failed", "addr", s.addr, "reason", why)
	s.up = false
	s.base.servers.noteDown()
	s.probeFailures = 1
	s.endProbe()
	s.probeIn(s.base.config.InitialProbe)
}

// needsProbe reports whether the nameserver is probed: it is down, or it is a suspect
// and another one is up, which is used instead.
func (s *nameserver) needsProbe() bool {
	return !s.removed && (!s.up || s.suspect && s.base.servers.haveAlternative())
}

// probeIn has the nameserver probed after d.
func (s *nameserver) probeIn(d time.Duration) {
	s.probeAt = s.base.now() + d
	s.resumeProbes()
}

// resumeProbes starts the timer for the next probe.
func (s *nameserver) resumeProbes() {
	if s.probe != nil || !s.needsProbe() || !s.base.keepalive.runnable() {
		return
	}
	if err := s.timer.AddTimeout(max(0, s.probeAt-s.base.now())); err != nil {
		logWarn("timer", "error", err)
	}
}

// pauseProbes stops probes, and reading from sockets, so that the loop can end. The
// next request resumes them.
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

// onTimer starts a probe, which repeats the question that the nameserver has answered
// last, or asks for the nameservers of the root.
func (s *nameserver) onTimer(*event.Event, event.What) {
	b := s.base
	b.lock()
	defer b.unlock()
	if s.probe != nil || !s.needsProbe() {
		return
	}
	r := &Request{base: b, probe: true, name: s.lastName, qtype: s.lastType, limit: forever}
	if r.name == "" {
		r.name, r.qtype = ".", dns.TypeNS
	}
	r.stream = b.config.UseVC
	if debugging() {
		logDebug("probe", "addr", s.addr, "name", r.name, "type", dns.Type(r.qtype).String())
	}
	s.probe = r
	s.probeAt = b.now() + b.config.Timeout // if this one is ended early
	b.requests.enqueueProbe(r)
	b.transmit(r, s)
	b.scheduleFlush()
}

// endProbe ends the probe that is in flight, if any.
func (s *nameserver) endProbe() {
	if s.probe != nil {
		s.base.terminate(s.probe)
		s.probe = nil
	}
}

// probeFailed ends a probe without an answer, and schedules the next one.
func (s *nameserver) probeFailed(why string) {
	s.endProbe()
	if s.up {
		s.countFailure(why)
		return
	}
	c := &s.base.config
	s.probeFailures++
	s.probeIn(backoff(c.InitialProbe, c.MaxProbe, c.ProbeBackoff, s.probeFailures-1))
}

// backoff returns the interval before a probe when n have failed: first times factor to
// the power of n, but at most longest.
func backoff(first, longest time.Duration, factor, n int) time.Duration {
	d := first
	for ; n > 0 && d < longest; n-- {
		d *= time.Duration(factor)
		if factor <= 1 {
			break
		}
	}
	return min(d, longest)
}
