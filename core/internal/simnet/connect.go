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
		return errAlready
	case streamConnected:
		return sysio.ErrIsConnected
	case streamListening:
		return sysio.ErrIsConnected
	case streamEnded:
		if err := s.pending(); err != nil {
			return err
		}
		return sysio.ErrAborted
	}
	if to.Addr().Is4() && s.family == syscall.AF_INET6 || to.Addr().Is6() && s.family == syscall.AF_INET {
		return errFamily
	}
	if s.binding == nil {
		if err := s.bindFor(to); err != nil {
			return err
		}
	}
	if a := s.local.Addr(); a.IsUnspecified() {
		s.local = netip.AddrPortFrom(s.mapped(s.host.source(to.Addr())), s.local.Port())
	}
	s.remote = to
	s.state = streamConnecting
	s.knock()
	return sysio.ErrInProgress
}

// bindFor gives a socket that is to be connected its address.
func (s *stream) bindFor(to netip.AddrPort) error {
	return s.bind(netip.AddrPortFrom(s.mapped(s.host.source(to.Addr())), 0))
}

// mapped returns addr as sockets of this family have it.
func (s *stream) mapped(addr netip.Addr) netip.Addr {
	if s.family == syscall.AF_INET6 && addr.Is4() {
		return netip.AddrFrom16(addr.As16())
	}
	return addr
}

// bind gives the socket its address.
func (s *stream) bind(at netip.AddrPort) error {
	if s.binding != nil || s.state != streamFresh {
		return sysio.ErrInvalid
	}
	if at.Addr().Is4() != (s.family == syscall.AF_INET) {
		return errFamily
	}
	b := &binding{
		addr:      netip.AddrPortFrom(at.Addr().Unmap(), at.Port()),
		dual:      s.family == syscall.AF_INET6 && !s.options.v6only,
		reuseAddr: s.options.reuseAddr,
		reusePort: s.options.reusePort,
		stream:    s,
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
		s.backlog.limit = max(limit, 1)
		return nil
	case streamFresh:
	default:
		return sysio.ErrInvalid
	}
	if s.binding == nil && s.family != syscall.AF_UNIX {
		any := netip.IPv4Unspecified()
		if s.family == syscall.AF_INET6 {
			any = netip.IPv6Unspecified()
		}
		if err := s.bind(netip.AddrPortFrom(any, 0)); err != nil {
			return err
		}
	}
	s.state = streamListening
	s.backlog = &backlog{limit: max(limit, 1)}
	return nil
}

// knock sends the beginning of a connection.
func (s *stream) knock() {
	n := s.network
	target := s.host.lookup(s.remote.Addr())
	if target == nil {
		n.after(noHostDelay, func() { s.failConnect(sysio.ErrHostUnreachable) })
		return
	}
	there := n.link(s.host, target)
	lost := n.chance(n.faults.Vanish)
	refused := there != nil && n.chance(n.faults.Refuse)
	arrive := func() {
		switch {
		case s.state != streamConnecting:
		case lost, !there.passes():
			n.fault(s.host, "attempt to connect lost")
			s.knockAgain()
		default:
			s.knocked(target, refused)
		}
	}
	if there == nil {
		// The call returns before it is done, as that of a kernel does.
		n.after(0, arrive)
		return
	}
	t := newTimer(arrive)
	n.plan(&t, n.arrival(there, 0))
}

func (s *stream) knockAgain() {
	if s.tries++; s.tries == mostConnects {
		s.failConnect(sysio.ErrTimedOut)
		return
	}
	s.network.after(firstConnectRetry<<(s.tries-1), func() {
		if s.state == streamConnecting {
			s.knock()
		}
	})
}

// knocked is the arrival of the beginning at the peer.
func (s *stream) knocked(target *Host, refused bool) {
	n := s.network
	back := n.link(target, s.host)
	to := netip.AddrPortFrom(s.remote.Addr().Unmap(), s.remote.Port())
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(s.local.Addr().Unmap(), to.Port())
	}
	l := target.listener(to)
	switch {
	case l == nil || refused:
		if l != nil {
			n.fault(s.host, "connection refused")
		}
		n.later(back, func() { s.failConnect(sysio.ErrRefused) })
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
	n.later(back, func() {
		l.backlog.begun--
		if s.state != streamConnecting { // closed meanwhile
			return
		}
		if l.state != streamListening {
			s.failConnect(sysio.ErrRefused)
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
			l.backlog.waiting = append(l.backlog.waiting, t)
			l.file.changed(poller.Read)
		})
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

func (s *stream) failConnect(err error) {
	if s.state == streamConnecting {
		s.drop(err)
	}
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
