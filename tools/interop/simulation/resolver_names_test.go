package simulation_test

import (
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

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
