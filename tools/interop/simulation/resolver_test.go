package simulation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdns"
)

// A resolver has three nameservers, of which each may be slow, silent, lossy, wrong,
// stopped or out of reach for a while, and a program that looks names up by all methods,
// many at a time, and changes the configuration meanwhile. In every other world nothing
// changes, so that what becomes of each lookup is known beforehand.
func TestResolver(t *testing.T) {
	event.SetLogCallback(func(event.LogSeverity, string) {})
	t.Cleanup(func() { event.SetLogCallback(nil) })
	evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
		c := newResolverClient(w)
		if c.steady != nil {
			c.steady.run()
			c.end()
			return
		}
		c.quiet = w.Rand().IntN(5) == 0 && w.Faults().SmallBuffers == 0
		if c.quiet {
			c.calmDown()
		}
		for range w.Draw("steps", 1, 30) {
			c.step()
		}
		c.recover()
		c.useEachServer()
		c.end()
	})
}

// A resolverClient is a program with a resolver, and what is known about it.
type resolverClient struct {
	world   *evtest.World
	host    *evtest.Host
	zones   *zones
	servers []*nameserver
	base    *evdns.Base
	flags   evdns.BaseFlags
	cfg     evdns.Config
	search  []string // domains, the first that is tried first
	checks  checks
	steady  *steady // or nil: anything may happen
	began   time.Time

	added     []bool // servers that the resolver has
	hosts     bool   // the hosts file is loaded
	suspended bool
	freed     bool
	lookups   []*lookup
	flights   map[question]*flight
	underWay  int
	fresh     int // names that were made for one lookup

	// What limits the checks.
	quiet        bool // nothing goes wrong, so that each outcome is certain
	honest       bool // messages are not corrupted
	calm         bool // the network loses nothing and is quick
	slow         bool // the loop or the network may take any time
	dirty        bool // search domains were changed
	noAAAA       bool
	mayBeTooMany bool
	troubled     bool          // nameservers were stopped, or misbehave over TCP
	transit      time.Duration // of a datagram to a nameserver and back, at most
	minTimeout   time.Duration // of all configurations so far
	most         evdns.Config  // the largest values of all configurations so far
	minInflight  int
	minCache     int
	mostUnderWay int
	changed      time.Time // when the configuration was changed last
	resumed      time.Time
	emptySince   time.Time // the resolver has no nameserver since then, or zero
	lastEmpty    time.Time
}

func newResolverClient(w *evtest.World) *resolverClient {
	c := &resolverClient{world: w, flights: make(map[question]*flight), began: w.Now(), zones: newZones(w)}
	c.checks.client = c
	f := w.Faults()
	c.transit = 2*(f.Latency+f.Jitter) + time.Millisecond
	if f.Reorder > 0 {
		c.transit += 2 * (4*(f.Latency+f.Jitter) + 20*time.Millisecond)
	}
	if f.Bandwidth > 0 {
		c.transit += 2 * time.Duration(100*1500*int64(time.Second)/int64(f.Bandwidth))
	}
	c.honest = f.Corrupt == 0
	c.slow = f.Hold > 0
	c.calm = c.honest && !c.slow && f.Lose == 0 && f.Vanish == 0 && f.Refuse == 0 && f.Reset == 0 &&
		f.NoDescriptors == 0 && f.NoBuffers == 0
	for i := range 3 {
		c.servers = append(c.servers, newNameserver(w, fmt.Sprintf("ns%d", i), c.zones))
	}
	c.host = w.Host("client")
	for _, s := range c.servers {
		s.seen = c.seen
	}
	c.added = make([]bool, len(c.servers))
	if w.Rand().IntN(2) == 0 && w.Faults().SmallBuffers == 0 {
		c.steady = newSteady(c)
	}
	c.host.Do(c.start)
	return c
}

// calmDown has nothing go wrong in the network.
func (c *resolverClient) calmDown() {
	f := c.world.Faults()
	c.world.SetFaults(evtest.Faults{
		Latency: min(f.Latency, 50*time.Millisecond), Jitter: min(f.Jitter, 50*time.Millisecond),
		Split: f.Split, Interrupt: f.Interrupt, Again: f.Again, LateTimers: f.LateTimers, FewEvents: f.FewEvents,
	})
	c.honest, c.calm, c.slow = true, true, false
	for _, s := range c.servers {
		c.world.Await("a nameserver", func() bool { return s.socket != nil && s.listener != nil })
	}
}

// Steps

// step is one thing that happens, and the time before the next one.
func (c *resolverClient) step() {
	r := c.world.Rand()
	kind := r.IntN(16)
	if c.quiet {
		kind = 16
	}
	switch kind {
	case 0, 1:
		c.changeServer(c.servers[r.IntN(3)])
	case 2:
		c.host.Do(c.reconfigure)
	case 3:
		c.zones.change(11)
	case 4:
		if r.IntN(4) == 0 {
			c.slow, c.calm = true, false
			c.host.Pause(time.Duration(r.Int64N(int64(20 * time.Second))))
		}
	default:
		c.host.Do(c.lookUp)
	}
	switch r.IntN(8) {
	case 0, 1, 2:
	case 3:
		c.world.Run(time.Duration(r.Int64N(int64(40 * time.Second))))
	default:
		c.world.Run(time.Duration(r.Int64N(int64(2 * time.Second))))
	}
}

// lookUp begins a few lookups, of which some are for the same name, and cancels some.
func (c *resolverClient) lookUp() {
	r := c.world.Rand()
	for range 1 + r.IntN(4) {
		l := c.drawLookup()
		for range 1 + r.IntN(2)*r.IntN(3) {
			again := *l
			if again.client = c; !c.quiet {
				c.plan(&again)
			}
			again.begin()
		}
	}
	if r.IntN(4) == 0 && !c.quiet {
		c.lookups[r.IntN(len(c.lookups))].giveUp()
	}
}

// plan draws what the callback of a lookup does.
func (c *resolverClient) plan(l *lookup) {
	r := c.world.Rand()
	switch r.IntN(12) {
	case 0:
		l.then = func() { c.another(l.name) }
	case 1:
		l.then = func() { c.lookups[r.IntN(len(c.lookups))].giveUp() }
	}
}

// another begins a lookup in a callback.
func (c *resolverClient) another(name string) {
	if c.freed {
		return
	}
	l := &lookup{client: c, kind: lookupV4, name: name}
	if strings.Contains(name, ":") || c.world.Rand().IntN(2) == 0 {
		l.name = c.drawName()
	}
	l.names = c.namesOf(l.name, true)
	l.begin()
}

// changeServer has something happen to a nameserver.
func (c *resolverClient) changeServer(s *nameserver) {
	r := c.world.Rand()
	switch {
	case s.down:
		c.startServer(s)
		return
	case s.cut && r.IntN(2) == 0:
		c.mend(s)
		return
	}
	switch r.IntN(6) {
	case 0:
		c.troubled = true
		s.host.Stop()
		s.down = true
		s.forget()
	case 1:
		s.cut = true
		c.world.Cut(c.host, s.host)
	case 2:
		c.troubled = true
		s.host.Do(func() { // its port for UDP is closed, and its connections end
			s.pause()
			s.goodSince = c.world.Now().Add(time.Hour)
			s.after(time.Duration(r.Int64N(int64(10*time.Second))), func() {
				s.startUDP()
				s.goodSince = c.world.Now().Add(time.Second)
			})
		})
	default:
		s.setMood(drawMood(c.world))
		c.troubled = c.troubled || !s.mood.goodTCP()
	}
}

func (c *resolverClient) startServer(s *nameserver) {
	s.host.Start()
	s.down = false
	s.goodSince = c.world.Now().Add(time.Second)
	s.host.Do(s.start)
}

func (c *resolverClient) mend(s *nameserver) {
	c.world.Mend(c.host, s.host)
	s.cut = false
	s.goodSince = c.world.Now()
}

// reconfigure changes the configuration while lookups are under way.
func (c *resolverClient) reconfigure() {
	r := c.world.Rand()
	switch r.IntN(6) {
	case 0:
		c.cfg = c.drawConfig()
		if err := c.base.SetConfig(c.cfg); err != nil {
			c.world.T().Error(err)
		}
		c.noteConfig()
	case 1, 2:
		c.suspended = true
		c.base.ClearNameserversAndSuspend()
		for _, f := range c.flights { // all requests wait now
			f.seen = false
		}
		clear(c.added)
		c.noteServers()
		if r.IntN(2) == 0 {
			c.resume()
		}
	case 3:
		c.dirty = true
		if r.IntN(2) == 0 {
			c.base.ClearSearch()
			c.search = nil
		}
		c.addSearch()
	case 4:
		c.base.ClearHostAddresses()
		c.hosts = false
		if r.IntN(2) == 0 {
			c.loadHosts()
		}
	case 5:
		if c.suspended {
			c.resume()
		}
	}
}

// resume gives the resolver its nameservers back.
func (c *resolverClient) resume() {
	c.addServers()
	c.base.Resume()
	c.suspended = false
	c.resumed = c.world.Now()
	c.noteServers()
}

// recover ends all that goes wrong, after which all lookups end.
func (c *resolverClient) recover() {
	c.world.SetFaults(evtest.Faults{Latency: time.Millisecond})
	for _, s := range c.servers {
		if s.down {
			c.startServer(s)
		}
		if s.cut {
			c.mend(s)
		}
		s.setMood(mood{})
	}
	c.host.Do(func() {
		if c.suspended {
			c.resume()
		}
	})
	c.world.Await("all lookups to end", func() bool { return c.underWay == 0 })
}

// useEachServer has all nameservers but one be silent, which must be used then, whatever
// has happened to it before.
func (c *resolverClient) useEachServer() {
	c.world.Run(2*c.most.MaxProbe + 40*time.Second)
	c.quiet = false
	last := c.world.Rand().IntN(len(c.servers))
	for i, s := range c.servers {
		if i != last {
			s.setMood(mood{silent: 1})
		}
	}
	c.fresh++
	name := fmt.Sprintf("fresh%d.%s", c.fresh, zoneDomain)
	c.zones.add(name)
	l := &lookup{client: c, kind: lookupV4, name: name, names: []string{name}}
	c.host.Do(l.begin)
	c.world.Await("the last lookup", func() bool { return l.ended })
	if l.err != nil {
		c.world.T().Errorf("with %s alone: %v", c.servers[last].host.Name(), l.err)
	}
}

// end frees the resolver with lookups under way, and ends the nameservers.
func (c *resolverClient) end() {
	r := c.world.Rand()
	for _, s := range c.servers {
		s.setMood(mood{silent: 1})
	}
	report := r.IntN(2) == 0
	c.host.Do(func() {
		for range r.IntN(3) {
			c.lookUp()
		}
		if r.IntN(2) == 0 {
			c.free(report)
		}
	})
	if r.IntN(2) == 0 {
		c.world.Run(time.Duration(r.Int64N(int64(time.Second))))
	}
	c.host.Do(func() { c.free(report) })
	c.world.Await("the callbacks", func() bool { return !report || c.underWay == 0 })
	c.world.Run(c.most.Timeout + time.Minute)
	for _, s := range c.servers {
		s.host.Do(s.stop)
	}
	c.world.Run(2 * time.Second)
}

// free frees the resolver. Without report, no lookup that has not ended calls back, but
// for those whose callbacks are queued.
func (c *resolverClient) free(report bool) {
	if c.freed {
		return
	}
	c.freed = true
	c.base.Free(report)
	for _, l := range c.lookups {
		if l.kind == lookupAddrInfo && !report && !l.ended {
			l.silent = true
			c.underWay--
		}
	}
	if _, err := c.base.ResolveIPv4("late.test", 0, func(evdns.Answer, error) {}); err == nil {
		c.world.T().Error("a lookup has begun after Free")
	}
	if n := c.base.CountNameservers(); n != 0 {
		c.world.T().Errorf("%d nameservers after Free", n)
	}
}
