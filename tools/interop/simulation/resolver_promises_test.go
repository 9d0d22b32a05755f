package simulation_test

import (
	"errors"
	"slices"
	"time"

	"github.com/go-libevent/libevent/dns/evdns"
)

// begun notes what must become of a lookup that begins.
func (s *steady) begun(l *lookup) {
	if s.over {
		return
	}
	for _, q := range l.questions() {
		s.named[q] = s.named[q] || l.params.Nameserver.IsValid()
		s.extended[q] = s.extended[q] || l.params.DNSSEC || len(l.params.Options) > 0
		s.streamed[q] = s.streamed[q] || l.flags&evdns.UseVC != 0
	}
	s.outlooks[l] = s.outlook(l)
	s.noteWhims(l)
}

// ended checks that what was expected of a lookup has come.
func (s *steady) ended(l *lookup) {
	c, o := s.client, s.outlooks[l]
	if o == nil || c.freed {
		return
	}
	defer delete(s.outlooks, l)
	if !l.cancelled.IsZero() {
		if late := s.world.Now().Sub(l.cancelled); late > s.slack() && errors.Is(l.err, evdns.ErrCancel) {
			l.errorf("was told that it is cancelled after %v", late)
		}
		return
	}
	switch {
	case c.suspended || !l.start.After(c.resumed):
		s.endedSuspended(l, o)
	default:
		s.checkTime(l, o, l.start, o.by)
		s.checkOutcome(l, o)
		s.checkQueries(l, o)
		s.remember(l)
		s.teach(l)
	}
}

// endedSuspended checks a lookup that was under way when the resolver was suspended.
func (s *steady) endedSuspended(l *lookup, o *outlook) {
	c := s.client
	o.least = 0
	if c.suspended || l.kind == lookupAddrInfo || l.params.Timeout > 0 {
		return // their times go on
	}
	if len(s.servers()) == 0 && !l.params.Nameserver.IsValid() {
		if !errors.Is(l.err, evdns.ErrNoNameservers) {
			l.errorf("%v, but there are no nameservers any more", l.err)
		}
		s.checkTime(l, o, c.resumed, 0)
		return
	}
	s.checkTime(l, o, c.resumed, c.limit(len(l.names)))
	bad := slices.ContainsFunc(s.servers(), func(ns *nameserver) bool { return !s.isGood(ns) })
	if o.sure && len(l.names) == 1 && !bad && s.haveGood() { // others may be asked in another way than before
		s.checkOutcome(l, o)
	}
}

// checkTime checks when a lookup has ended.
func (s *steady) checkTime(l *lookup, o *outlook, start time.Time, by time.Duration) {
	took := s.world.Now().Sub(start)
	if o.quick != nil {
		by, o.least = 0, 0
	}
	if took > by+s.slack() {
		l.errorf("has taken %v with %v, and %v are enough", took, l.err, by)
	}
	if took+time.Millisecond < o.least && !o.recent {
		l.errorf("%v after %v, and there is time for %v", l.err, took, o.least)
	}
}

// checkOutcome compares the records of a lookup, or its error, with the zones.
func (s *steady) checkOutcome(l *lookup, o *outlook) {
	if l.err == nil {
		if o.quick != nil {
			l.errorf("no error, want %v", o.quick)
		}
		s.checkFound(l, o)
		return
	}
	switch {
	case o.quick != nil:
		if !errors.Is(l.err, o.quick) {
			l.errorf("%v, and was %v", l.err, o.quick)
		}
	case o.sure && o.some:
		l.errorf("%v, but there are %v and %v", l.err, o.counts, o.may)
	case o.sure && o.absent != nil && !errors.Is(l.err, o.absent) && l.kind != lookupMessage:
		l.errorf("%v, want %v", l.err, o.absent)
	case !o.sure && !isOneOf(l.err, o.errs...):
		l.errorf("%v, want one of %v", l.err, o.errs)
	}
}

func (s *steady) checkFound(l *lookup, o *outlook) {
	if o.sure && !o.some && l.kind != lookupMessage {
		l.errorf("has found %v, want %v", l.found, o.absent)
	}
	for t, n := range l.found {
		most := max(o.counts[t], o.may[t])
		if n != most && (n != 0 || o.sure && o.counts[t] > 0) && (o.sure || n > most) && !(l.kind == lookupMessage && n < most) {
			l.errorf("has found %d records of type %d, want %d", n, t, most)
		}
	}
}

// checkQueries checks how often nameservers were asked.
func (s *steady) checkQueries(l *lookup, o *outlook) {
	for q, most := range o.asks {
		n, servers := 0, make(map[*nameserver]bool)
		for _, a := range s.asks[q] {
			if !a.at.Before(l.start) {
				n++
				servers[a.server] = true
			}
		}
		if o.quick != nil {
			most = 0
		}
		if s.single && n > most {
			l.errorf("%v was asked %d times, and %d are enough", q, n, most)
		}
		if o.dead && l.isPlain() && l.params.Timeout == 0 && !o.recent && !s.crowded(len(s.servers())) {
			s.checkEachAsked(l, servers)
		}
	}
}

// checkEachAsked checks that a lookup that has failed was sent to each nameserver.
func (s *steady) checkEachAsked(l *lookup, asked map[*nameserver]bool) {
	for _, ns := range s.servers() {
		if !asked[ns] && ns.mood.tcp == tcpServed && !ns.mood.closed {
			l.errorf("%v, but %s was not asked", l.err, ns.host.Name())
		}
	}
}

// noteWhims notes that a nameserver may be taken for down though it is good.
func (s *steady) noteWhims(l *lookup) {
	for _, q := range l.questions() {
		switch s.client.zones.whim(q) {
		case whimSilent, whimFailed:
			s.upset = true
		}
	}
}
