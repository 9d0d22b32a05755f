package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdns"
)

// A resolver has three nameservers, of which each may be slow, silent, lossy, wrong,
// stopped or out of reach for a while, and a program that looks names up by all methods,
// many at a time, and changes the configuration meanwhile.
func TestResolver(t *testing.T) {
	event.SetLogCallback(func(event.LogSeverity, string) {})
	t.Cleanup(func() { event.SetLogCallback(nil) })
	evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
		c := newResolverClient(w)
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

// A flight is what is known of lookups for one question.
type flight struct {
	n      int       // of those under way
	since  time.Time // there were some all the time
	failed time.Time // when one has failed last

	seen   bool            // by a nameserver, since then
	mayAsk int             // how many queries there may be, if nothing goes wrong
	asked  int             // how many there were
	ended  time.Time       // when there were none
	unsure bool            // some of the lookups may not ask, or not any more
	joined map[string]bool // what else the lookups ask for
}

// open and close note that a lookup begins, and that it ends.
func (c *resolverClient) open(l *lookup) {
	c.underWay++
	c.mostUnderWay = max(c.mostUnderWay, c.underWay)
	for _, q := range l.questions() {
		f := c.flights[q]
		if f == nil {
			f = new(flight)
			c.flights[q] = f
		}
		if f.n++; f.n == 1 {
			f.since = c.world.Now()
			f.seen = false
		}
	}
	c.expect(l)
}

func (c *resolverClient) close(l *lookup) {
	c.underWay--
	if c.underWay == 0 {
		c.mostUnderWay = 0
	}
	for _, q := range l.questions() {
		f := c.flights[q]
		if f.n--; f.n == 0 {
			c.notInFlight(f)
		}
		if l.err != nil || l.kind == lookupAddrInfo { // of which one family may have failed
			f.failed = c.world.Now()
		}
	}
}

// notInFlight notes that no lookup for a question is under way.
func (c *resolverClient) notInFlight(f *flight) {
	f.ended, f.seen, f.joined = c.world.Now(), false, nil
}

// expect notes how often a lookup may ask.
func (c *resolverClient) expect(l *lookup) {
	params := l.params
	params.Timeout = 0
	variant := fmt.Sprint(l.kind == lookupMessage, l.flags&(evdns.UseVC|evdns.IgnoreTC), params)
	for _, q := range l.questions() {
		f := c.flights[q]
		alone := len(l.names) == 1 && l.kind != lookupAddrInfo // it asks at once, and until there is an answer
		if !alone || !f.joined[variant] || c.zones.answered(q, f.since) {
			f.mayAsk++
		}
		if f.joined == nil {
			f.joined = make(map[string]bool)
		}
		f.joined[variant] = f.joined[variant] || alone
		f.unsure = f.unsure && f.n > 1 || l.kind == lookupAddrInfo || len(l.names) > 1
	}
}

// answered reports whether a nameserver has answered a question since a time.
func (z *zones) answered(q question, since time.Time) bool {
	said := z.said[q]
	return len(said) > 0 && !said[len(said)-1].at.Before(since)
}

// seen notes that a nameserver has got a query. It checks that equal questions were sent
// once, and that no more are in flight than may be.
func (c *resolverClient) seen(q question, tcp bool) {
	f := c.flights[q]
	if f == nil || tcp {
		return // it is a probe, or was asked before by UDP
	}
	f.asked++
	if c.quiet && f.asked > f.mayAsk {
		c.world.T().Errorf("%v was asked %d times, and %d are enough", q, f.asked, f.mayAsk)
	}
	if f.n > 0 && (f.ended.IsZero() || f.since.Sub(f.ended) > c.transit) {
		f.seen = true
	}
	if !c.slow && c.inFlight() > c.most.MaxInflight {
		c.world.At(time.Millisecond, func() { // when those that have ended have called back
			if n := c.inFlight(); n > c.most.MaxInflight && !c.slow {
				c.world.T().Errorf("%d requests are in flight, and %d may be", n, c.most.MaxInflight)
			}
		})
	}
}

// inFlight returns how many questions wait for an answer of a nameserver that has got
// them, at least.
func (c *resolverClient) inFlight() (n int) {
	for q, f := range c.flights {
		if f.n > 0 && f.seen && !f.unsure && !c.zones.answered(q, f.since) {
			n++
		}
	}
	return n
}

// since returns when the first of the lookups for q that are under way without a gap
// began.
func (c *resolverClient) since(q question, l *lookup) time.Time {
	if f := c.flights[q]; f != nil {
		return f.since
	}
	return l.start
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
	c.host.Do(c.start)
	return c
}

// randomBytes is a source of random bytes that follow from the seed.
type randomBytes struct{ rand *rand.Rand }

func (r randomBytes) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.rand.Uint32())
	}
	return len(p), nil
}

// drawConfig draws a configuration.
func (c *resolverClient) drawConfig() evdns.Config {
	r := c.world.Rand()
	some := func(d time.Duration) time.Duration { return d + time.Duration(r.Int64N(4*int64(d))) }
	pick := func(list ...int) int { return list[r.IntN(len(list))] }
	cfg := evdns.Config{
		Ndots: pick(0, 1, 2, -1), NoTLDQuery: r.IntN(8) == 0,
		Timeout: some(time.Second), Attempts: pick(0, 1, 2, 3, 5),
		MaxInflight: pick(0, 0, 1, 2, 5, 64), MaxWaiting: pick(0, 0, 0, 3),
		MaxTimeouts: pick(0, 1, 2, 5), InitialProbe: some(time.Second), MaxProbe: some(10 * time.Second), ProbeBackoff: pick(0, 1, 2),
		Ports: pick(0, 1, 2, 8), KeepCase: r.IntN(8) == 0, EDNSUDPSize: pick(0, 0, 1232, 4096),
		TCPIdleTimeout: some(time.Second), UseVC: r.IntN(16) == 0, IgnoreTC: r.IntN(16) == 0,
		AllowSkew: some(500 * time.Millisecond), SingleRequest: r.IntN(6) == 0, NoAAAA: c.noAAAA,
		CacheSize: pick(0, 0, 0, 1, 3, -1), FailureTTL: time.Duration(pick(0, 0, -1, 1000, 5000)) * time.Millisecond,
		Random: randomBytes{r}, FS: c.files(), Hostname: "client.corp.test",
	}
	if r.IntN(10) == 0 {
		cfg.BindTo = netip.AddrPortFrom(c.host.Addr(), 0) // on Windows only one socket may have a given port
	}
	return cfg
}

func (c *resolverClient) files() fstest.MapFS {
	var conf strings.Builder
	for _, s := range c.servers {
		fmt.Fprintf(&conf, "nameserver %v\n", s.host.Addr())
	}
	fmt.Fprintf(&conf, "search %s %s\noptions ndots:1 nonsense:1\nnonsense\n", otherDomain, zoneDomain)
	return fstest.MapFS{
		"etc/resolv.conf": {Data: []byte(conf.String())},
		"etc/hosts":       {Data: []byte("10.9.8.7 known.test alias.known.test # comment\nnonsense\nfd99::1 h0.example.test\n")},
	}
}

// hostsAddr returns the address of a name of the hosts file.
func (c *resolverClient) hostsAddr(name string) netip.Addr {
	if !c.hosts {
		return netip.Addr{}
	}
	switch strings.ToLower(strings.TrimSuffix(name, ".")) {
	case "known.test", "alias.known.test":
		return netip.MustParseAddr("10.9.8.7")
	case "h0.example.test":
		return netip.MustParseAddr("fd99::1")
	}
	return netip.Addr{}
}

// start makes the resolver. It runs on the loop of the client.
func (c *resolverClient) start() {
	r := c.world.Rand()
	c.noAAAA = r.IntN(16) == 0
	c.cfg = c.drawConfig()
	if r.IntN(8) == 0 {
		c.flags |= evdns.NoCache
	}
	if r.IntN(4) == 0 {
		c.flags |= evdns.DisableWhenInactive
	}
	system := r.IntN(4) == 0
	if system {
		c.flags |= evdns.InitializeNameservers
	}
	var err error
	if c.base, err = evdns.NewBaseWithConfig(c.host.Base(), c.flags, c.cfg); err != nil {
		c.world.T().Fatal(err)
	}
	if system {
		c.hosts = true
		c.search = []string{strings.TrimSuffix(otherDomain, "."), strings.TrimSuffix(zoneDomain, ".")}
		for i := range c.added {
			c.added[i] = true
		}
		if s := c.base.ConfigStats(); s.Malformed != 1 || s.Unknown != 2 {
			c.world.T().Errorf("malformed and unknown lines: %+v", s)
		}
	} else {
		for range r.IntN(3) {
			c.addSearch()
		}
		if r.IntN(2) == 0 {
			c.loadHosts()
		}
		c.addServers()
	}
	c.noteConfig()
	c.changed = time.Time{}
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

func (c *resolverClient) loadHosts() {
	if err := c.base.LoadHosts("/etc/hosts"); err != nil {
		c.world.T().Error(err)
	}
	c.hosts = true
}

func (c *resolverClient) addSearch() {
	domain := []string{zoneDomain, otherDomain, deepDomain}[c.world.Rand().IntN(3)]
	if err := c.base.AddSearch(domain); err != nil {
		c.world.T().Error(err)
	}
	c.search = append([]string{strings.TrimSuffix(domain, ".")}, c.search...)
}

// addServers adds those nameservers that the resolver does not have.
func (c *resolverClient) addServers() {
	for i, s := range c.servers {
		if c.added[i] {
			continue
		}
		var err error
		if s.streams = c.world.Rand().IntN(8) == 0; s.streams {
			err = c.base.AddTLSNameserver(s.addr(), c.dial)
		} else {
			err = c.base.AddNameserver(s.addr())
		}
		if err != nil {
			c.world.T().Error(err)
		}
		c.added[i] = true
	}
	c.noteServers()
}

// dial makes a stream to a nameserver.
func (c *resolverClient) dial(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error) {
	b, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	if err != nil {
		return nil, err
	}
	if err := b.Connect(addr); err != nil {
		b.Free()
		return nil, err
	}
	return b, nil
}

// noteServers notes whether the resolver has nameservers.
func (c *resolverClient) noteServers() {
	now := c.world.Now()
	empty := !c.suspended && c.base.CountNameservers() == 0
	switch {
	case empty && c.emptySince.IsZero():
		c.emptySince = now
	case !empty && !c.emptySince.IsZero():
		c.emptySince, c.lastEmpty = time.Time{}, now
	}
	c.changed = now
}

// noteConfig notes the largest values of the configuration.
func (c *resolverClient) noteConfig() {
	cfg := c.base.Config()
	c.world.Note("config: timeout %v, attempts %d, inflight %d, waiting %d, cache %d, flags %#x", cfg.Timeout, cfg.Attempts, cfg.MaxInflight, cfg.MaxWaiting, cfg.CacheSize, c.flags)
	m := &c.most
	m.Timeout = max(m.Timeout, cfg.Timeout)
	m.Attempts = max(m.Attempts, cfg.Attempts)
	m.MaxInflight = max(m.MaxInflight, cfg.MaxInflight)
	m.AllowSkew = max(m.AllowSkew, cfg.AllowSkew)
	m.MaxProbe = max(m.MaxProbe, cfg.MaxProbe)
	m.FailureTTL = max(m.FailureTTL, cfg.FailureTTL)
	m.CacheSize = max(m.CacheSize, cfg.CacheSize)
	if c.minTimeout == 0 {
		c.minTimeout, c.minInflight, c.minCache = cfg.Timeout, cfg.MaxInflight, cfg.CacheSize
	}
	c.minCache = min(c.minCache, cfg.CacheSize)
	c.minTimeout, c.minInflight = min(c.minTimeout, cfg.Timeout), min(c.minInflight, cfg.MaxInflight)
	c.mayBeTooMany = c.mayBeTooMany || cfg.MaxWaiting < 100
	c.calm = c.calm && c.transit < c.minTimeout/4
	c.changed = c.world.Now()
}

func (c *resolverClient) failureTTL() time.Duration { return max(c.most.FailureTTL, 0) }

// limit is how long the lookup of some names may take.
func (c *resolverClient) limit(names int) time.Duration {
	return c.most.Timeout * time.Duration((c.most.Attempts+len(c.servers)-1)*max(names, 1))
}

// limitOf is how long a lookup may take.
func (c *resolverClient) limitOf(l *lookup) time.Duration {
	limit := c.limit(len(l.names))
	if l.kind == lookupAddrInfo {
		limit = 2*limit + c.most.AllowSkew
	}
	if l.params.Timeout > 0 && !l.params.Nameserver.IsValid() {
		return min(limit, l.params.Timeout)
	}
	if c.resumed.After(l.start) {
		limit += c.resumed.Sub(l.start)
	}
	return limit
}

func (c *resolverClient) has(s *nameserver) bool {
	for i := range c.servers {
		if c.servers[i] == s {
			return c.added[i]
		}
	}
	return false
}

// mayBeUnreachable reports whether something may have made a nameserver seem unreachable.
func (c *resolverClient) mayBeUnreachable() bool {
	f := c.world.Faults()
	return c.troubled || f.Refuse+f.Reset+f.Vanish+f.NoDescriptors+f.NoBuffers > 0 || !c.honest
}

// Names

// namesOf returns the names that a lookup may ask for, in the order of the search.
func (c *resolverClient) namesOf(name string, search bool) []string {
	full := dns.Fqdn(name)
	if !search || full == name || len(c.search) == 0 || isSpecial(full) {
		return []string{full}
	}
	cfg := c.base.Config()
	dots := strings.Count(name, ".")
	var names []string
	first := dots >= max(cfg.Ndots, 0)
	if first {
		names = append(names, full)
	}
	for _, domain := range c.search {
		names = append(names, name+"."+domain+".")
	}
	if !first && (dots > 0 || !cfg.NoTLDQuery) {
		names = append(names, full)
	}
	return names
}

func isSpecial(full string) bool {
	return full == "localhost." || strings.HasSuffix(full, ".localhost.") || strings.HasSuffix(full, ".invalid.")
}

// drawName draws a name to look up.
func (c *resolverClient) drawName() string {
	r := c.world.Rand()
	i := r.IntN(11)
	name := hostName(i)
	switch r.IntN(12) {
	case 0:
		return "known.test"
	case 1:
		return []string{"localhost", "www.localhost", "no.invalid"}[r.IntN(3)]
	case 2, 3:
	case 4:
		name += ".example"
	case 5:
		name = "nobody." + name + "." + zoneDomain
	case 6:
		name = strings.ToUpper(name) + "." + otherDomain
	case 7:
		name += "." + deepDomain
	default:
		name += "." + zoneDomain
	}
	if r.IntN(3) == 0 {
		name = strings.TrimSuffix(name, ".")
	}
	return name
}

// drawLookup draws a lookup.
func (c *resolverClient) drawLookup() *lookup {
	r := c.world.Rand()
	l := &lookup{client: c, kind: lookupKind(r.IntN(5)), name: c.drawName()}
	if r.IntN(4) == 0 {
		l.flags |= evdns.NoSearch
	}
	if r.IntN(10) == 0 {
		l.flags |= evdns.UseVC
	}
	if r.IntN(10) == 0 {
		l.flags |= evdns.IgnoreTC
	}
	switch l.kind {
	case lookupV4, lookupV6:
		if r.IntN(4) == 0 {
			l.flags |= evdns.CNAMECallback
		}
	case lookupReverse:
		addr := zoneAddr(r.IntN(11))
		l.name, l.names = addr.String(), []string{reverseName(addr)}
		return l
	case lookupMessage:
		c.drawParams(l)
	case lookupAddrInfo:
		l.flags = 0
	}
	l.names = c.namesOf(l.name, l.flags&evdns.NoSearch == 0)
	return l
}

// drawParams draws what is special about a query.
func (c *resolverClient) drawParams(l *lookup) {
	r := c.world.Rand()
	l.qtype = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeTXT}[r.IntN(4)]
	l.params = evdns.QueryConfig{Flags: l.flags, DNSSEC: r.IntN(4) == 0, CheckingDisabled: r.IntN(4) == 0}
	if r.IntN(6) == 0 {
		l.params.Timeout = time.Duration(100+r.IntN(3000)) * time.Millisecond
	}
	if r.IntN(6) == 0 {
		l.params.Nameserver = c.servers[r.IntN(3)].addr()
	}
	if r.IntN(8) == 0 {
		l.params.Options = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}}
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
