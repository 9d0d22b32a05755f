package simulation_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdns"
)

// A steady is a world in which the network loses nothing and each nameserver keeps its
// temper, so that what becomes of each lookup, by when and with how many queries is known
// beforehand: see resolver_fates_test.go.
type steady struct {
	client                    *resolverClient
	world                     *evtest.World
	n                         int // nameservers that the resolver has, unless they are removed
	names                     []string
	last                      *lookup
	known                     map[question]*memory
	outlooks                  map[*lookup]*outlook
	asks                      map[question][]asked // by UDP and TCP
	named, extended, streamed map[question]bool    // may be asked of any nameserver, with DNSSEC, over TCP

	under       int       // questions of the lookups of this round
	single      bool      // they are those of one lookup, or of several equal ones
	suspendedAt time.Time // zero: it is not suspended
	restored    time.Time // when the nameservers were added last
	upset       bool      // good nameservers have seemed bad
	gone        bool      // a good nameserver may be taken for down
	calmAt      time.Time // no good one is a suspect any more from then on
	lessons     map[*nameserver]*lesson
	traffic     traffic
	over        bool // from now on anything may happen
}

func newSteady(c *resolverClient) *steady {
	s := &steady{client: c, world: c.world, known: make(map[question]*memory), outlooks: make(map[*lookup]*outlook), asks: make(map[question][]asked),
		named: make(map[question]bool), extended: make(map[question]bool), streamed: make(map[question]bool)}
	c.calmDown()
	f := c.world.Faults()
	c.transit = 2*(f.Latency+f.Jitter) + time.Millisecond
	c.troubled = true
	s.n = []int{0, 1, 1, 1, 2, 2, 3, 3}[c.world.Rand().IntN(8)]
	s.forgetLessons()
	return s
}

// drawConfig changes a configuration that was drawn, and draws the nameservers.
func (s *steady) drawConfig(cfg *evdns.Config) {
	r := s.world.Rand()
	cfg.Timeout = 2*time.Second + time.Duration(r.Int64N(int64(4*time.Second)))
	cfg.MaxInflight, cfg.MaxWaiting = []int{0, 0, 0, 1, 3}[r.IntN(5)], 0
	cfg.BindTo = netip.AddrPort{}
	for _, ns := range s.client.servers {
		ns.setMood(drawTemper(s.world, cfg.Timeout))
	}
}

// drawTemper draws a mood that a nameserver may have all the time.
func drawTemper(w *evtest.World, timeout time.Duration) (m mood) {
	r := w.Rand()
	if r.IntN(2) == 0 {
		m.delay = time.Duration(1 + r.Int64N(int64(timeout/8)))
	}
	switch r.IntN(14) {
	case 0, 1:
		m.silent = 1
	case 2, 3:
		m.rcode = []int{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNotImplemented, dns.RcodeFormatError, dns.RcodeNotZone}[r.IntN(5)]
	case 4, 5, 6:
		m.edns = ednsMood(r.IntN(int(ednsMoods)))
	case 7:
		m.referral = true
	case 8:
		m.malformed = float64(r.IntN(2))
	case 9:
		m.late = timeout + time.Duration(r.Int64N(int64(timeout)))
	case 10:
		m.closed = true
	}
	m.truncate, m.fold, m.twice = r.IntN(8) == 0, r.IntN(6) == 0, r.IntN(8) == 0
	if r.IntN(4) == 0 {
		m.forge = r.Float64()
	}
	if r.IntN(3) == 0 {
		m.tcp = tcpMood(r.IntN(int(tcpMoods)))
	}
	m.truncateTCP = r.IntN(8) == 0
	return m
}

// servers returns the nameservers that the resolver has.
func (s *steady) servers() (list []*nameserver) {
	for i, ns := range s.client.servers {
		if s.client.added[i] {
			list = append(list, ns)
		}
	}
	return list
}

// run has lookups begin, round after round.
func (s *steady) run() {
	c := s.client
	for _, ns := range c.servers {
		s.world.Note("%s, streams %v: %+v", ns.host.Name(), ns.streams, ns.mood)
		if ns.mood.closed {
			ns.host.Do(ns.pause)
		}
	}
	for range s.world.Draw("rounds", 1, 12) {
		c.host.Do(s.round)
		s.world.Await("the lookups of a round", func() bool { return c.underWay == 0 && !c.suspended })
		s.world.Run(s.drawPause())
	}
	s.traffic.check(s)
	s.over = true
}

// drawPause draws the time until the next round.
func (s *steady) drawPause() time.Duration {
	r := s.world.Rand()
	limit := []time.Duration{time.Millisecond, time.Second, time.Second, 5 * time.Second, time.Minute, 40 * time.Minute}[r.IntN(6)]
	return time.Duration(r.Int64N(int64(limit)))
}

// round begins lookups, of which some are equal.
func (s *steady) round() {
	c, r := s.client, s.world.Rand()
	if s.n > 0 && len(s.servers()) == 0 { // they were removed in the round before
		c.addServers()
		s.forgetLessons()
	}
	count := []int{1, 1, 1, 2, 6}[r.IntN(5)]
	s.single, s.under = count == 1, 0
	var begun []*lookup
	for range count {
		l := s.drawLookup()
		if s.last != nil && r.IntN(4) == 0 {
			l = &lookup{client: c, kind: s.last.kind, name: s.last.name, names: s.last.names, flags: s.last.flags, qtype: s.last.qtype}
			l.params.Flags = l.flags
		}
		s.last = l
		s.under += len(l.questions())
		for range 1 + r.IntN(2)*r.IntN(3) {
			twin := *l
			begun = append(begun, &twin)
		}
	}
	for _, l := range begun {
		l.begin()
	}
	switch r.IntN(8) {
	case 0:
		s.world.At(s.drawPause()/8, func() { c.host.Post(s.suspend) })
	case 1:
		l := begun[r.IntN(len(begun))]
		s.world.At(s.drawPause()/8, func() { c.host.Post(l.giveUp) })
	}
}

// suspend takes the nameservers away for a while, or for good.
func (s *steady) suspend() {
	c, r := s.client, s.world.Rand()
	if c.suspended || s.over || c.underWay == 0 {
		return
	}
	s.world.Note("suspended")
	c.suspended, s.suspendedAt = true, s.world.Now()
	c.base.ClearNameserversAndSuspend()
	clear(c.added)
	c.noteServers()
	gone := r.IntN(4) == 0
	s.world.At(s.drawPause(), func() {
		c.host.Post(func() { s.resume(gone) })
	})
}

func (s *steady) resume(gone bool) {
	c := s.client
	s.world.Note("resumed, without nameservers %v", gone)
	if !gone {
		c.addServers()
	}
	s.forgetLessons()
	c.base.Resume()
	c.suspended, s.suspendedAt = false, time.Time{}
	c.resumed = s.world.Now()
	c.noteServers()
}

// forgetLessons notes that the resolver knows nothing of its nameservers.
func (s *steady) forgetLessons() {
	s.restored, s.upset, s.gone = s.world.Now(), false, false
	s.lessons = make(map[*nameserver]*lesson)
	for _, ns := range s.client.servers {
		s.lessons[ns] = new(lesson)
	}
	for l := range s.outlooks {
		s.noteWhims(l)
	}
	s.gone = s.upset
}

// Lookups

// drawLookup draws a lookup of a new name, or of one that was looked up before.
func (s *steady) drawLookup() *lookup {
	c, r := s.client, s.world.Rand()
	l := &lookup{client: c, kind: lookupKind(r.IntN(5))}
	if r.IntN(8) == 0 {
		l.flags |= evdns.UseVC
	}
	if r.IntN(10) == 0 {
		l.flags |= evdns.IgnoreTC
	}
	switch l.kind {
	case lookupMessage:
		s.drawParams(l)
	case lookupAddrInfo:
		l.flags = 0
	case lookupReverse:
		return s.reverse(l)
	}
	if len(s.names) > 0 && r.IntN(3) == 0 {
		l.name = s.names[r.IntN(len(s.names))]
		l.names = []string{l.name}
		return l
	}
	c.fresh++
	l.name = fmt.Sprintf("fresh%d", c.fresh)
	switch r.IntN(6) {
	case 0:
	case 1:
		l.name += "." + strings.TrimSuffix(zoneDomain, ".")
	default:
		l.name += "." + zoneDomain
	}
	l.names = c.namesOf(l.name, l.flags&evdns.NoSearch == 0)
	s.define(l)
	return l
}

// drawParams draws what is special about a query.
func (s *steady) drawParams(l *lookup) {
	r := s.world.Rand()
	l.qtype = []uint16{dns.TypeA, dns.TypeAAAA}[r.IntN(2)]
	l.params = evdns.QueryConfig{Flags: l.flags, DNSSEC: r.IntN(4) == 0, CheckingDisabled: r.IntN(4) == 0}
	if r.IntN(4) == 0 {
		l.params.Timeout = time.Duration(100+r.IntN(6000)) * time.Millisecond
	}
	if r.IntN(4) == 0 {
		l.params.Nameserver = s.client.servers[r.IntN(3)].addr()
	}
}

// reverse has a lookup be one of a new address.
func (s *steady) reverse(l *lookup) *lookup {
	s.client.fresh++
	addr := netip.AddrFrom4([4]byte{198, 18, byte(s.client.fresh >> 8), byte(s.client.fresh)})
	l.name, l.names = addr.String(), []string{reverseName(addr)}
	if n := s.world.Rand().IntN(3); n > 0 {
		s.client.zones.names[l.names[0]] = &zoneName{ptr: n, ttl: s.client.zones.drawTTL()}
	}
	return l
}

// define has one of the names of a lookup be something, or none of them.
func (s *steady) define(l *lookup) {
	r, z := s.world.Rand(), s.client.zones
	name := l.names[r.IntN(len(l.names))]
	n := &zoneName{v4: r.IntN(4), v6: r.IntN(4), ttl: z.drawTTL()}
	switch r.IntN(10) {
	case 0:
		return
	case 1:
		n.v4, n.v6 = 60, 60
	case 2:
		z.names["end-of-"+name] = n
		n = &zoneName{alias: "end-of-" + name, ttl: z.drawTTL()}
	case 3, 4:
		if s.single && len(l.names) == 1 {
			n.whims = make(map[uint16]whim)
			for _, t := range l.types() {
				n.whims[t] = whim(r.IntN(4))
			}
		}
	}
	z.names[name] = n
	if n.whims == nil && len(l.names) == 1 && dns.IsFqdn(l.name) {
		s.names = append(s.names, name)
	}
}
