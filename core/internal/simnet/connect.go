package simnet

import (
	"net/netip"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A backlog has the connections that a listener has not accepted yet.
type backlog struct {
	limit   int
	waiting []*stream
	begun   int // connections whose beginning is under way
}

func (b *backlog) full() bool { return len(b.waiting)+b.begun > b.limit }

// close resets the connections that no accept will take.
func (b *backlog) close() {
	for _, s := range b.waiting {
		s.closed = true
		s.reset()
	}
	b.waiting = nil
}

// The beginning of a connection is sent again after a second, and after twice as long
// each time, as Linux does it: 127 seconds until it has failed. A host that is not
// there is found out after three.
const (
	firstConnectRetry = time.Second
	mostConnects      = 7
	noHostDelay       = 3 * time.Second
)

// connect begins to connect the socket.
func (s *stream) connect(to netip.AddrPort) error {
	switch s.state {
	case streamConnecting:
		return sysio.ErrAlready
	case streamConnected, streamEnded:
		return s.outcome()
	case streamListening:
		return sysio.ErrIsConnected
	}
	if s.options.v6only && to.Addr().Is4In6() {
		return sysio.ErrNetUnreachable
	}
	to = netip.AddrPortFrom(specific(to.Addr()), to.Port())
	if s.binding == nil {
		if err := s.bindFor(to); err != nil {
			return err
		}
	}
	if a := s.local.Addr(); a.IsUnspecified() {
		s.local = netip.AddrPortFrom(s.mapped(s.host.source(to.Addr())), s.local.Port())
	}
	s.remote = to
	s.state, s.connecting = streamConnecting, true
	s.attempt++
	s.knock()
	return sysio.ErrInProgress
}

// outcome tells a caller who connects again how that has ended. After a failure there
// may be another attempt.
func (s *stream) outcome() error {
	if !s.connecting {
		return sysio.ErrIsConnected
	}
	s.connecting = false
	if s.state == streamConnected {
		return nil
	}
	err := s.pending()
	if err == nil {
		err = sysio.ErrAborted
	}
	s.renew()
	return err
}

// renew makes a socket that has failed to connect one that can connect.
func (s *stream) renew() {
	s.state, s.connecting, s.shut, s.tries = streamFresh, false, false, 0
	s.out, s.in = nil, nil
	s.attempt++
	if !s.named {
		s.release()
		s.local = netip.AddrPort{}
	}
}

// specific returns the address of this host that stands for the unspecified one.
func specific(addr netip.Addr) netip.Addr {
	switch {
	case !addr.Unmap().IsUnspecified():
		return addr
	case addr.Is4():
		return loopback4
	case addr.Is4In6():
		return netip.AddrFrom16(loopback4.As16())
	default:
		return netip.IPv6Loopback()
	}
}

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// bindFor gives a socket that is to be connected its address.
func (s *stream) bindFor(to netip.AddrPort) error {
	return s.bindTo(netip.AddrPortFrom(s.mapped(s.host.source(to.Addr())), 0))
}

// mapped returns addr as sockets of this family have it.
func (s *stream) mapped(addr netip.Addr) netip.Addr {
	if s.family == syscall.AF_INET6 && addr.Is4() {
		return netip.AddrFrom16(addr.As16())
	}
	return addr
}

// bind implements Bind.
func (s *stream) bind(at netip.AddrPort) error {
	if s.binding != nil || s.state != streamFresh || s.options.v6only && at.Addr().Is4In6() {
		return sysio.ErrInvalid
	}
	err := s.bindTo(at)
	s.named = err == nil
	return err
}

// bindTo gives the socket an address.
func (s *stream) bindTo(at netip.AddrPort) error {
	b := &binding{
		addr:   netip.AddrPortFrom(at.Addr().Unmap(), at.Port()),
		dual:   s.family == syscall.AF_INET6 && !s.options.v6only,
		stream: s,
	}
	if err := s.host.bind(b); err != nil {
		return err
	}
	s.binding = b
	s.local = netip.AddrPortFrom(at.Addr(), b.addr.Port())
	return nil
}

// listen makes the socket listen.
func (s *stream) listen(limit int) error {
	switch s.state {
	case streamListening:
		s.backlog.limit = limit
		return nil
	case streamFresh:
	default:
		return sysio.ErrInvalid
	}
	switch {
	case s.family == syscall.AF_UNIX:
		if s.path == "" {
			return sysio.ErrInvalid
		}
	case s.binding != nil:
		if s.host.taken(s.binding) {
			return sysio.ErrAddrInUse
		}
	default:
		any := netip.IPv4Unspecified()
		if s.family == syscall.AF_INET6 {
			any = netip.IPv6Unspecified()
		}
		if err := s.bind(netip.AddrPortFrom(any, 0)); err != nil {
			return err
		}
	}
	s.state = streamListening
	s.backlog = &backlog{limit: limit}
	return nil
}

// knock sends the beginning of a connection.
func (s *stream) knock() {
	n := s.network
	target := s.host.lookup(s.remote.Addr())
	if target == nil {
		n.after(noHostDelay, s.attempted(func() { s.drop(sysio.ErrHostUnreachable) }))
		return
	}
	there := n.link(s.host, target)
	lost := n.chance(n.faults.Vanish)
	refused := there != nil && n.chance(n.faults.Refuse)
	arrive := s.attempted(func() {
		if lost || !there.passes() {
			n.fault(s.host, "attempt to connect lost")
			s.knockAgain()
			return
		}
		s.knocked(target, refused)
	})
	if there == nil {
		// The call returns before it is done, as that of a kernel does.
		n.after(0, arrive)
		return
	}
	t := newTimer(arrive)
	n.plan(&t, n.arrival(there, 0))
}

// attempted returns a function that calls fire if the attempt to connect of now still
// goes on.
func (s *stream) attempted(fire func()) func() {
	attempt := s.attempt
	return func() {
		if s.state == streamConnecting && s.attempt == attempt {
			fire()
		}
	}
}

func (s *stream) knockAgain() {
	if s.tries++; s.tries == mostConnects {
		s.drop(sysio.ErrTimedOut)
		return
	}
	s.network.after(firstConnectRetry<<(s.tries-1), s.attempted(s.knock))
}

// knocked is the arrival of the beginning at the peer.
func (s *stream) knocked(target *Host, refused bool) {
	n := s.network
	back := n.link(target, s.host)
	to := netip.AddrPortFrom(s.remote.Addr().Unmap(), s.remote.Port())
	l := target.listener(to)
	switch {
	case l == nil || refused:
		if l != nil {
			n.fault(s.host, "connection refused")
		}
		n.later(back, s.attempted(func() { s.drop(sysio.ErrRefused) }))
	case l.backlog.full():
		s.knockAgain()
	default:
		s.welcome(l, to, back)
	}
}

// welcome makes the listener's end of the connection.
func (s *stream) welcome(l *stream, at netip.AddrPort, back *link) {
	n := s.network
	t := n.newStream(l.host, l.family)
	t.options = l.options // which are inherited
	t.local = netip.AddrPortFrom(t.mapped(at.Addr()), at.Port())
	t.remote = netip.AddrPortFrom(t.mapped(s.local.Addr().Unmap()), s.local.Port())
	there := n.link(s.host, l.host)
	join(s, t, there, back)
	l.backlog.begun++
	answer := s.attempted(func() {
		if l.state != streamListening {
			s.drop(sysio.ErrRefused)
			return
		}
		if !back.passes() {
			s.knockAgain()
			return
		}
		s.connected()
		t.connected()
		l.backlog.begun++
		s.file.changed(poller.Write)
		n.later(there, func() {
			l.backlog.begun--
			if l.state != streamListening {
				t.closed = true
				t.reset()
				return
			}
			t.claim = &binding{addr: at, stream: t}
			l.host.ports.hold(t.claim)
			l.backlog.waiting = append(l.backlog.waiting, t)
			l.file.changed(poller.Read)
		})
	})
	n.later(back, func() {
		l.backlog.begun--
		answer()
	})
}

// connected is called when the peer has answered.
func (s *stream) connected() {
	s.state = streamConnected
	s.heard = s.network.now()
	s.watchSilence()
}

// later has fire called when a small packet that is sent now arrives.
func (n *Network) later(l *link, fire func()) {
	if l == nil {
		fire()
		return
	}
	t := newTimer(fire)
	n.plan(&t, n.arrival(l, 0))
}

// accept takes a connection, for which there is a descriptor.
func (s *stream) accept() (*stream, error) {
	switch {
	case s.state != streamListening:
		return nil, sysio.ErrInvalid
	case len(s.backlog.waiting) == 0:
		return nil, sysio.ErrAgain
	}
	t := s.backlog.waiting[0]
	s.backlog.waiting = s.backlog.waiting[1:]
	return t, nil
}
