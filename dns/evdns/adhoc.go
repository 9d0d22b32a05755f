package evdns

import (
	"net/netip"
	"slices"
)

// An ad hoc nameserver is one that a query names and that is not one of the resolver's.
// It exists as long as it has queries; it is never taken for down, and never probed.

// pick returns the nameserver that r is to be sent to next, or nil if its attempts are
// used up.
func (b *Base) pick(r *Request) *nameserver {
	if p := r.params(); p.hasNameserver() {
		return b.pickSpecified(r, p.nameserver)
	}
	return b.servers.pick(r, b.config.Attempts)
}

// pickSpecified returns the nameserver that r names, or nil if its attempts are used up.
func (b *Base) pickSpecified(r *Request, addr netip.AddrPort) *nameserver {
	s := b.servers.specified(addr)
	if s == nil {
		var err error
		if s, err = newNameserver(b, addr, nil); err != nil {
			logWarn("timer", "error", err)
			return nil
		}
		b.servers.addAdHoc(s)
	}
	if r.sent > 0 && (int(r.sent) >= b.config.Attempts || r.isExcluded(s)) {
		return nil
	}
	return s
}

// specified returns the nameserver with an address, of those of the resolver or of the
// ad hoc ones, or nil.
func (n *nameservers) specified(addr netip.AddrPort) *nameserver {
	if s := n.find(addr); s != nil {
		return s
	}
	return findServer(n.adHoc, addr)
}

func (n *nameservers) addAdHoc(s *nameserver) {
	s.removed = true
	n.adHoc = append(n.adHoc, s)
}

// closeIdleAdHoc closes the ad hoc nameservers without queries.
func (n *nameservers) closeIdleAdHoc() {
	if len(n.adHoc) == 0 {
		return
	}
	n.adHoc = slices.DeleteFunc(n.adHoc, func(s *nameserver) bool {
		if s.hasQueries() {
			return false
		}
		s.close()
		return true
	})
}

// hasQueries reports whether an answer of the nameserver is expected.
func (s *nameserver) hasQueries() bool {
	for _, list := range [][]*udpSocket{s.sockets, s.retired} {
		for _, u := range list {
			if u != nil && u.n > 0 {
				return true
			}
		}
	}
	return s.conn != nil && s.conn.n > 0 || slices.ContainsFunc(s.full, func(c *connection) bool { return c.n > 0 })
}
