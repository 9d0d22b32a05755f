package bufferevent

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// connecting is what a socket is about while it has no connection yet.
type connecting struct {
	to   evutil.Sockaddr // what the socket is connected to, if that is known
	made bool            // the socket was made for this

	settled bool   // it has ended already, and the loop will tell
	err     error  // with settled: why there is no connection, or nil
	cancel  func() // ends the lookup of a host name, or nil
	race    *race  // attempts on sockets that are not the bufferevent's yet, or nil
}

// Connect begins to connect to a TCP address. If the bufferevent has no
// descriptor yet, it gets a socket, which is closed if this fails, so that Connect
// can be called again. The event callback is told how it ends:
// EventConnected, or EventError or EventTimeout, for which the timeout for
// writing runs. Data can be put into the output meanwhile.
//
// The zero addr says that the descriptor is being connected already. The error
// is ErrConnecting if this bufferevent is, errors.ErrUnsupported if it stands on
// no socket, or that of the system if there cannot be a connection at all
// (bufferevent_socket_connect).
func (b *Bufferevent) Connect(addr netip.AddrPort) error {
	op := "connect " + addr.String()
	if !addr.IsValid() {
		return b.startConnect("connect", nil, 0)
	}
	sa, err := evutil.AddrPortToSockaddr(addr)
	if err != nil {
		return opError(op, err)
	}
	return b.startConnect(op, sa, familyOf(addr.Addr()))
}

func familyOf(addr netip.Addr) int {
	if addr.Is4() {
		return syscall.AF_INET
	}
	return syscall.AF_INET6
}

// ConnectUnix is Connect for a Unix socket. On Linux a name that begins with @
// is one in the abstract name space.
func (b *Bufferevent) ConnectUnix(name string) error {
	return b.startConnect("connect "+name, sysio.UnixSockaddr(name), syscall.AF_UNIX)
}

// startConnect connects what can be. A nil sa says that this is under way.
func (b *Bufferevent) startConnect(op string, sa evutil.Sockaddr, family int) error {
	at, c, err := beginAt[Connector](b)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	if err := c.Connect(sa, family); err != nil {
		return opError(op, err)
	}
	return nil
}

// Connected reports whether there is somebody to talk to: a socket has a
// descriptor, and is not being connected. Other bufferevents are as connected as
// what they stand on, if that is anything.
func (b *Bufferevent) Connected() bool {
	at, c, err := beginAt[Connector](b)
	if err != nil {
		return errors.Is(err, errors.ErrUnsupported) // such as a pair
	}
	defer at.end()
	return c.Connected()
}

// Connected implements Connector.
func (s *socket) Connected() bool { return s.FD() >= 0 && s.connecting == nil }

// Connect implements Connector.
func (s *socket) Connect(sa evutil.Sockaddr, family int) error {
	fd := s.FD()
	switch {
	case s.connecting != nil:
		return ErrConnecting
	case sa == nil && fd < 0:
		return fmt.Errorf("no descriptor: %w", ErrNil)
	case sa == nil:
		return s.awaitConnection(&connecting{})
	case fd >= 0:
		return s.connectOn(fd, sa)
	}
	fd, err := s.newSocket(family)
	if err != nil {
		return err
	}
	if err := s.replace(fd); err != nil {
		s.discard(fd)
		return err
	}
	if err := s.connectOn(fd, sa); err != nil {
		s.endConnect()
		s.discard(fd)
		return err
	}
	s.connecting.made = true
	return nil
}

// discard closes a socket that was made to be connected, so that the next Connect
// makes another one.
func (s *socket) discard(fd int) {
	// Neither can be helped, and the caller has a better reason to report.
	_ = s.replace(evutil.InvalidSocket)
	sysio.CloseSocket(fd)
}

// connectOn connects a descriptor that the events are assigned to. That the
// peer refuses is something that the callback is told, whenever it comes out.
func (s *socket) connectOn(fd int, sa evutil.Sockaddr) error {
	done, err := sysio.StartConnect(fd, sa)
	if evutil.IsConnectRefused(err) {
		err = fmt.Errorf("fd %d: %w", fd, err)
		return s.awaitConnection(&connecting{to: sa, settled: true, err: err})
	}
	if err != nil {
		return err
	}
	return s.awaitConnection(&connecting{to: sa, settled: done})
}

// awaitConnection has the loop find out when there is a connection.
func (s *socket) awaitConnection(k *connecting) error {
	s.connecting = k
	if k.settled {
		s.flush()
	} else if err := s.waitForRoom(); err != nil {
		s.connecting = nil
		return err
	}
	if s.control().Wants(event.Read) {
		if err := s.Enable(event.Read); err != nil {
			s.endConnect()
			return err
		}
	}
	return nil
}

// connectEvent is called when the socket that is being connected has become
// writable, or has not in time.
func (s *socket) connectEvent(what event.What) {
	b, c := &s.bev, s.control()
	if what == event.Timeout {
		s.failConnect()
		b.disable(event.Write)
		c.Event(EventTimeout|EventWriting, errTimeout("connect"))
		return
	}
	s.settled(evutil.SocketError(s.FD()))
}

// settled is called when there is a connection, or none because of err.
func (s *socket) settled(err error) {
	if err == nil {
		s.connected()
		return
	}
	op := "connect"
	if to := s.connecting.to; to != nil {
		op += " " + netAddr(to).String()
	}
	s.failConnect()
	s.control().Event(EventError, fmt.Errorf("%s: %w", op, err))
}

// failConnect ends the waiting for a connection that there will not be, and closes
// the socket that was made for it.
func (s *socket) failConnect() {
	made := s.connecting.made
	s.endConnect()
	s.bev.read.Del()
	if made {
		s.discard(s.FD())
	}
}

// endConnect ends the waiting for a connection, whether there is one or not.
func (s *socket) endConnect() {
	s.connecting = nil
	s.stopWaiting()
}

// connected begins to use a connection.
func (s *socket) connected() {
	b, c := &s.bev, s.control()
	s.endConnect()
	c.Event(EventConnected, nil)
	if !c.Alive() || s.connecting != nil {
		return
	}
	if c.Wants(event.Write) && (b.output.Len() > 0 || b.closedWrite) {
		s.flush()
	}
}

// cancelConnect gives up a connection that is being made.
func (s *socket) cancelConnect() {
	k := s.connecting
	if k == nil {
		return
	}
	s.connecting = nil
	if k.cancel != nil {
		k.cancel()
	}
	if k.race != nil {
		k.race.end()
	}
	s.stopWaiting()
}
