package simulation_test

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// addHop adds to an answer what is between a nameserver and the one that asks it, and must
// not reach the client of a forwarder; and what must, to those who ask for it.
func (s *nameserver) addHop(m *dns.Msg, r *response, opt *dns.OPT) {
	rand := s.world.Rand()
	opt.SetUDPSize(uint16(512 + rand.IntN(8000)))
	for _, option := range []dns.EDNS0{
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "00112233445566778899aabbccddeeff"},
		&dns.EDNS0_PADDING{Padding: make([]byte, rand.IntN(64))},
		&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE, Timeout: 100},
		&dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: "6e73"},
		&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{192, 0, 2, 0}},
		&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("local")},
		&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer},
	} {
		if rand.IntN(3) == 0 {
			opt.Option = append(opt.Option, option)
			_, ede := option.(*dns.EDNS0_EDE)
			r.ede = r.ede || ede
		}
	}
	if r.rcode == dns.RcodeSuccess && rand.IntN(2) == 0 {
		m.AuthenticatedData, r.validated = true, true
	}
	if (opt.Do() || rand.IntN(4) == 0) && len(m.Answer) > 0 && len(m.Answer) < 5 {
		h := m.Answer[0].Header()
		m.Answer = append(m.Answer, &dns.RRSIG{Hdr: header(h.Name, dns.TypeRRSIG, h.Ttl), TypeCovered: h.Rrtype,
			Algorithm: 13, SignerName: zoneDomain, Signature: "c2ln"})
	}
}

// askHop adds to a query what is between the client and the forwarder.
func (c *dnsClient) askHop(q *dnsQuery) {
	rand := c.server.world.Rand()
	q.msg.AuthenticatedData = rand.IntN(3) == 0
	opt := q.msg.IsEdns0()
	if opt == nil {
		return
	}
	for _, option := range []dns.EDNS0{
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"},
		&dns.EDNS0_PADDING{Padding: make([]byte, rand.IntN(64))},
		&dns.EDNS0_NSID{Code: dns.EDNS0NSID},
		&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("mine")},
	} {
		if rand.IntN(4) == 0 {
			opt.Option = append(opt.Option, option)
		}
	}
}

// checkHop checks that an answer has of what an upstream says only what concerns the
// client.
func (c *dnsClient) checkHop(q *dnsQuery, m *dns.Msg) {
	asked, opt := q.msg.IsEdns0(), m.IsEdns0()
	do := asked != nil && asked.Do()
	var validated, ede bool
	for _, r := range c.server.zones.said[questionOf(q.msg.Question[0])] {
		validated, ede = validated || r.validated, ede || r.ede
	}
	if m.AuthenticatedData && !(q.forward && validated && (do || q.msg.AuthenticatedData)) && c.server.honest {
		c.errorf("AD in the answer to %v", q.msg)
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeRRSIG && !do {
			c.errorf("%v for a client that does not ask for it", rr)
		}
	}
	if opt == nil {
		return
	}
	if opt.UDPSize() != 1232 || opt.Version() != 0 {
		c.errorf("OPT %v", opt)
	}
	for _, option := range opt.Option {
		if option.Option() != dns.EDNS0EDE || !q.forward || !ede {
			c.errorf("the option %d in the answer to %v", option.Option(), q.msg.Question)
		}
	}
}

// checkComplete checks an answer that was forwarded while all upstreams are good.
func (c *dnsClient) checkComplete(q *dnsQuery, m *dns.Msg, size int) {
	s := c.server
	if !s.goodUpstreams || !s.calm || !s.prompt {
		return
	}
	key := questionOf(q.msg.Question[0])
	n, exists := s.zones.count(key)
	took := s.world.Now().Sub(q.begun())
	if most := 8*s.transit + 2*time.Second; took > most && !q.tcp {
		c.errorf("%v was answered after %v", q.msg.Question, took)
	}
	found := 0
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == key.qtype && !strings.EqualFold(rr.Header().Name, "other."+zoneDomain) {
			found++
		}
	}
	switch {
	case !exists && m.Rcode != dns.RcodeNameError, exists && m.Rcode != dns.RcodeSuccess:
		c.errorf("code %d for %v, which exists: %v", m.Rcode, key, exists)
	case found != n && !m.Truncated:
		c.errorf("%d of %d records for %v", found, n, key)
	case m.Truncated && (q.tcp || size+300 < 512):
		c.errorf("%d bytes for %v, cut off", size, key)
	}
}
