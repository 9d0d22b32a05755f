package evdns

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/datagram"
)

// A udpState is the state of a udpSocket.
type udpState uint8

const (
	udpUsed    udpState = iota // sends queries
	udpRetired                 // in nameserver.retired; receives until it has no requests
	udpClosed
)

// A udpSocket is a socket that is connected to a nameserver, so that the system drops
// datagrams from other senders.
type udpSocket struct {
	channel
	socket  *datagram.Socket
	state   udpState
	created time.Duration
	uses    int
	fixed   bool // the port is given
}

// socket returns one of the nameserver's sockets, chosen at random, which is replaced
// first if it has expired.
func (s *nameserver) socket(now time.Duration) (*udpSocket, error) {
	at := s.slot()
	if *at != nil && (*at).expired(now) {
		(*at).retire()
		*at = nil
	}
	if *at != nil {
		(*at).uses++
		return *at, nil
	}
	u, err := s.open()
	if err == nil {
		*at = u
		return u, nil
	}
	for _, u := range s.sockets {
		if u != nil && u.n < maxPerChannel { // a known port is better than no query
			return u, nil
		}
	}
	return nil, err
}

// slot returns an entry of sockets, chosen at random. If Config.BindTo has a port there
// is only one.
func (s *nameserver) slot() **udpSocket {
	b := s.base
	ports := b.config.Ports
	if b.localAddr(s.addr).Port() != 0 {
		ports = 1
	}
	for len(s.sockets) < ports {
		s.sockets = append(s.sockets, nil)
	}
	return &s.sockets[b.random.Uint64()%uint64(ports)]
}

// expired reports whether the socket is to be replaced, for a new port. One whose port
// is fixed is replaced only when it has too many requests for its ids.
func (u *udpSocket) expired(now time.Duration) bool {
	if u.n >= maxPerChannel {
		return true
	}
	if u.fixed || u.n > 0 && len(u.server.retired) >= maxRetired {
		return false
	}
	return u.uses >= maxUses || now-u.created > maxAge
}

// retire has the socket closed as soon as it has no requests.
func (u *udpSocket) retire() {
	u.state = udpRetired
	u.server.retired = append(u.server.retired, u)
	u.scheduleFlush()
}

// open makes a socket that is connected to the nameserver.
func (s *nameserver) open() (*udpSocket, error) {
	b := s.base
	local, flags := b.localAddr(s.addr), datagram.Flag(0)
	if local.Port() != 0 {
		flags = datagram.Reuseable // by sockets to other nameservers
	}
	u := &udpSocket{fixed: local.Port() != 0, created: b.now(), uses: 1}
	u.server, u.owner = s, u
	var err error
	u.socket, err = datagram.DialSocket(b.event, local, s.addr, flags, datagram.Config{
		OnMessages: u.onMessages,
		OnError:    u.onError,
		OnDrained:  u.onDrained,
		Batch:      b.buffers.udpBatch(b.config.EDNSUDPSize),
		Rounds:     udpRounds,
		MaxQueued:  -1, // queries wait in channel.unsent, where they can be cancelled
		Guard:      b.guard,
	})
	if err != nil {
		return nil, err
	}
	if err := u.setBuffers(); err != nil {
		u.closeSocket()
		return nil, err
	}
	u.scheduleFlush()
	return u, nil
}

// setBuffers sets the sizes of the socket's buffers, if the options have any.
func (u *udpSocket) setBuffers() error {
	o := &u.server.base.config
	if o.ReceiveBuffer > 0 {
		if err := datagram.SetReceiveBuffer(u.socket.FD(), o.ReceiveBuffer); err != nil {
			return err
		}
	}
	if o.SendBuffer > 0 {
		return datagram.SetSendBuffer(u.socket.FD(), o.SendBuffer)
	}
	return nil
}

// localAddr returns the address that sockets to a nameserver are bound to: that of the
// option, unless the nameserver is on this host or of the other family.
func (b *Base) localAddr(remote netip.AddrPort) netip.AddrPort {
	local := b.config.BindTo
	if remote.Addr().IsLoopback() || local.Addr().Is4() != remote.Addr().Is4() {
		return netip.AddrPort{}
	}
	return local
}

// resend implements channelOwner.
func (u *udpSocket) resend(r *Request) bool {
	if u.state != udpUsed {
		return false
	}
	u.sendLater(r)
	return true
}

// onTimeout implements channelOwner.
func (u *udpSocket) onTimeout(*Request) {}

// flush implements channelOwner.
func (u *udpSocket) flush() {
	if u.state == udpClosed {
		return
	}
	if !u.socket.Blocked() {
		u.sendQueries()
	}
	switch {
	case u.state == udpClosed:
	case u.state == udpRetired && u.n == 0:
		u.close()
	default:
		u.watch(u.n > 0 || u.server.base.keepalive.runnable())
	}
}

// watch enables or disables reading.
func (u *udpSocket) watch(on bool) {
	switch {
	case on == u.socket.Enabled():
	case !on:
		u.socket.Disable()
	default:
		if err := u.socket.Enable(); err != nil {
			u.fail(err)
		}
	}
}

// sendQueries sends the queries in unsent. Those that the system has no room for stay.
func (u *udpSocket) sendQueries() {
	requests := u.takeUnsent()
	if len(requests) == 0 {
		return
	}
	b := u.server.base
	for _, r := range requests {
		r.setID()
		b.buffers.addDatagram(r.query)
	}
	n, err := b.buffers.sendDatagrams(u.socket, b.config.EDNSUDPSize)
	if u.state == udpClosed { // as the loop could not wait for room
		return
	}
	u.sent(n)
	if err != nil {
		u.fail(err)
	}
}

// onDrained is called when the socket is writable again.
func (u *udpSocket) onDrained(*datagram.Socket) { u.scheduleFlush() }

// onMessages handles received datagrams.
func (u *udpSocket) onMessages(_ *datagram.Socket, messages []datagram.Message) {
	for i := range messages {
		if m := &messages[i]; u.isFrom(m.Addr) {
			u.receive(m.Data, m.Truncated)
		}
	}
}

// onError is called when the socket cannot receive.
func (u *udpSocket) onError(_ *datagram.Socket, err error) { u.fail(err) }

// isFrom reports whether a datagram is from the nameserver. The system filters those of
// a connected socket, but not what arrives between bind and connect.
func (u *udpSocket) isFrom(addr netip.AddrPort) bool {
	want := u.server.addr
	return !addr.IsValid() || addr.Port() == want.Port() && addr.Addr().WithZone("") == want.Addr().WithZone("")
}

// fail handles an error of the socket. After one that says that the port of the
// nameserver is closed the socket stays in use; otherwise it is discarded.
func (u *udpSocket) fail(err error) {
	if u.state == udpClosed {
		return
	}
	s := u.server
	s.noteError(err)
	requests := u.requests()
	if !errors.Is(err, datagram.ErrRefused) {
		u.discard(requests)
	}
	s.base.retryAll(requests, err)
}

// discard takes the given requests, which are all, off the socket and closes it.
func (u *udpSocket) discard(requests []*Request) {
	for _, r := range requests {
		u.drop(r)
	}
	for i, other := range u.server.sockets {
		if other == u {
			u.server.sockets[i] = nil
		}
	}
	u.close()
}

// close closes the socket, which must not have requests any more.
func (u *udpSocket) close() {
	if u.state == udpClosed {
		return
	}
	u.state = udpClosed
	u.closeSocket()
	s := u.server
	if i := slices.Index(s.retired, u); i >= 0 {
		s.retired = slices.Delete(s.retired, i, i+1)
	}
}

func (u *udpSocket) closeSocket() {
	_ = u.socket.Close() // what was sent does not depend on the result
}
