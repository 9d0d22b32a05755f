package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing/fstest"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

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
	if c.steady != nil {
		c.steady.drawConfig(&cfg)
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
	c.noAAAA = r.IntN(16) == 0 && c.steady == nil
	c.cfg = c.drawConfig()
	if r.IntN(8) == 0 {
		c.flags |= evdns.NoCache
	}
	if r.IntN(4) == 0 {
		c.flags |= evdns.DisableWhenInactive
	}
	system := r.IntN(4) == 0 && c.steady == nil
	if system {
		c.flags |= evdns.InitializeNameservers
	}
	var err error
	if c.base, err = evdns.NewBaseWithConfig(c.host.Base(), c.flags, c.cfg); err != nil {
		c.world.T().Fatal(err)
	}
	c.cfg = c.base.Config()
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
		if c.added[i] || c.steady != nil && i >= c.steady.n {
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
