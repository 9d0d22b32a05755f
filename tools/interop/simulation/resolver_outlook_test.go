package simulation_test

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

// An outlook is what becomes of a lookup.
type outlook struct {
	lookup *lookup
	by     time.Duration
	least  time.Duration
	sure   bool           // there are all the records of counts, or else the error absent
	counts map[uint16]int // how many records there must be, if it is sure
	may    map[uint16]int // how many there may be besides, if there are any
	some   bool           // there must be some
	absent error          // why there are none
	errs   []error        // that it may end with, if it is not sure
	asks   map[question]int
	quick  error // it is known without a query, and its error is this one
	dead   bool
	recent bool // a question may have failed a moment ago
}

// notExistSkew is how long GetAddrInfo waits for a family when the name does not exist
// for the other one.
const notExistSkew = 50 * time.Millisecond

// outlook returns what becomes of a lookup that begins now.
func (s *steady) outlook(l *lookup) *outlook {
	o := &outlook{lookup: l, sure: true, counts: make(map[uint16]int), may: make(map[uint16]int), asks: make(map[question]int)}
	for _, q := range l.questions() {
		o.recent = o.recent || s.hasFailed(q)
	}
	for _, name := range l.names {
		if !s.lookName(o, strings.ToLower(name)) {
			break
		}
	}
	if len(l.names) > 1 || l.kind == lookupAddrInfo {
		o.least = 0
	}
	if d := l.params.Timeout; d > 0 {
		o.least = min(o.least, d)
		if o.by+s.slack() > d {
			o.sure, o.by = false, min(o.by, d)
			o.errs = append(o.errs, evdns.ErrTimeout)
		}
	}
	if !o.sure {
		o.errs = append(o.errs, evdns.ErrNotExist, evdns.ErrNoData)
	}
	o.quick = s.remembered(l, o)
	return o
}

// lookName adds what becomes of the lookup of a name, and reports whether another one may
// follow.
func (s *steady) lookName(o *outlook, name string) bool {
	types := o.lookup.types()
	var fates []fate
	for _, t := range types {
		q := question{name, t}
		f := s.fate(o.lookup, q)
		fates = append(fates, f)
		o.asks[q] += f.asks
	}
	if len(types) == 2 {
		return s.lookFamilies(o, name, fates)
	}
	f := fates[0]
	o.by, o.least, o.dead = o.by+f.by, o.least+f.least, f.dead
	n, absent := s.truth(question{name, types[0]})
	switch {
	case !f.sure:
		o.doubt(f.errs...)
		o.may[types[0]] = max(o.may[types[0]], n)
		return !f.dead || !areNoAnswers(f.errs)
	case n > 0:
		o.counts[types[0]], o.some = n, true
		return false
	}
	o.absent = absent
	return true
}

// doubt notes that the lookup may end with other errors.
func (o *outlook) doubt(errs ...error) {
	o.sure = false
	o.errs = append(o.errs, errs...)
}

// truth returns how many records there are, or why there are none.
func (s *steady) truth(q question) (n int, absent error) {
	n, exists := s.client.zones.count(q)
	if !exists || s.client.zones.whim(q) == whimAbsent {
		return 0, evdns.ErrNotExist
	}
	return n, evdns.ErrNoData
}

// A side is one family of GetAddrInfo.
type side struct {
	fate
	qtype  uint16
	n      int
	absent error
}

// lookFamilies is lookName for both families.
func (s *steady) lookFamilies(o *outlook, name string, fates []fate) bool {
	var sides [2]side
	for i, t := range o.lookup.types() {
		sides[i] = side{fate: fates[i], qtype: t}
		sides[i].n, sides[i].absent = s.truth(question{name, t})
		o.may[t] = max(o.may[t], sides[i].n)
	}
	first, second := sides[0], sides[1] // those that are sure come first
	if !first.sure {
		first, second = second, first
	}
	both := max(first.by, second.by)
	single := s.client.cfg.SingleRequest
	if single {
		both = first.by + second.by
	}
	switch {
	case second.sure:
		s.bothSure(o, sides, both)
	case first.sure && first.n > 0:
		o.some = true
		if second.n == 0 || first.by+s.slack() <= s.client.cfg.AllowSkew {
			o.counts[first.qtype] = first.n
		}
		if !single {
			both = min(both, first.by+s.client.cfg.AllowSkew)
		}
		o.by += both
		return false
	case first.sure && first.absent == evdns.ErrNotExist:
		if !single {
			both = min(both, first.by+notExistSkew)
		}
		o.by += both
		if o.absent = evdns.ErrNotExist; !second.dead || !areNoAnswers(second.errs) || single {
			o.doubt(second.errs...)
		}
	default:
		o.doubt(first.errs...)
		o.doubt(second.errs...)
		o.by += both
	}
	return !o.some
}

// bothSure is lookFamilies where both families have the true answers.
func (s *steady) bothSure(o *outlook, sides [2]side, both time.Duration) {
	single, skew := s.client.cfg.SingleRequest, s.client.cfg.AllowSkew
	by := both
	for i, a := range sides {
		b := sides[1-i]
		o.some = o.some || a.n > 0
		switch {
		case a.n > 0 && b.absent == evdns.ErrNotExist && b.n == 0: // the other family may be late
			if a.by+5*time.Millisecond > notExistSkew || single {
				o.doubt(evdns.ErrNotExist)
			}
			o.counts[a.qtype] = a.n
		case a.n > 0 && (single && i == 0 || a.by+s.slack() <= skew || b.n == 0):
			o.counts[a.qtype] = a.n
		case a.n == 0 && b.n == 0:
			if o.absent = a.absent; a.absent != b.absent {
				o.doubt(evdns.ErrNotExist, evdns.ErrNoData)
			}
		}
		if a.n > 0 && !single {
			by = min(by, a.by+skew)
		}
		if a.n == 0 && a.absent == evdns.ErrNotExist && !single {
			by = min(by, a.by+notExistSkew)
		}
	}
	o.by += by
}

// areNoAnswers reports whether all errors say that no nameserver has answered.
func areNoAnswers(errs []error) bool {
	for _, err := range errs {
		if !isOneOf(err, evdns.ErrTimeout, evdns.ErrServerFailed, evdns.ErrUnreachable) {
			return false
		}
	}
	return true
}

func isOneOf(err error, list ...error) bool {
	return slices.ContainsFunc(list, func(e error) bool { return errors.Is(err, e) })
}

// slack is by how much lookups may be later than they should be.
func (s *steady) slack() time.Duration {
	slack := 300*time.Millisecond + 20*s.world.Faults().LateTimers
	if f := s.world.Faults(); f.Split > 0 { // streams come in many pieces
		slack += 10 * s.client.transit
	}
	return slack
}

// Memory

// A memory is what the resolver must know of a question.
type memory struct {
	failure  error // with which it has failed
	failed   time.Time
	negative *response // that there is no such name, or no such records
	err      error     // which is this error then
}

// caches reports whether the resolver caches what it gets.
func (s *steady) caches() bool {
	return s.client.flags&evdns.NoCache == 0 && s.client.cfg.CacheSize > 100
}

// isPlain reports whether a lookup is one question without parameters.
func (l *lookup) isPlain() bool {
	return len(l.names) == 1 && (l.kind == lookupV4 || l.kind == lookupV6 || l.kind == lookupReverse) && l.flags&evdns.UseVC == 0
}

// remembered returns the error that a lookup must have without a query, or nil.
func (s *steady) remembered(l *lookup, o *outlook) error {
	now := s.world.Now()
	if !l.isPlain() || !s.caches() {
		return nil
	}
	q := l.questions()[0]
	for _, t := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR} {
		m := s.known[question{q.name, t}]
		if m != nil && m.negative != nil && (t == q.qtype || m.err == evdns.ErrNotExist) && now.Sub(m.negative.at) < m.negative.ttl {
			return m.err
		}
	}
	m := s.known[q]
	if m != nil && m.failure != nil && now.Sub(m.failed) < s.client.failureTTL() && m.failed.After(s.restored) && s.allDead() {
		return m.failure
	}
	return nil
}

// allDead reports whether the resolver has nameservers, none of which answers anything.
func (s *steady) allDead() bool {
	list := s.servers()
	return len(list) > 0 && !slices.ContainsFunc(list, func(ns *nameserver) bool { return !s.isDead(ns) })
}

// wasAsked reports whether a nameserver was asked since then.
func (s *steady) wasAsked(q question, since time.Time) bool {
	list := s.asks[q]
	return len(list) > 0 && !list[len(list)-1].at.Before(since)
}

// remember notes how a lookup has ended.
func (s *steady) remember(l *lookup) {
	if !l.isPlain() || l.err == nil || !l.cancelled.IsZero() {
		return
	}
	q := l.questions()[0]
	m := s.known[q]
	if m == nil {
		m = new(memory)
		s.known[q] = m
	}
	switch said := s.client.zones.said[q]; {
	case isOneOf(l.err, evdns.ErrNotExist, evdns.ErrNoData):
		m.negative, m.err = nil, evdns.ErrNoData
		if errors.Is(l.err, evdns.ErrNotExist) {
			m.err = evdns.ErrNotExist
		}
		if len(said) > 0 && (said[len(said)-1].notExist() || said[len(said)-1].noData()) && !said[len(said)-1].referral {
			m.negative = said[len(said)-1]
		}
	default:
		for _, err := range []error{evdns.ErrTimeout, evdns.ErrServerFailed, evdns.ErrRefused, evdns.ErrNotImpl} {
			if errors.Is(l.err, err) && s.outlooks[l].quick == nil && s.wasAsked(q, l.start) {
				m.failure, m.failed = err, s.world.Now()
			}
		}
	}
}
