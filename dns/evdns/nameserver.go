package evdns

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A DialFunc makes a stream to a nameserver, which the resolver uses as it would a TCP
// connection: a bufferevent on base that is being connected to addr and reports
// bufferevent.EventConnected. The resolver sets its callbacks and frees it. If several
// goroutines use the resolver, the bufferevent must have been made with ThreadSafe,
// DeferCallbacks and UnlockCallbacks, and the function must not call the resolver.
type DialFunc func(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error)

// A nameserver is a nameserver with its health, its sockets and its connections.
//
// It is down after several timeouts in a row, a refusal, or an error that says that it
// is unreachable. Then it is used only where the others have failed, and probed at
// growing intervals until it answers. A nameserver that is up is a suspect after one
// timeout: it is probed at once, and not used while another one is up.
type nameserver struct {
	base *Base
	addr netip.AddrPort
	dial DialFunc // or nil: UDP and TCP

	up            bool
	suspect       bool
	removed       bool // from Base.servers, or never in it
	edns          ednsState
	foldsCase     bool          // has changed the case of a name
	timeouts      int           // in a row
	rtt           time.Duration // round-trip time, smoothed
	probeFailures int           // in a row while it is down, plus one
	probe         *Request      // in flight, or nil
	probeAt       time.Duration // when the next one is due, without one in flight
	timer         event.Event   // for that

	// The last question that it has answered, which probes repeat.
	lastName string
	lastType uint16

	sockets    []*udpSocket  // of which each query takes one at random; nil where there is none
	retired    []*udpSocket  // that only receive
	conn       *connection   // or nil
	full       []*connection // that take no more queries
	queryLimit queryLimit    // of a connection
}

// defaultPort and defaultTLSPort are the ports of nameservers (RFC 1035, RFC 7858).
const (
	defaultPort    = 53
	defaultTLSPort = 853
)

// AddNameserver adds a nameserver. Port 0 is port 53, and 0.0.0.0 and :: are this
// host. Nameservers whose round-trip times are about equal take turns. The error wraps
// ErrAddress or ErrExists; that nothing listens there shows only with the first query
// (evdns_base_nameserver_add, evdns_base_nameserver_sockaddr_add).
func (b *Base) AddNameserver(addr netip.AddrPort) error {
	return b.addNameserver(withPort(addr, defaultPort), nil)
}

// AddNameserverString is AddNameserver for an address in text form: an address, or
// address:port, with IPv6 addresses in brackets (evdns_base_nameserver_ip_add).
func (b *Base) AddNameserverString(s string) error {
	addr, err := evutil.ParseSockaddrPort(s)
	if err != nil {
		return fmt.Errorf("evdns: add nameserver %q: %w: %w", s, ErrAddress, err)
	}
	return b.AddNameserver(addr)
}

// AddTLSNameserver adds a nameserver that is queried over streams that dial makes, as
// for DNS over TLS (RFC 7858): dial makes a TLS bufferevent and connects it. Port 0 is
// port 853.
func (b *Base) AddTLSNameserver(addr netip.AddrPort, dial DialFunc) error {
	if dial == nil {
		return fmt.Errorf("evdns: add nameserver %v: dial: %w", addr, event.ErrNil)
	}
	return b.addNameserver(withPort(addr, defaultTLSPort), dial)
}

// withPort completes the address of a nameserver. The unspecified address becomes that
// of loopback, as no answer comes from the former.
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
	s, err := newNameserver(b, addr, dial)
	if err != nil {
		return fmt.Errorf("evdns: add nameserver %v: %w", addr, err)
	}
	b.servers.add(s)
	b.failures.clear()
	b.keepalive.hold(b.event, true)
	b.scheduleFlush() // requests may wait for it
	return nil
}

// newNameserver makes a nameserver, which is up.
func newNameserver(b *Base, addr netip.AddrPort, dial DialFunc) (*nameserver, error) {
	s := &nameserver{base: b, addr: addr, dial: dial, up: true}
	if err := s.timer.AssignTimer(b.event, s.onTimer); err != nil {
		return nil, err
	}
	return s, nil
}

func (b *Base) checkNameserver(addr netip.AddrPort) error {
	switch {
	case b.freed:
		return ErrFreed
	case !addr.IsValid():
		return ErrAddress
	case b.servers.find(addr) != nil:
		return ErrExists
	}
	return nil
}

// CountNameservers returns the number of nameservers
// (evdns_base_count_nameservers).
func (b *Base) CountNameservers() int {
	b.lock()
	defer b.unlock()
	return b.servers.len()
}

// NameserverAddr returns the address of a nameserver. They are numbered from 0,
// in the order in which they were added; the error wraps ErrIndex
// (evdns_base_get_nameserver_addr).
func (b *Base) NameserverAddr(i int) (netip.AddrPort, error) {
	b.lock()
	defer b.unlock()
	s := b.servers.at(i)
	if s == nil {
		return netip.AddrPort{}, fmt.Errorf("evdns: get nameserver %d: %w", i, ErrIndex)
	}
	return s.addr, nil
}

// NameserverFD returns a UDP socket that queries to a nameserver are sent from, or -1.
// There are several, and they are replaced from time to time, so it must not be changed
// (evdns_base_get_nameserver_fd).
func (b *Base) NameserverFD(i int) int {
	b.lock()
	defer b.unlock()
	s := b.servers.at(i)
	if s == nil {
		return evutil.InvalidSocket
	}
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

// ClearNameserversAndSuspend removes all nameservers. Requests that are under way wait,
// before all others, and so do new ones, until Resume; nameservers are added before
// that. Until then the resolver does not keep the loop from ending
// (evdns_base_clear_nameservers_and_suspend).
func (b *Base) ClearNameserversAndSuspend() {
	b.lock()
	defer b.unlock()
	if b.freed {
		return
	}
	b.servers.suspend()
	b.requests.requeue()
	b.requests.renewLimits()
	b.scheduleFlush()
	b.clearServers()
}

// Resume sends the requests that wait to the nameservers that were added since
// ClearNameserversAndSuspend. All requests have their whole time from now on
// (evdns_base_resume).
func (b *Base) Resume() {
	b.lock()
	defer b.unlock()
	if b.freed || !b.servers.resume() {
		return
	}
	b.failures.clear()
	b.requests.renewLimits()
	b.scheduleFlush()
}

// clearServers removes all nameservers. No requests may be in flight.
func (b *Base) clearServers() {
	b.servers.clear()
	b.schedule.dropChannels()
	b.keepalive.hold(b.event, false)
}

// channel returns the channel on which a request is sent to the nameserver.
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

// close closes the sockets and connections of the nameserver, and ends its probes.
func (s *nameserver) close() {
	s.removed = true
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
