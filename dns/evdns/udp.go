package evdns

import (
	"errors"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// How sockets come and go. A port that nobody knows protects against forged
// answers as well as the id does, so ports should not live long; a new one costs
// four system calls. Sockets that were replaced wait for the answers that are
// still to come.
const (
	maxUses    = 512              // how many queries are sent from a socket
	maxAge     = 30 * time.Second // how old a socket may be when a query is sent from it
	maxRetired = 16               // how many sockets of a nameserver may wait for answers
)

// A udpSocket is a socket that is connected to a nameserver, so that the system
// lets nobody else send to it.
type udpSocket struct {
	channel
	fd       int
	read     event.Event
	write    event.Event
	born     time.Duration
	uses     int
	fixed    bool // the port is given
	watched  bool // read is pending
	choked   bool // write is pending
	finished bool // is in retired
	closed   bool
}

// mail is what is received and sent, and the memory for it.
type mail struct {
	batch  *datagram.Batch
	size   int
	out    []datagram.Message
	stream []byte // a message from a stream
}

const (
	// mailLimit is how many datagrams go through one system call.
	mailLimit = 32
	// mailSize is the least that may be in a datagram: many nameservers send
	// that much unasked.
	mailSize = 1280
	// mailRounds is how many batches are received before others have their
	// turn.
	mailRounds = 4
)

// ready returns the batch, for datagrams of the length that we have told
// nameservers to be welcome.
func (m *mail) ready(udpSize int) *datagram.Batch {
	size := max(udpSize, mailSize)
	if m.batch == nil || m.size != size {
		m.batch, m.size = datagram.NewBatch(mailLimit, size), size
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
	ports := b.options.ports
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
	u.finished = true
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
	fd, err := datagram.Dial(local, s.addr, flags)
	if err != nil {
		return nil, err
	}
	u := &udpSocket{fd: fd, fixed: local.Port() != 0, born: b.now(), uses: 1}
	u.server, u.owner = s, u
	if err := u.setUp(); err != nil {
		evutil.CloseSocket(fd)
		return nil, err
	}
	u.settleLater()
	return u, nil
}

func (u *udpSocket) setUp() error {
	b := u.server.base
	if n := b.options.soRcvbuf; n > 0 {
		if err := datagram.SetReceiveBuffer(u.fd, n); err != nil {
			return err
		}
	}
	if n := b.options.soSndbuf; n > 0 {
		if err := datagram.SetSendBuffer(u.fd, n); err != nil {
			return err
		}
	}
	if err := u.read.Assign(b.event, u.fd, event.Read|event.Persist, u.onReadable); err != nil {
		return err
	}
	return u.write.Assign(b.event, u.fd, event.Write, u.onWritable)
}

// localAddr returns the address that sockets to a nameserver are bound to. That
// of the option is not for nameservers on this host, or of the other family.
func (b *Base) localAddr(remote netip.AddrPort) netip.AddrPort {
	local := b.options.bindTo
	if remote.Addr().IsLoopback() || local.Addr().Is4() != remote.Addr().Is4() {
		return netip.AddrPort{}
	}
	return local
}

// sendAgain implements carrier.
func (u *udpSocket) sendAgain(r *Request) bool {
	if u.finished || u.closed {
		return false
	}
	u.sendLater(r)
	return true
}

// silent implements carrier.
func (u *udpSocket) silent(*Request) {}

// settle implements carrier.
func (u *udpSocket) settle() {
	if u.closed {
		return
	}
	if !u.choked {
		u.flush()
	}
	switch {
	case u.closed:
	case u.finished && u.n == 0:
		u.close()
	default:
		u.watch(u.n > 0 || u.server.base.awake())
	}
}

// watch has the loop look for answers, or not.
func (u *udpSocket) watch(on bool) {
	if on == u.watched {
		return
	}
	u.watched = on
	var err error
	if on {
		err = u.read.Add()
	} else {
		err = u.read.DelNoBlock()
	}
	if err != nil {
		u.failed(err)
	}
}

// flush sends what is to be sent.
func (u *udpSocket) flush() {
	requests := u.takeUnsent()
	if len(requests) == 0 {
		return
	}
	m := &u.server.base.mail
	for _, r := range requests {
		r.setID()
		m.out = append(m.out, datagram.Message{Data: r.query})
	}
	n, err := u.send(m.out)
	clear(m.out)
	m.out = m.out[:0]
	if cap(m.out) > maxIdle {
		m.out = nil
	}
	rest := len(requests) - n
	u.sent(n)
	if rest > 0 {
		u.choked = true
		if err := u.write.Add(); err != nil {
			u.failed(err)
		}
	}
	if err != nil {
		u.failed(err)
	}
}

// send sends messages, and returns how many are done with. If the system tells that
// something was refused, that was sent before: the message that it has not sent
// because of this is sent again.
func (u *udpSocket) send(messages []datagram.Message) (n int, err error) {
	b := u.server.base
	batch := b.mail.ready(b.options.ednsUDPSize)
	n, err = batch.Send(u.fd, messages)
	if !errors.Is(err, datagram.ErrRefused) {
		return n, err
	}
	err = nil
	for i := range messages[:n] {
		m := &messages[i]
		if errors.Is(m.Err, datagram.ErrRefused) {
			_, _ = batch.Send(u.fd, messages[i:i+1]) // m.Err says what has come of it
		}
		if err == nil {
			err = m.Err
		}
	}
	return n, err
}

// onWritable is called when there is room for more.
func (u *udpSocket) onWritable(*event.Event, event.What) {
	b := u.server.base
	b.lock()
	defer b.unlock()
	if u.closed {
		return
	}
	u.choked = false
	u.settleLater()
}

// onReadable is called when there are answers.
func (u *udpSocket) onReadable(*event.Event, event.What) {
	b := u.server.base
	b.lock()
	defer b.unlock()
	batch := b.mail.ready(b.options.ednsUDPSize)
	for range mailRounds {
		if u.closed {
			return
		}
		messages, err := batch.Recv(u.fd)
		for i := range messages {
			if m := &messages[i]; u.isFrom(m.Addr) {
				u.receive(m.Data, m.Truncated)
			}
		}
		if err != nil {
			u.failed(err)
			return
		}
		if len(messages) < batch.Limit() {
			return
		}
	}
}

// isFrom says whether a message is from the nameserver. The system sees to that
// for a connected socket, but a little time passes before it is one.
func (u *udpSocket) isFrom(addr netip.AddrPort) bool {
	want := u.server.addr
	return !addr.IsValid() || addr.Port() == want.Port() && addr.Addr().WithZone("") == want.Addr().WithZone("")
}

// failed deals with an error. If it is that nobody listens at the nameserver,
// the socket is as good as before; otherwise it is given up.
func (u *udpSocket) failed(err error) {
	if u.closed {
		return
	}
	s := u.server
	s.blame(err)
	requests := u.requests()
	if !errors.Is(err, datagram.ErrRefused) {
		u.abandon(requests)
	}
	s.base.elsewhere(requests, err)
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
	if u.closed {
		return
	}
	u.closed = true
	u.read.DelNoBlock()
	u.write.DelNoBlock()
	evutil.CloseSocket(u.fd)
	s := u.server
	for i, other := range s.retired {
		if other == u {
			s.retired = append(s.retired[:i], s.retired[i+1:]...)
			break
		}
	}
}
