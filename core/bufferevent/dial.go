package bufferevent

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A dialer makes the connection of a socket that has none. A socket has one from the
// call that begins to connect until its outcome is reported, or until it is canceled
// by SetFD or Free; then socket.dialer is nil. While there is one, data in the output
// waits, and readiness of the descriptor is the dialer's business.
//
// The states, and what takes a dialer from one to the next:
//
//	from         by                                              to
//	-            Connect: the descriptor is being connected      dialSingle
//	-            Connect: the kernel knows the outcome at once   dialSettled
//	-            ConnectHost                                     dialLookup
//	dialLookup   several addresses, and no descriptor            dialRacing
//	dialLookup   one address, or a descriptor to connect         dialSingle, dialSettled
//	dialLookup   an error                                        EventError, and DNSError
//	dialRacing   the first connection                            EventConnected
//	dialRacing   the last error                                  EventError
//	dialSingle   the descriptor is writable                      EventConnected, EventError
//	dialSettled  the end of the iteration                        EventConnected, EventError
//	dialRacing   the timeout for writing                         EventTimeout
//	dialSingle   the timeout for writing                         EventTimeout
//	all          SetFD, Free                                     -
//
// Nothing is reported from within the call that begins to connect, which is what
// dialSettled is for.
type dialer struct {
	socket *socket
	state  dialState

	cancel func()          // dialLookup: ends the lookup; nil while it begins and when it is over
	race   *race           // dialRacing
	to     evutil.Sockaddr // dialSingle, dialSettled: the address, if it is known
	made   bool            // the same: the descriptor was made for this, and is closed if it fails
	err    error           // dialSettled: why there is no connection, or nil
}

// dialState says what a dialer waits for.
type dialState uint8

const (
	dialLookup  dialState = iota // for a Resolver
	dialRacing                   // for one of several sockets
	dialSingle                   // for the descriptor to be writable
	dialSettled                  // for the end of the iteration
)

// dial gives the socket a dialer. The error is ErrConnecting if it has one.
func (s *socket) dial() (*dialer, error) {
	if s.dialer != nil {
		return nil, ErrConnecting
	}
	s.dialer = &dialer{socket: s}
	return s.dialer, nil
}

// Connected implements Connector.
func (s *socket) Connected() bool { return s.FD() >= 0 && s.dialer == nil }

// Connect implements Connector.
func (s *socket) Connect(to evutil.Sockaddr, family int) error {
	d, err := s.dial()
	if err != nil {
		return err
	}
	if err := d.connect(to, family); err != nil {
		d.end()
		return err
	}
	return nil
}

// connect connects the descriptor, or a new one if there is none. A nil address says
// that the descriptor is being connected.
func (d *dialer) connect(to evutil.Sockaddr, family int) error {
	s := d.socket
	fd := s.FD()
	switch {
	case to == nil && fd < 0:
		return fmt.Errorf("no descriptor: %w", event.ErrNil)
	case to == nil:
		d.state = dialSingle
		return d.await()
	case fd >= 0:
		return d.start(fd, to)
	}
	fd, err := s.newSocket(family)
	if err != nil {
		return err
	}
	if err = s.replace(fd); err == nil {
		err = d.start(fd, to)
	}
	if err != nil {
		s.discard(fd)
		return err
	}
	d.made = true
	return nil
}

// start connects the descriptor that the socket has. A peer that refuses at once is
// reported by the callback, as one that refuses later.
func (d *dialer) start(fd int, to evutil.Sockaddr) error {
	done, err := sysio.StartConnect(fd, to)
	d.to = to
	switch {
	case evutil.IsConnectRefused(err):
		d.state, d.err = dialSettled, fmt.Errorf("fd %d: %w", fd, err)
	case err != nil:
		return err
	case done:
		d.state = dialSettled
	default:
		d.state = dialSingle
	}
	return d.await()
}

// await has the loop report the outcome. What reads is added already: a peer may send
// as soon as there is a connection.
func (d *dialer) await() error {
	s := d.socket
	if d.state == dialSettled {
		s.flush()
	} else if err := s.awaitRoom(); err != nil {
		return err
	}
	if s.bev.wants(event.Read) {
		return s.Enable(event.Read)
	}
	return nil
}

// onWritable is called when the descriptor has become writable, which is when the
// kernel knows the outcome, or has not in time.
func (d *dialer) onWritable(what event.What) {
	if what == event.Timeout {
		d.fail(EventTimeout|EventWriting, errTimeout("connect"))
		return
	}
	d.settle(evutil.SocketError(d.socket.FD()))
}

// onIterationEnd is called at the end of an iteration in which the socket was to be
// flushed.
func (d *dialer) onIterationEnd() {
	if d.state == dialSettled {
		d.settle(d.err)
	}
}

// onTimeoutsChanged restarts the timeout, which is that for writing. The write event
// of dialSingle has it.
func (d *dialer) onTimeoutsChanged() {
	if d.state == dialRacing {
		d.race.restartDeadline()
	}
}

// settle reports the outcome of connecting the descriptor.
func (d *dialer) settle(err error) {
	if err == nil {
		d.succeed()
		return
	}
	op := "connect"
	if d.to != nil {
		op += " " + netAddr(d.to).String()
	}
	d.fail(EventError, fmt.Errorf("%s: %w", op, err))
}

// succeed reports the connection, and has the socket write what waits for it.
func (d *dialer) succeed() {
	s := d.socket
	b := &s.bev
	d.end()
	b.report(EventConnected, nil, 0)
	if !b.alive() || s.dialer != nil { // the callback may free, and connect anew
		return
	}
	if b.wants(event.Write) && (b.output.Len() > 0 || b.closedWrite) {
		s.flush()
	}
}

// fail reports that there is no connection, after it has closed the descriptor that
// was made for it.
func (d *dialer) fail(what Events, err error) {
	s := d.socket
	d.end()
	s.stopReading()
	if d.made {
		s.discard(s.FD())
	}
	if what&EventTimeout != 0 {
		s.bev.disable(event.Write)
	}
	s.bev.report(what, err, 0)
}

// end ends what the dialer waits for, and the dialer. It reports nothing. Ending it
// again does nothing.
func (d *dialer) end() {
	s := d.socket
	if s.dialer != d {
		return
	}
	s.dialer = nil
	switch d.state {
	case dialLookup:
		d.endLookup()
	case dialRacing:
		d.race.end()
	}
	s.stopWaiting()
}

// endDial gives up the connection that is being made, if any.
func (s *socket) endDial() {
	if s.dialer != nil {
		s.dialer.end()
	}
}

// SetLocalAddr implements Connector.
func (s *socket) SetLocalAddr(addr netip.AddrPort) {
	if addr != (netip.AddrPort{}) || s.bev.rare != nil {
		s.bev.dialSettings().local = addr
	}
}

// newSocket makes a descriptor to connect, with the local address that was set.
func (s *socket) newSocket(family int) (int, error) {
	fd, err := sysio.Socket(family, sysio.Mode{})
	if err != nil {
		return fd, fmt.Errorf("socket: %w", err)
	}
	if err := s.bind(fd, family); err != nil {
		sysio.CloseSocket(fd)
		return evutil.InvalidSocket, err
	}
	return fd, nil
}

// bind gives a descriptor the local address that was set, if any.
func (s *socket) bind(fd, family int) error {
	x := s.bev.rare
	if x == nil || x.dial == nil || x.dial.local == (netip.AddrPort{}) || family == syscall.AF_UNIX {
		return nil
	}
	local := x.dial.local
	switch {
	case !local.Addr().IsValid() && family == syscall.AF_INET:
		local = netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())
	case !local.Addr().IsValid():
		local = netip.AddrPortFrom(netip.IPv6Unspecified(), local.Port())
	case familyOf(local.Addr()) != family:
		return fmt.Errorf("bind to %v: %w", local, ErrFamily)
	}
	sa, err := evutil.AddrPortToSockaddr(local)
	if err == nil && local.Port() != 0 {
		err = evutil.SetListenReuseAddr(fd)
	}
	if err == nil {
		err = sysio.Bind(fd, sa)
	}
	if err != nil {
		return fmt.Errorf("bind to %v: %w", local, err)
	}
	return nil
}

// discard closes a descriptor that newSocket has made, so that the next Connect makes
// another one.
func (s *socket) discard(fd int) {
	// Neither can be helped, and the caller has a better reason to report.
	_ = s.replace(evutil.InvalidSocket)
	sysio.CloseSocket(fd)
}
