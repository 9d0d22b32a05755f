package simulation_test

import (
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// query checks what must be true of each query, whatever has gone wrong.
func (k *checks) query(a asked) {
	m := a.query
	if !m.RecursionDesired || m.Opcode != dns.OpcodeQuery || len(m.Answer)+len(m.Ns) > 0 || len(m.Extra) > 1 || m.Question[0].Qclass != dns.ClassINET {
		k.client.world.T().Errorf("query %v", m)
	}
	if len(m.Extra) == 1 && (m.IsEdns0() == nil || m.IsEdns0().Version() != 0 || m.IsEdns0().UDPSize() < 512) {
		k.client.world.T().Errorf("EDNS of the query %v", m)
	}
	if isSpecial(a.name) {
		k.client.world.T().Errorf("%s is asked for %s", a.server.host.Name(), a.name)
	}
}

// A lesson is what the resolver knows of a nameserver.
type lesson struct {
	plain   time.Time // it has answered a query without EDNS
	without time.Time // since when it was sent none with EDNS, or zero
	bad     time.Time // it is known not to answer
	row     int       // queries that it has not answered, though it is good, in a row
}

// seen checks a query that a nameserver has got.
func (s *steady) seen(a asked) {
	now := s.world.Now()
	s.asks[a.question] = append(s.asks[a.question], a)
	if !s.suspendedAt.IsZero() && now.Sub(s.suspendedAt) > s.client.transit {
		s.errorf(a, "is asked, and the resolver is suspended")
	}
	if s.over {
		return
	}
	s.noteRow(a)
	s.checkUse(a)
	s.checkEDNS(a)
	s.checkWay(a)
	s.traffic.add(s, a)
}

func (s *steady) errorf(a asked, format string, args ...any) {
	s.world.T().Helper()
	s.world.T().Errorf("%v: %s, %v, TCP %v: %s", a.at.Sub(s.client.began), a.server.host.Name(), a.question, a.tcp, fmt.Sprintf(format, args...))
}

// noteRow notes that a good nameserver seems bad: after one query it is a suspect, until it
// is probed; after some in a row it is down.
func (s *steady) noteRow(a asked) {
	if w := s.client.zones.whim(a.question); w != whimSilent && w != whimFailed || !s.isGood(a.server) {
		return
	}
	n := s.lessons[a.server]
	n.row++
	s.gone = s.gone || n.row >= s.client.cfg.MaxTimeouts
	s.calmAt = s.world.Now().Add(s.client.cfg.Timeout + time.Second + 4*s.client.transit)
}

// isProbe reports whether a query may be the probe of a nameserver that has answered
// nothing.
func (a asked) isProbe() bool { return a.name == "." }

// checkUse checks that a nameserver is not asked that is known not to answer, while
// another one does.
func (s *steady) checkUse(a asked) {
	bad := s.lessons[a.server].bad
	if bad.IsZero() || a.isProbe() || !s.haveGood() || s.named[a.question] || s.client.zones.names[a.name] != nil && s.client.zones.names[a.name].whims != nil {
		return
	}
	if s.world.Now().Sub(bad) > s.client.transit {
		s.errorf(a, "is asked, and is known not to answer since %v", bad.Sub(s.client.began))
	}
}

// checkEDNS checks whether a query has EDNS.
func (s *steady) checkEDNS(a asked) {
	now, n, opt := s.world.Now(), s.lessons[a.server], a.query.IsEdns0()
	always := s.client.cfg.EDNSUDPSize > 512
	switch {
	case opt == nil && always && !s.upset && (s.isGood(a.server) || !n.without.IsZero() && now.Sub(n.without) > 16*time.Minute && a.server.mood.edns != ednsDropped && s.isPrompt(a.server)):
		s.errorf(a, "a query without EDNS")
	case opt == nil:
	case !always && !s.extended[a.question]:
		s.errorf(a, "a query with EDNS")
	case always && int(opt.UDPSize()) != s.client.cfg.EDNSUDPSize:
		s.errorf(a, "room for %d bytes, want %d", opt.UDPSize(), s.client.cfg.EDNSUDPSize)
	case opt.Do() && !s.extended[a.question]:
		s.errorf(a, "a query for DNSSEC records")
	case !a.server.mood.knowsEDNS() && !n.plain.IsZero() && now.Sub(n.plain) > time.Second && !n.without.IsZero() && now.Sub(n.without) < 14*time.Minute:
		s.errorf(a, "a query with EDNS, which is known not to be understood")
	}
	switch {
	case opt != nil:
		n.without, n.plain = time.Time{}, time.Time{}
	case n.without.IsZero():
		n.without = now
	}
}

// isPrompt reports whether a nameserver answers queries without EDNS in time.
func (s *steady) isPrompt(ns *nameserver) bool {
	return ns.mood.silent == 0 && ns.mood.late == 0 && ns.mood.goodTCP() && !ns.mood.closed
}

// checkWay checks that a query comes over TCP for a reason.
func (s *steady) checkWay(a asked) {
	m := a.server.mood
	streams := a.server.streams || s.client.cfg.UseVC
	switch {
	case s.world.Now().Sub(s.restored) <= s.client.transit: // it may be for the nameservers before
	case !a.tcp && s.client.cfg.UseVC:
		s.errorf(a, "a query over UDP")
	case a.tcp && !streams && !s.streamed[a.question] && !s.truncates(a.server, a.question) && (!m.fold || s.client.cfg.KeepCase):
		s.errorf(a, "a query over TCP")
	}
}

// teach notes what the resolver has learned of its nameservers by a lookup that has ended.
func (s *steady) teach(l *lookup) {
	if !s.single || !l.isPlain() || l.params.Timeout > 0 {
		return
	}
	q, now := l.questions()[0], s.world.Now()
	said := s.client.zones.said[q]
	for _, a := range s.asks[q] {
		n, m := s.lessons[a.server], a.server.mood
		answered := l.err == nil && len(said) > 0 && said[len(said)-1].server == a.server && said[len(said)-1].positive()
		if answered && !a.at.Before(l.start) {
			n.row = 0
		}
		switch {
		case a.at.Before(l.start) || a.at.Before(s.restored):
		case answered && a.query.IsEdns0() == nil && s.client.cfg.EDNSUDPSize > 512 && !m.knowsEDNS() && m.rcode == 0 && n.plain.IsZero():
			n.plain = now
		case m.silent == 1 && now.Sub(a.at) >= s.client.cfg.Timeout-s.client.transit && !a.tcp, m.closed && !a.tcp,
			m.silent == 0 && m.late == 0 && m.edns != ednsDropped && (m.rcode == dns.RcodeRefused || m.rcode == dns.RcodeNotImplemented) && !a.tcp && l.err == nil:
			if n.bad.IsZero() {
				n.bad = now
			}
		}
	}
}

// A traffic is what somebody sees who watches the queries to a nameserver.
type traffic struct {
	queries int // over UDP
	letters int
	upper   int // of the letters
	perHost map[*nameserver]*ports
}

// ports are those that queries to a nameserver have come from.
type ports struct {
	queries int
	ids     map[uint16]bool
	first   map[uint16]time.Time
}

func (t *traffic) add(s *steady, a asked) {
	if a.tcp {
		return
	}
	t.queries++
	for _, c := range a.query.Question[0].Name {
		switch {
		case c >= 'a' && c <= 'z':
			t.letters++
		case c >= 'A' && c <= 'Z':
			t.letters++
			t.upper++
		}
	}
	if t.perHost == nil {
		t.perHost = make(map[*nameserver]*ports)
	}
	p := t.perHost[a.server]
	if p == nil {
		p = &ports{ids: make(map[uint16]bool), first: make(map[uint16]time.Time)}
		t.perHost[a.server] = p
	}
	p.queries++
	p.ids[a.query.Id] = true
	if at, ok := p.first[a.peer.Port()]; !ok {
		p.first[a.peer.Port()] = s.world.Now()
	} else if age := s.world.Now().Sub(at); age > 31*time.Second+s.client.limit(1) {
		s.errorf(a, "is asked from the port %d for %v", a.peer.Port(), age)
	}
}

// check checks that a query cannot be guessed.
func (t *traffic) check(s *steady) {
	cfg := s.client.cfg
	if cfg.KeepCase && t.upper > 0 || !cfg.KeepCase && t.letters > 200 && (t.upper < t.letters/5 || t.upper > t.letters*4/5) {
		s.world.T().Errorf("%d of %d letters are upper case", t.upper, t.letters)
	}
	for ns, p := range t.perHost {
		if p.queries < 20 {
			continue
		}
		if len(p.ids) < p.queries/8 {
			s.world.T().Errorf("%s has got %d queries with %d ids", ns.host.Name(), p.queries, len(p.ids))
		}
		if cfg.Ports > 1 && len(p.first) < 2 {
			s.world.T().Errorf("%s has got %d queries from %d ports", ns.host.Name(), p.queries, len(p.first))
		}
	}
}
