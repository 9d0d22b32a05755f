package evdns

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

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
// It is up until it is found to be silent, or refuses to answer. Then it is
// asked only if all others are down too, and probed from time to time, with
// longer and longer pauses, until it answers.
type nameserver struct {
	base *Base
	addr netip.AddrPort
	dial DialFunc // or nil: UDP and TCP

	up       bool
	plain    bool // does not know EDNS
	gone     bool // is not in Base.servers any more
	timeouts int  // in a row
	failures int  // probes that came to nothing, plus one
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
}

// defaultPort and defaultTLSPort are where nameservers listen (RFC 1035, RFC
// 7858).
const (
	defaultPort    = 53
	defaultTLSPort = 853
)

// AddNameserver adds a nameserver. Port 0 is port 53. Requests go to all
// nameservers in turn. The error wraps ErrAddress or ErrExists. Whether somebody
// listens there will be seen (evdns_base_nameserver_add,
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
		return fmt.Errorf("add nameserver %q: %w: %w", s, ErrAddress, err)
	}
	return b.AddNameserver(addr)
}

// AddTLSNameserver adds a nameserver that is asked over streams that dial
// makes, which is for DNS over TLS (RFC 7858): dial makes a TLS bufferevent and
// connects it. Port 0 is port 853.
func (b *Base) AddTLSNameserver(addr netip.AddrPort, dial DialFunc) error {
	if dial == nil {
		return fmt.Errorf("add nameserver %v: dial: %w", addr, ErrNil)
	}
	return b.addNameserver(withPort(addr, defaultTLSPort), dial)
}

func withPort(addr netip.AddrPort, port uint16) netip.AddrPort {
	if addr.Port() == 0 {
		return netip.AddrPortFrom(addr.Addr(), port)
	}
	return addr
}

func (b *Base) addNameserver(addr netip.AddrPort, dial DialFunc) error {
	b.lock()
	defer b.unlock()
	if err := b.checkNameserver(addr); err != nil {
		return fmt.Errorf("add nameserver %v: %w", addr, err)
	}
	s := &nameserver{base: b, addr: addr, dial: dial, up: true}
	if err := s.timer.AssignTimer(b.event, s.onTimer); err != nil {
		return fmt.Errorf("add nameserver %v: %w", addr, err)
	}
	b.servers = append(b.servers, s)
	b.good++
	b.hold()
	if b.waiting.n > 0 {
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
		return netip.AddrPort{}, fmt.Errorf("nameserver %d: %w", i, ErrIndex)
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
			return u.fd
		}
	}
	if s.dial != nil {
		return evutil.InvalidSocket
	}
	u, err := s.socket()
	if err != nil {
		return evutil.InvalidSocket
	}
	return u.fd
}

// ClearNameserversAndSuspend removes all nameservers. Requests that are under
// way wait, before all others, and so do new ones, until Resume; add nameservers
// before that (evdns_base_clear_nameservers_and_suspend).
func (b *Base) ClearNameserversAndSuspend() {
	b.lock()
	defer b.unlock()
	if b.freed {
		return
	}
	b.suspended = true
	for r := b.inflight.tail; r != nil; r = b.inflight.tail {
		b.remove(r)
		if !r.probe {
			r.state = stateWaiting
			r.server, r.sent, r.reissued, r.failure = nil, 0, false, 0
			b.waiting.pushFront(r)
		}
	}
	b.clearServers()
}

// Resume sends what waits, to the nameservers that were added since
// ClearNameserversAndSuspend (evdns_base_resume).
func (b *Base) Resume() {
	b.lock()
	if !b.freed {
		b.suspended = false
		b.finishLater()
	}
	b.unlock()
}

// clearServers removes all nameservers. No requests may be in flight.
func (b *Base) clearServers() {
	for _, s := range b.servers {
		s.close()
	}
	b.servers, b.next, b.good = nil, 0, 0
	b.unsettled = nil
	b.hold()
}

// pick returns the nameserver whose turn it is: the next one that is up, or if
// there is none, the next one.
func (b *Base) pick() *nameserver {
	for range b.servers {
		s := b.servers[b.next%len(b.servers)]
		b.next = (b.next + 1) % len(b.servers)
		if s.up || b.good == 0 {
			return s
		}
	}
	return nil
}

// channel returns a way to the nameserver for a request.
func (s *nameserver) channel(r *Request) (*channel, error) {
	if s.dial != nil || r.flags&UseVC != 0 {
		c, err := s.connection()
		if err != nil {
			return nil, err
		}
		return &c.channel, nil
	}
	u, err := s.socket()
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

// works is told that the nameserver has answered r.
func (s *nameserver) works(r *Request) {
	s.timeouts = 0
	if !r.probe {
		s.known, s.knownType = r.name, r.qtype
	}
	if s.up || s.gone {
		return
	}
	b := s.base
	b.info("nameserver is back up", "addr", s.addr)
	s.up = true
	b.good++
	s.failures = 0
	if s.probe != r {
		s.endProbe()
	}
	s.probe = nil
	s.timer.DelNoBlock()
}

// timedOut is told that the nameserver was silent, or as good as that.
func (s *nameserver) timedOut(why string) {
	s.timeouts++
	if s.timeouts >= s.base.options.maxTimeouts {
		s.failed(why)
	}
}

// broken is told that the nameserver cannot be reached.
func (s *nameserver) broken(err error) { s.failed(err.Error()) }

// failed takes the nameserver for down.
func (s *nameserver) failed(why string) {
	s.timeouts = 0
	if !s.up || s.gone {
		return
	}
	b := s.base
	b.info("nameserver has failed", "addr", s.addr, "reason", why)
	s.up = false
	b.good--
	if b.good == 0 {
		b.info("all nameservers have failed")
	}
	s.failures = 1
	s.probeIn(b.options.initialProbe)
}

// probeIn has the nameserver probed after a while.
func (s *nameserver) probeIn(d time.Duration) {
	b := s.base
	s.probeAt = b.now() + d
	s.wake()
}

// wake sets the timer for the next probe.
func (s *nameserver) wake() {
	if s.up || s.gone || s.probe != nil || !s.base.awake() {
		return
	}
	if err := s.timer.AddTimeout(s.probeAt - s.base.now()); err != nil {
		s.base.warn("timer", err)
	}
}

// rest puts probes off, and has nobody look for answers, until the resolver has
// something to do again, so that this does not keep the loop.
func (s *nameserver) rest() {
	s.timer.DelNoBlock()
	s.endProbe()
	for _, u := range s.sockets {
		if u != nil {
			u.watch(false)
		}
	}
	if s.conn != nil {
		s.conn.rest(true)
	}
}

// onTimer begins a probe: it asks again what the nameserver has known before or,
// if that is nothing, for what all should know.
func (s *nameserver) onTimer(*event.Event, event.What) {
	b := s.base
	b.lock()
	defer b.unlock()
	if s.up || s.gone || s.probe != nil {
		return
	}
	r := &Request{base: b, probe: true, name: s.known, qtype: s.knownType, state: stateInflight}
	if r.name == "" {
		r.name, r.qtype = ".", dns.TypeNS
	}
	if b.options.useVC {
		r.flags |= UseVC
	}
	if b.debugging() {
		b.debug("probe", "addr", s.addr, "name", r.name, "type", dns.Type(r.qtype).String())
	}
	s.probe = r
	b.inflight.push(r)
	b.transmit(r, s)
	if r.via == nil { // it could not be sent
		s.probeFailed()
	}
	b.finishLater()
}

// endProbe gives a probe up that is under way.
func (s *nameserver) endProbe() {
	if s.probe != nil {
		s.base.remove(s.probe)
		s.probe = nil
	}
}

// probeFailed is told that the probe has come to nothing.
func (s *nameserver) probeFailed() {
	s.endProbe()
	o := &s.base.options
	s.failures++
	s.probeIn(backoff(o.initialProbe, o.maxProbe, o.probeBackoff, s.failures-1))
}

// backoff returns the pause before a probe when n have come to nothing: the
// first one times factor to the power of n, but no more than most.
func backoff(first, most time.Duration, factor, n int) time.Duration {
	d := first
	for ; n > 0 && d < most; n-- {
		d *= time.Duration(factor)
		if factor <= 1 {
			break
		}
	}
	return min(d, most)
}
