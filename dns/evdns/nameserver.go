package evdns

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A DialFunc makes a stream to a nameserver, over which the resolver talks as it
// would over TCP: a bufferevent on base that is being connected to addr, and
// tells its event callback bufferevent.EventConnected. The callbacks are the
// resolver's to set, and it frees the bufferevent. If the resolver is used by
// several goroutines, the bufferevent must have been made with ThreadSafe,
// DeferCallbacks and UnlockCallbacks, and the function must not call the
// resolver.
type DialFunc func(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error)

// A nameserver is one that may be asked, and what is known about it.
//
// It is up until it was silent several times in a row, refuses to answer or
// cannot be reached. Then it is asked only where the others have not helped, and
// probed from time to time, with longer and longer pauses, until it answers. One
// that is up, but was silent last time, is doubted: it is probed at once, and
// not asked while there are others.
type nameserver struct {
	base *Base
	addr netip.AddrPort
	dial DialFunc // or nil: UDP and TCP

	up       bool
	doubted  bool
	edns     ednsState
	folds    bool          // changes the letters of names
	gone     bool          // is not in Base.servers any more
	timeouts int           // in a row
	delay    time.Duration // from a query to its answer, a moving average
	failures int           // probes that came to nothing while it was down, plus one
	probe    *Request
	probeAt  time.Duration // when the next one is due, while it is down and there is none
	timer    event.Event   // for that

	// The last question that it has answered, to be the question of probes.
	known     string
	knownType uint16

	sockets []*udpSocket  // of which one is chosen at random; nil where there is none yet
	retired []*udpSocket  // that only wait for answers
	conn    *connection   // or nil
	full    []*connection // that have as many requests as they can
	burst   burst         // how many queries a connection takes
}

// defaultPort and defaultTLSPort are where nameservers listen (RFC 1035, RFC
// 7858).
const (
	defaultPort    = 53
	defaultTLSPort = 853
)

// AddNameserver adds a nameserver. Port 0 is port 53, and 0.0.0.0 and :: are this
// host. Requests go in turn to all
// nameservers that answer about equally fast. The error wraps ErrAddress or
// ErrExists. Whether somebody listens there will be seen (evdns_base_nameserver_add,
// evdns_base_nameserver_sockaddr_add).
func (b *Base) AddNameserver(addr netip.AddrPort) error {
	return b.addNameserver(withPort(addr, defaultPort), nil)
}

// AddNameserverString adds a nameserver whose address stands in a text: an
// address, or address:port, with IPv6 addresses in brackets
// (evdns_base_nameserver_ip_add).
func (b *Base) AddNameserverString(s string) error {
	addr, err := evutil.ParseSockaddrPort(s)
	if err != nil {
		return fmt.Errorf("evdns: add nameserver %q: %w: %w", s, ErrAddress, err)
	}
	return b.AddNameserver(addr)
}

// AddTLSNameserver adds a nameserver that is asked over streams that dial
// makes, which is for DNS over TLS (RFC 7858): dial makes a TLS bufferevent and
// connects it. Port 0 is port 853.
func (b *Base) AddTLSNameserver(addr netip.AddrPort, dial DialFunc) error {
	if dial == nil {
		return fmt.Errorf("evdns: add nameserver %v: dial: %w", addr, event.ErrNil)
	}
	return b.addNameserver(withPort(addr, defaultTLSPort), dial)
}

// withPort completes the address of a nameserver. The address that stands for all of
// this host is not one from which an answer comes, so it becomes that of loopback.
func withPort(addr netip.AddrPort, port uint16) netip.AddrPort {
	ip := addr.Addr().Unmap()
	switch ip {
	case netip.IPv4Unspecified():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case netip.IPv6Unspecified():
		ip = netip.IPv6Loopback()
	}
	if addr.Port() != 0 {
		port = addr.Port()
	}
	return netip.AddrPortFrom(ip, port)
}

func (b *Base) addNameserver(addr netip.AddrPort, dial DialFunc) error {
	b.lock()
	defer b.unlock()
	if err := b.checkNameserver(addr); err != nil {
		return fmt.Errorf("evdns: add nameserver %v: %w", addr, err)
	}
	s := &nameserver{base: b, addr: addr, dial: dial, up: true}
	if err := s.timer.AssignTimer(b.event, s.onTimer); err != nil {
		return fmt.Errorf("evdns: add nameserver %v: %w", addr, err)
	}
	b.servers = append(b.servers, s)
	b.good++
	b.failures.clear()
	b.hold()
	if b.waiting.Len() > 0 {
		b.finishLater()
	}
	return nil
}

func (b *Base) checkNameserver(addr netip.AddrPort) error {
	if b.freed {
		return ErrFreed
	}
	if !addr.IsValid() {
		return ErrAddress
	}
	for _, s := range b.servers {
		if s.addr == addr {
			return ErrExists
		}
	}
	return nil
}

// CountNameservers returns how many nameservers there are
// (evdns_base_count_nameservers).
func (b *Base) CountNameservers() int {
	b.lock()
	defer b.unlock()
	return len(b.servers)
}

// NameserverAddr returns the address of a nameserver. They are numbered from 0,
// in the order in which they were added; the error wraps ErrIndex
// (evdns_base_get_nameserver_addr).
func (b *Base) NameserverAddr(i int) (netip.AddrPort, error) {
	b.lock()
	defer b.unlock()
	if i < 0 || i >= len(b.servers) {
		return netip.AddrPort{}, fmt.Errorf("evdns: nameserver %d: %w", i, ErrIndex)
	}
	return b.servers[i].addr, nil
}

// NameserverFD returns a UDP socket that queries are sent to a nameserver from,
// or -1. There are several, and they are replaced from time to time; so it is to
// be looked at only (evdns_base_get_nameserver_fd).
func (b *Base) NameserverFD(i int) int {
	b.lock()
	defer b.unlock()
	if i < 0 || i >= len(b.servers) {
		return evutil.InvalidSocket
	}
	s := b.servers[i]
	for _, u := range s.sockets {
		if u != nil {
			return u.socket.FD()
		}
	}
	if s.dial != nil {
		return evutil.InvalidSocket
	}
	u, err := s.socket(b.now())
	if err != nil {
		return evutil.InvalidSocket
	}
	return u.socket.FD()
}

// ClearNameserversAndSuspend removes all nameservers. Requests that are under
// way wait, before all others, and so do new ones, until Resume; add nameservers
// before that. Until then nothing keeps the loop from ending
// (evdns_base_clear_nameservers_and_suspend).
func (b *Base) ClearNameserversAndSuspend() {
	b.lock()
	defer b.unlock()
	if b.freed {
		return
	}
	b.suspended = true
	waiting := b.waiting
	b.waiting = queue{}
	for r := b.inflight.First(); r != nil; r = b.inflight.First() {
		if r.probe {
			b.remove(r)
			continue
		}
		b.leave(r)
		b.inflight.Remove(r)
		r.state = stateWaiting
		r.startOver()
		b.waiting.Push(r)
	}
	for r := waiting.First(); r != nil; r = waiting.First() {
		waiting.Remove(r)
		b.waiting.Push(r)
	}
	b.renewLimits(&b.waiting)
	b.finishLater()
	b.clearServers()
}

// Resume sends what waits, to the nameservers that were added since
// ClearNameserversAndSuspend. All requests have their whole time from now on
// (evdns_base_resume).
func (b *Base) Resume() {
	b.lock()
	defer b.unlock()
	if b.freed || !b.suspended {
		return
	}
	b.suspended = false
	b.failures.clear()
	b.renewLimits(&b.waiting)
	b.finishLater()
}

// renewLimits gives all requests of a queue their whole time, or while the resolver is
// suspended all that there is.
func (b *Base) renewLimits(q *queue) {
	old := *q
	*q = queue{}
	for r := old.First(); r != nil; r = old.First() {
		old.Remove(r)
		r.renewLimit()
		if joined := r.joined(); joined != nil {
			b.renewLimits(joined)
		}
		q.insert(r, r.firstLimit())
	}
}

// clearServers removes all nameservers. No requests may be in flight.
func (b *Base) clearServers() {
	for _, list := range [][]*nameserver{b.servers, b.adHoc} {
		for _, s := range list {
			s.close()
		}
	}
	b.servers, b.adHoc, b.next, b.good = nil, nil, 0, 0
	b.unsettled = nil
	b.hold()
}

// channel returns a way to the nameserver for a request.
func (s *nameserver) channel(r *Request) (*channel, error) {
	if s.dial != nil || r.stream {
		c, err := s.connection()
		if err != nil {
			return nil, err
		}
		return &c.channel, nil
	}
	u, err := s.socket(r.sentAt)
	if err != nil {
		return nil, err
	}
	return &u.channel, nil
}

// close ends everything that the nameserver has.
func (s *nameserver) close() {
	s.gone = true
	s.endProbe()
	s.timer.DelNoBlock()
	for _, u := range s.sockets {
		if u != nil {
			u.close()
		}
	}
	for len(s.retired) > 0 {
		s.retired[0].close()
	}
	for len(s.full) > 0 {
		s.full[0].close()
	}
	if s.conn != nil {
		s.conn.close()
	}
	s.sockets = nil
}
