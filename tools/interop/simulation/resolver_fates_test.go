package simulation_test

import (
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

// A verdict is what comes of asking a nameserver once, with all that follows: the query
// without EDNS, the one over TCP.
type verdict struct {
	right bool          // the true answer
	final error         // or an error that is the answer
	err   error         // or one after which another nameserver is asked
	took  time.Duration // at most
	asks  int           // queries that it takes, at most
	maybe bool          // nothing of this is certain
	tcp   bool          // it is asked over TCP
}

// A fate is what becomes of a question.
type fate struct {
	sure  bool          // it has the true answer
	dead  bool          // it has none
	by    time.Duration // when it has ended at the latest
	least time.Duration // and at the earliest
	errs  []error       // that it may end with, if it is not sure
	asks  int           // queries that it takes, at most
}

// isGood reports whether a nameserver answers everything truly, whatever is asked.
func (s *steady) isGood(ns *nameserver) bool {
	m := ns.mood
	return m.good() && m.goodTCP() && !m.closed && m.late == 0 && (!m.fold || s.client.cfg.KeepCase)
}

// isDead reports whether a nameserver answers nothing.
func (s *steady) isDead(ns *nameserver) bool {
	m := ns.mood
	return m.silent == 1 || m.rcode == dns.RcodeServerFailure || m.rcode == dns.RcodeRefused || m.rcode == dns.RcodeNotImplemented
}

// haveGood reports whether the resolver has a nameserver that is good, and knows it.
func (s *steady) haveGood() bool {
	return !s.gone && s.world.Now().After(s.calmAt) && slices.ContainsFunc(s.servers(), s.isGood)
}

// usesEDNS reports whether the queries of a lookup have EDNS.
func (s *steady) usesEDNS(l *lookup) bool {
	return s.client.cfg.EDNSUDPSize > 512 || l.params.DNSSEC
}

// isBig reports whether the answer to a question may need more than a datagram.
func (s *steady) isBig(q question) bool {
	n, _ := s.client.zones.count(q)
	return n > 20
}

// truncates reports whether the answer over UDP may be cut off.
func (s *steady) truncates(ns *nameserver, q question) bool {
	m := ns.mood
	return m.rcode == 0 && !m.referral && s.client.zones.whim(q) == whimNone && (m.truncate || s.isBig(q))
}

// verdict returns what comes of asking a nameserver.
func (s *steady) verdict(ns *nameserver, l *lookup, q question) (v verdict) {
	c, m := s.client, ns.mood
	step := c.transit + m.delay + m.late
	v = verdict{took: step, asks: 1}
	v.tcp = ns.streams && c.has(ns) || l.flags&evdns.UseVC != 0 || c.cfg.UseVC
	edns := s.usesEDNS(l)
	switch {
	case m.closed && !v.tcp:
		v.err = evdns.ErrUnreachable
		return v
	case m.silent == 1 || c.zones.whim(q) == whimSilent:
		return verdict{err: evdns.ErrTimeout, took: c.cfg.Timeout, asks: 1, tcp: v.tcp, maybe: v.tcp && !m.goodTCP()}
	case edns && m.edns == ednsDropped && !s.knowsPlain(ns):
		v.err, v.maybe = evdns.ErrTimeout, true
		v.took, v.asks = 2*c.cfg.Timeout, 2
		return v
	case m.late > 0:
		v.err, v.maybe, v.took = evdns.ErrTimeout, true, c.cfg.Timeout
		return v
	case edns && !m.knowsEDNS():
		v.asks, v.took = 2, 2*step
	}
	stream := v.tcp
	if !stream && m.fold && !c.cfg.KeepCase { // a second opinion, and a third one
		v.asks, v.took, v.tcp = v.asks+3, v.took+step+c.cfg.Timeout+50*time.Millisecond, true
		v.maybe = v.maybe || !m.goodTCP() || !s.single
		if m.truncateTCP {
			v.final = evdns.ErrTruncated
		}
	}
	if !stream && s.truncates(ns, q) && (l.flags&evdns.IgnoreTC != 0 || c.cfg.IgnoreTC) {
		v.final = evdns.ErrTruncated
		v.maybe = v.maybe || s.isBig(q)
		return v
	}
	if !stream && s.truncates(ns, q) || stream {
		v.asks++
		s.overTCP(&v, ns, step)
		v.maybe = v.maybe || v.err != nil && !stream && !m.truncate // the answer may fit into a datagram
	}
	s.content(&v, ns, q)
	return v
}

// overTCP adds what comes of asking over TCP.
func (s *steady) overTCP(v *verdict, ns *nameserver, step time.Duration) {
	c := s.client
	v.tcp = true
	v.took += 2 * step
	switch ns.mood.tcp {
	case tcpSilent:
		v.err, v.took = evdns.ErrTimeout, v.took+c.cfg.Timeout
	case tcpClosed, tcpHalf, tcpReset:
		v.err, v.maybe = evdns.ErrUnreachable, true
	case tcpOne:
		v.maybe = v.maybe || s.under > 1 || ns.mood.rcode != 0 // as its probes end connections, too
	case tcpPieces, tcpShuffled:
		v.took += time.Second
		v.maybe = v.maybe || s.under > 2
	}
	if ns.mood.truncateTCP {
		v.maybe, v.final = true, evdns.ErrTruncated
	}
}

// content adds what the answer says.
func (s *steady) content(v *verdict, ns *nameserver, q question) {
	m := ns.mood
	switch {
	case v.err != nil:
	case m.rcode == dns.RcodeFormatError:
		v.final = evdns.ErrFormat
	case m.rcode == dns.RcodeNotZone:
		v.final = evdns.ErrUnknown
	case m.rcode == dns.RcodeNotImplemented:
		v.err = evdns.ErrNotImpl
	case m.rcode == dns.RcodeRefused:
		v.err = evdns.ErrRefused
	case m.rcode != 0:
		v.err = evdns.ErrServerFailed
	case s.client.zones.whim(q) == whimFailed:
		v.err = evdns.ErrServerFailed
	case m.referral && s.client.zones.whim(q) == whimNone:
		v.final, v.maybe = evdns.ErrNoData, true
	case m.malformed > 0:
		v.final = evdns.ErrTruncated
	default:
		v.right = v.final == nil
	}
}

// complaints returns what a nameserver may have a lookup end with if nothing is certain.
func (s *steady) complaints(ns *nameserver, q question) []error {
	v := verdict{}
	s.content(&v, ns, q)
	list := []error{evdns.ErrTimeout, evdns.ErrUnreachable, evdns.ErrTruncated}
	for _, err := range []error{v.err, v.final} {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

// misleads reports whether what a nameserver says may end a lookup with an error.
func (s *steady) misleads(ns *nameserver) bool {
	m := ns.mood
	return m.rcode == dns.RcodeFormatError || m.rcode == dns.RcodeNotZone || m.malformed > 0 || m.truncateTCP
}

// knowsPlain reports whether the resolver knows that a nameserver gives no answers to
// queries with EDNS.
func (s *steady) knowsPlain(ns *nameserver) bool {
	n, now := s.lessons[ns], s.world.Now()
	return !n.plain.IsZero() && now.After(n.plain) && !n.without.IsZero() && now.Sub(n.without) < 14*time.Minute
}

// fate returns what becomes of a question of a lookup that begins now.
func (s *steady) fate(l *lookup, q question) fate {
	c := s.client
	servers := s.servers()
	limit := c.cfg.Timeout * time.Duration(c.cfg.Attempts+max(0, len(servers)-1))
	if l.params.Nameserver.IsValid() {
		servers = slices.DeleteFunc(slices.Clone(c.servers), func(ns *nameserver) bool { return ns.addr() != l.params.Nameserver })
	}
	if len(servers) == 0 {
		return fate{dead: true, by: time.Millisecond, errs: []error{evdns.ErrNoNameservers}}
	}
	f := fate{dead: true, sure: true}
	attempts := c.cfg.Attempts + len(servers) - 1
	var good, all, longest time.Duration // of those that are good, of one visit to each, of the longest visit
	asks, final, silent := 0, false, true
	for _, ns := range servers {
		v := s.verdict(ns, l, q)
		s.world.Note("%s would say to %v: %+v", ns.host.Name(), q, v)
		all, longest = all+v.took, max(longest, v.took)
		if v.err != nil {
			f.errs = append(f.errs, v.err)
		}
		if v.final != nil {
			f.errs = append(f.errs, v.final)
		}
		if v.maybe {
			f.errs = append(f.errs, s.complaints(ns, q)...)
			longest, v.asks = limit, 3*v.asks
		}
		asks = max(asks, v.asks)
		final = final || v.final != nil && !ns.mood.referral || v.maybe && s.misleads(ns)
		silent = silent && v.err == evdns.ErrTimeout && !v.maybe && !v.tcp
		f.dead = f.dead && v.err != nil && !v.maybe
		f.sure = f.sure && v.right && !v.maybe
		if v.right && !v.maybe && s.isGood(ns) {
			good = max(good, v.took)
		}
	}
	f.asks = asks*attempts + 1
	if silent {
		f.least = c.cfg.Timeout * time.Duration(max(c.cfg.Attempts, len(servers)))
	}
	f.by = min(limit, longest*time.Duration(attempts))
	switch {
	case f.sure:
		f.by = longest
	case good > 0 && !final && (s.haveGood() || len(servers) == 1):
		f.sure, f.by = true, min(limit, all)
	}
	if s.hasFailed(q) && !f.dead {
		f.sure = false
		f.errs = append(f.errs, evdns.ErrTimeout, evdns.ErrUnreachable, evdns.ErrServerFailed, evdns.ErrRefused, evdns.ErrNotImpl)
	}
	if s.crowded(len(servers)) {
		f.by, f.sure = limit, false
		f.errs = append(f.errs, evdns.ErrTimeout)
	}
	return f
}

// hasFailed reports whether the failure of a question may be known still.
func (s *steady) hasFailed(q question) bool {
	f := s.client.flights[q]
	return f != nil && s.world.Now().Sub(f.failed) <= s.client.failureTTL()
}

// crowded reports whether lookups wait for others.
func (s *steady) crowded(servers int) bool {
	return s.under+servers > s.client.cfg.MaxInflight
}
