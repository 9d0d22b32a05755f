package evdns

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/datagram"
)

// A udpState is how far the life of a udpSocket has gone.
type udpState uint8

const (
	udpUsed    udpState = iota // queries are sent from it
	udpRetired                 // in nameserver.retired, until all its queries are answered
	udpClosed
)

// A udpSocket is a socket that is connected to a nameserver, so that the system
// drops what others send to it.
type udpSocket struct {
	channel
	socket *datagram.Socket
	state  udpState
	born   time.Duration
	uses   int
	fixed  bool // the port is given
}

// udpBuffers is the memory for the datagrams of a resolver, which all its sockets
// share.
type udpBuffers struct {
	batch *datagram.Batch
	size  int
	out   []datagram.Message
}

// ready returns the batch, for datagrams of the length that nameservers are told to
// be welcome.
func (m *udpBuffers) ready(udpSize int) *datagram.Batch {
	size := max(udpSize, minUDPRoom)
	if m.batch == nil || m.size != size {
		m.batch, m.size = datagram.NewBatch(udpBatch, size), size
		m.batch.AllowSegments()
	}
	return m.batch
}

// socket returns one of the nameserver's sockets, by chance, which is replaced
// first if it has served its time.
func (s *nameserver) socket(now time.Duration) (*udpSocket, error) {
	at := s.slot()
	if *at != nil && (*at).stale(now) {
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
		if u != nil && u.n < maxPerChannel { // better than none
			return u, nil
		}
	}
	return nil, err
}

// slot returns a place of a socket, by chance. If the port is given there is
// only one.
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

// stale says whether the socket should be replaced. One whose port is given
// cannot be, unless there are too few ids for all its requests.
func (u *udpSocket) stale(now time.Duration) bool {
	if u.n >= maxPerChannel {
		return true
	}
	if u.fixed || u.n > 0 && len(u.server.retired) >= maxRetired {
		return false
	}
	return u.uses >= maxUses || now-u.born > maxAge
}

// retire has the socket closed when it has no requests any more.
func (u *udpSocket) retire() {
	u.state = udpRetired
	u.server.retired = append(u.server.retired, u)
	u.settleLater()
}

// open makes a socket.
func (s *nameserver) open() (*udpSocket, error) {
	b := s.base
	local, flags := b.localAddr(s.addr), datagram.Flag(0)
	if local.Port() != 0 {
		flags = datagram.Reuseable // by sockets to other nameservers
	}
	u := &udpSocket{fixed: local.Port() != 0, born: b.now(), uses: 1}
	u.server, u.owner = s, u
	var err error
	u.socket, err = datagram.DialSocket(b.event, local, s.addr, flags, datagram.Config{
		OnMessages: u.onMessages,
		OnError:    u.onError,
		OnDrained:  u.onDrained,
		Batch:      b.udp.ready(b.config.EDNSUDPSize),
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
	u.settleLater()
	return u, nil
}

// setBuffers sets the sizes of the system's buffers that the options say.
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

// localAddr returns the address that sockets to a nameserver are bound to. That
// of the option is not for nameservers on this host, or of the other family.
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

// timedOut implements channelOwner.
func (u *udpSocket) timedOut(*Request) {}

// settle implements channelOwner.
func (u *udpSocket) settle() {
	if u.state == udpClosed {
		return
	}
	if !u.socket.Blocked() {
		u.flush()
	}
	switch {
	case u.state == udpClosed:
	case u.state == udpRetired && u.n == 0:
		u.close()
	default:
		u.watch(u.n > 0 || u.server.base.runnable())
	}
}

// watch has the loop watch for answers, or not.
func (u *udpSocket) watch(on bool) {
	switch {
	case on == u.socket.Enabled():
	case !on:
		u.socket.Disable()
	default:
		if err := u.socket.Enable(); err != nil {
			u.failed(err)
		}
	}
}

// flush sends what is to be sent. What the system has no room for stays in unsent.
func (u *udpSocket) flush() {
	requests := u.takeUnsent()
	if len(requests) == 0 {
		return
	}
	m := &u.server.base.udp
	for _, r := range requests {
		r.setID()
		m.out = append(m.out, datagram.Message{Data: r.query})
	}
	u.socket.SetBatch(m.ready(u.server.base.config.EDNSUDPSize)) // the size may have changed
	n, err := u.socket.SendNow(m.out)
	clear(m.out)
	m.out = m.out[:0]
	if cap(m.out) > maxIdle {
		m.out = nil
	}
	if u.state == udpClosed { // as the loop could not wait for room
		return
	}
	u.sent(n)
	if err != nil {
		u.failed(err)
	}
}

// onDrained is called when there is room for more.
func (u *udpSocket) onDrained(*datagram.Socket) { u.settleLater() }

// onMessages is called with answers.
func (u *udpSocket) onMessages(_ *datagram.Socket, messages []datagram.Message) {
	for i := range messages {
		if m := &messages[i]; u.isFrom(m.Addr) {
			u.receive(m.Data, m.Truncated)
		}
	}
}

// onError is called when the socket cannot receive.
func (u *udpSocket) onError(_ *datagram.Socket, err error) { u.failed(err) }

// isFrom says whether a message is from the nameserver. The system sees to that
// for a connected socket, but a little time passes before it is one.
func (u *udpSocket) isFrom(addr netip.AddrPort) bool {
	want := u.server.addr
	return !addr.IsValid() || addr.Port() == want.Port() && addr.Addr().WithZone("") == want.Addr().WithZone("")
}

// failed deals with an error. If it is that nobody listens at the nameserver,
// the socket is as good as before; otherwise it is given up.
func (u *udpSocket) failed(err error) {
	if u.state == udpClosed {
		return
	}
	s := u.server
	s.blame(err)
	requests := u.requests()
	if !errors.Is(err, datagram.ErrRefused) {
		u.abandon(requests)
	}
	s.base.retryElsewhere(requests, err)
}

// abandon closes the socket. Its requests, which are given, are on it no more.
func (u *udpSocket) abandon(requests []*Request) {
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

// close closes the socket. Its requests are on it no more.
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
	_ = u.socket.Close() // nothing that was sent depends on it
}
