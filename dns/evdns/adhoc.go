package evdns

import (
	"net/netip"
	"slices"
)

// An ad hoc nameserver is one that a query names and that is not one of the resolver's.
// It exists as long as it has queries, is never taken for down, and never probed.

// pickNamed returns the nameserver that r names, or nil if it was sent there often
// enough.
func (b *Base) pickNamed(r *Request, addr netip.AddrPort) *nameserver {
	s := b.named(addr)
	if s != nil && r.sent > 0 && (int(r.sent) >= b.config.Attempts || r.isRuledOut(s)) {
		return nil
	}
	return s
}

// named returns the nameserver with an address.
func (b *Base) named(addr netip.AddrPort) *nameserver {
	for _, list := range [][]*nameserver{b.servers, b.adHoc} {
		for _, s := range list {
			if s.addr == addr {
				return s
			}
		}
	}
	s := &nameserver{base: b, addr: addr, up: true, gone: true}
	if err := s.timer.AssignTimer(b.event, s.onTimer); err != nil {
		logWarn("timer", "error", err)
		return nil
	}
	b.adHoc = append(b.adHoc, s)
	return s
}

// closeAdHoc closes the ad hoc nameservers that have no queries any more.
func (b *Base) closeAdHoc() {
	b.adHoc = slices.DeleteFunc(b.adHoc, func(s *nameserver) bool {
		if s.busy() {
			return false
		}
		s.close()
		return true
	})
}

// busy says whether an answer of the nameserver is awaited.
func (s *nameserver) busy() bool {
	for _, list := range [][]*udpSocket{s.sockets, s.retired} {
		for _, u := range list {
			if u != nil && u.n > 0 {
				return true
			}
		}
	}
	return s.conn != nil && s.conn.n > 0 || slices.ContainsFunc(s.full, func(c *connection) bool { return c.n > 0 })
}
