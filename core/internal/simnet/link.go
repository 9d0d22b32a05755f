package simnet

import (
	"time"
)

// A link is the way of packets from one host to another.
type link struct {
	from, to *Host
	cut      bool
	free     int64 // when what was sent before has passed
}

type linkKey struct{ from, to *Host }

// link returns that between two hosts, which is nil within one.
func (n *Network) link(from, to *Host) *link {
	if from == to {
		return nil
	}
	l := n.links[linkKey{from, to}]
	if l == nil {
		l = &link{from: from, to: to}
		n.links[linkKey{from, to}] = l
	}
	return l
}

// Cut lets nothing pass from one host to the other any more, and Mend lets it pass
// again. Each is about one direction.
func (n *Network) Cut(from, to *Host)  { n.setCut(from, to, true) }
func (n *Network) Mend(from, to *Host) { n.setCut(from, to, false) }

func (n *Network) setCut(from, to *Host, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.link(from, to); l != nil {
		l.cut = cut
	}
}

// passes reports whether packets arrive at all.
func (l *link) passes() bool {
	return l == nil || !l.cut && !l.from.down && !l.to.down
}

// arrival returns when a packet of size bytes arrives that is sent now. Within a host
// that is now.
func (n *Network) arrival(l *link, size int) int64 {
	now := n.now()
	if l == nil {
		return now
	}
	begin := max(now, l.free)
	if n.faults.Bandwidth > 0 {
		begin += int64(size) * int64(time.Second) / int64(n.faults.Bandwidth)
		l.free = begin
	}
	return begin + int64(n.faults.Latency) + int64(n.upTo(n.faults.Jitter))
}
