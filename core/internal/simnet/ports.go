package simnet

import (
	"net/netip"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A binding is the claim of a socket to a port.
type binding struct {
	addr     netip.AddrPort // not mapped; the address may be unspecified
	dual     bool           // also for IPv4, if the address is the unspecified one of IPv6
	stream   *stream
	datagram *datagram
	id       uint64 // of a path
}

func (b *binding) options() *options {
	if b.datagram != nil {
		return &b.datagram.options
	}
	return &b.stream.options
}

// ports are those of a host, by protocol.
type ports struct {
	streams   map[uint16][]*binding
	datagrams map[uint16][]*binding
	held      map[uint16]map[*binding]bool // of connections that were accepted
	paths     map[string]*binding          // of Unix sockets
	next      uint16                       // ephemeral port
}

// The ports that a system chooses (RFC 6335 section 6).
const (
	firstEphemeral = 49152
	lastEphemeral  = 65535
)

func (p *ports) init() {
	*p = ports{
		streams:   make(map[uint16][]*binding),
		datagrams: make(map[uint16][]*binding),
		held:      make(map[uint16]map[*binding]bool),
		paths:     make(map[string]*binding),
		next:      firstEphemeral,
	}
}

// of returns the bindings of the protocol that b is about.
func (p *ports) of(b *binding) map[uint16][]*binding {
	if b.datagram != nil {
		return p.datagrams
	}
	return p.streams
}

// bind registers b, and chooses a port for it if it has none.
func (h *Host) bind(b *binding) error {
	if !b.addr.Addr().IsUnspecified() && !h.has(b.addr.Addr()) {
		return sysio.ErrAddrNotAvailable
	}
	if b.addr.Port() != 0 {
		return h.bindPort(b)
	}
	for range lastEphemeral - firstEphemeral + 1 {
		b.addr = netip.AddrPortFrom(b.addr.Addr(), h.ports.next)
		if h.ports.next++; h.ports.next < firstEphemeral {
			h.ports.next = firstEphemeral
		}
		if h.bindPort(b) == nil {
			return nil
		}
	}
	return sysio.ErrAddrInUse
}

func (h *Host) bindPort(b *binding) error {
	if h.taken(b) {
		return sysio.ErrAddrInUse
	}
	table, port := h.ports.of(b), b.addr.Port()
	table[port] = append(table[port], b)
	return nil
}

// taken reports whether another socket has the port of b, and does not share it.
func (h *Host) taken(b *binding) bool {
	port := b.addr.Port()
	for _, other := range h.ports.of(b)[port] {
		if other != b && b.overlaps(other) && !b.shares(other) {
			return true
		}
	}
	if b.stream == nil {
		return false
	}
	for other := range h.ports.held[port] { // in any order: there is one, or not
		if b.overlaps(other) && !b.shares(other) {
			return true
		}
	}
	return false
}

// hold keeps the port of a connection from those that do not share it, and drop ends
// that.
func (p *ports) hold(b *binding) {
	port := b.addr.Port()
	if p.held[port] == nil {
		p.held[port] = make(map[*binding]bool)
	}
	p.held[port][b] = true
}

func (p *ports) drop(b *binding) {
	port := b.addr.Port()
	delete(p.held[port], b)
	if len(p.held[port]) == 0 {
		delete(p.held, port)
	}
}

// unbind undoes bind.
func (h *Host) unbind(b *binding) {
	table, port := h.ports.of(b), b.addr.Port()
	list := table[port]
	for i, other := range list {
		if other != b {
			continue
		}
		if list = append(list[:i:i], list[i+1:]...); len(list) == 0 {
			delete(table, port)
		} else {
			table[port] = list
		}
		return
	}
}

// covers reports whether packets to addr are for b.
func (b *binding) covers(addr netip.Addr) bool {
	own := b.addr.Addr()
	if !own.IsUnspecified() {
		return own == addr
	}
	return own.Is4() == addr.Is4() || b.dual
}

func (b *binding) overlaps(other *binding) bool {
	x, y := b.addr.Addr(), other.addr.Addr()
	switch {
	case x.IsUnspecified() && y.IsUnspecified():
		return x.Is4() == y.Is4() || x.Is6() && b.dual || y.Is6() && other.dual
	case x.IsUnspecified():
		return b.covers(y)
	default:
		return other.covers(x)
	}
}

// shares reports whether two sockets may have the same port. SO_REUSEADDR is about
// listeners that have ended, so streams that listen still do not share it.
func (b *binding) shares(other *binding) bool {
	own, others := b.options(), other.options()
	if own.reusePort && others.reusePort {
		return true
	}
	if !own.reuseAddr || !others.reuseAddr {
		return false
	}
	return other.stream == nil || other.stream.backlog == nil
}

// find returns the bindings of a port that are the most specific for addr: several
// if they share it.
func find(list []*binding, addr netip.Addr, usable func(*binding) bool) []*binding {
	var best []*binding
	rank := -1
	for _, b := range list {
		if !b.covers(addr) || !usable(b) {
			continue
		}
		r := 0
		switch {
		case !b.addr.Addr().IsUnspecified():
			r = 2
		case b.addr.Addr().Is4() == addr.Is4():
			r = 1
		}
		if r > rank {
			best, rank = best[:0], r
		}
		if r == rank {
			best = append(best, b)
		}
	}
	return best
}

// listener returns the stream that listens at an address of the host, or nil. Those
// that share a port share the connections.
func (h *Host) listener(at netip.AddrPort) *stream {
	best := find(h.ports.streams[at.Port()], at.Addr(), func(b *binding) bool { return b.stream.backlog != nil })
	switch len(best) {
	case 0:
		return nil
	case 1:
		return best[0].stream
	}
	return best[h.network.rand.IntN(len(best))].stream
}
