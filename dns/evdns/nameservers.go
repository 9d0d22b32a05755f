package evdns

import (
	"net/netip"
	"slices"
	"time"
)

// nameservers is the list of the nameservers of a resolver, and whose turn it is.
type nameservers struct {
	list      []*nameserver // in the order in which they were added
	adHoc     []*nameserver // see adhoc.go
	next      int           // index in list from which pick searches
	up        int           // number of nameservers in list that are up
	suspended bool          // between ClearNameserversAndSuspend and Resume
}

func (n *nameservers) len() int { return len(n.list) }

// add adds a nameserver, which is up.
func (n *nameservers) add(s *nameserver) {
	n.list = append(n.list, s)
	n.up++
}

// at returns the nameserver with an index, or nil.
func (n *nameservers) at(i int) *nameserver {
	if i < 0 || i >= len(n.list) {
		return nil
	}
	return n.list[i]
}

// find returns the nameserver with an address, or nil.
func (n *nameservers) find(addr netip.AddrPort) *nameserver { return findServer(n.list, addr) }

func findServer(list []*nameserver, addr netip.AddrPort) *nameserver {
	i := slices.IndexFunc(list, func(s *nameserver) bool { return s.addr == addr })
	if i < 0 {
		return nil
	}
	return list[i]
}

// clear closes and removes all nameservers. No requests may be in flight.
func (n *nameservers) clear() {
	for _, list := range [][]*nameserver{n.list, n.adHoc} {
		for _, s := range list {
			s.close()
		}
	}
	n.list, n.adHoc, n.next, n.up = nil, nil, 0, 0
}

// noteUp and noteDown count a nameserver that is up again, or down from now on.
func (n *nameservers) noteUp() { n.up++ }

func (n *nameservers) noteDown() {
	n.up--
	if n.up == 0 {
		logInfo("all nameservers have failed")
	}
}

// haveAlternative reports whether more than one nameserver is up.
func (n *nameservers) haveAlternative() bool { return n.up > 1 }

// resumeProbes and pauseProbes resume and pause the probes of all nameservers.
func (n *nameservers) resumeProbes() {
	for _, s := range n.list {
		s.resumeProbes()
	}
}

func (n *nameservers) pauseProbes() {
	for _, s := range n.list {
		s.pauseProbes()
	}
}

// suspend ends the probes that are in flight, and has no requests sent until resume,
// which reports whether the resolver was suspended.
func (n *nameservers) suspend() {
	n.suspended = true
	for _, s := range n.list {
		s.endProbe()
	}
}

func (n *nameservers) resume() bool {
	was := n.suspended
	n.suspended = false
	return was
}

func (n *nameservers) isSuspended() bool { return n.suspended }

// A rank is the preference for sending a request to a nameserver; the least is the
// best. The last bit is set for a suspect.
type rank uint8

const (
	rankFresh   rank = 2 * iota // up, and not tried by the request
	rankAgain                   // up, and tried before
	rankDown                    // down, and not tried
	rankDownToo                 // down, and tried before
	rankNone                    // excluded for this request
)

// pick returns the nameserver that r is to be sent to next, or nil if its attempts are
// used up: it is sent as often as attempts says, and once to each nameserver. A
// nameserver that has refused r, or is unreachable, is not tried again by r.
//
// Nameservers of the best rank whose round-trip times are about that of the fastest
// take turns. The times of the others decay while they are skipped, so that each is
// tried again.
func (n *nameservers) pick(r *Request, attempts int) *nameserver {
	if len(n.list) == 1 && r.sent == 0 {
		return n.list[0]
	}
	best, fastest := rankNone, time.Duration(0)
	for _, s := range n.list {
		switch k := s.rank(r, attempts); {
		case k < best:
			best, fastest = k, s.rtt
		case k == best:
			fastest = min(fastest, s.rtt)
		}
	}
	if best == rankNone {
		return nil
	}
	for i := n.next; ; i++ {
		s := n.list[i%len(n.list)]
		if s.rank(r, attempts) != best {
			continue
		}
		if s.rtt <= 2*fastest+rttSlack {
			n.next = (i + 1) % len(n.list)
			return s
		}
		s.rtt -= s.rtt / 128
	}
}

// rank returns the preference for sending r to the nameserver.
func (s *nameserver) rank(r *Request, attempts int) (k rank) {
	if r.sent == 0 && s.up && !s.suspect {
		return rankFresh
	}
	tried := r.sent > 0 && r.triedServer(s)
	switch {
	case tried && (int(r.sent) >= attempts || r.isExcluded(s)):
		return rankNone
	case s.up && !tried:
		k = rankFresh
	case s.up && int(r.sent) < attempts:
		k = rankAgain
	case !tried:
		k = rankDown
	default:
		k = rankDownToo
	}
	if s.suspect {
		k++
	}
	return k
}
