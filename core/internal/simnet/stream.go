package simnet

import (
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A stream is a stream socket, one end of a pair, or of a pipe.
type stream struct {
	file    *file // nil until there is a descriptor for it
	network *Network
	host    *Host
	family  int
	pipe    bool // no socket
	options options

	state   streamState
	binding *binding
	named   bool           // by Bind
	local   netip.AddrPort // as the socket has it: mapped at an IPv6 socket
	remote  netip.AddrPort
	path    string // of a Unix socket
	backlog *backlog

	out, in    *flow    // of a connection
	err        error    // that is pending
	shut       bool     // for writing
	closed     bool     // by its host: what is queued still goes out
	first      bool     // has ended the connection before its peer did
	connecting bool     // was asked to connect, and has not told the caller yet how that has ended
	attempt    int      // to connect
	tries      int      // how often the beginning was sent
	claim      *binding // to the port of the listener that has accepted it

	heard   int64 // when something of the peer has arrived last
	asked   int   // how often it was asked since whether it is there
	silence timer // when it will be asked next
}

// streamState is the part of a stream's life that it is in.
type streamState int

const (
	streamFresh streamState = iota
	streamListening
	streamConnecting
	streamConnected
	streamEnded // after an error, or both ends
)

// options are what the options of a socket were set to.
type options struct {
	reuseAddr, reusePort bool
	v6only               bool
	noDelay              bool
	keepAlive            bool
	sendBuf, receiveBuf  int
	tellLocal, queueErrs bool
	idle, interval       int
	count, deferAccept   int
}

// newStream makes a stream socket of a host.
func (n *Network) newStream(h *Host, family int) *stream {
	s := &stream{network: n, host: h, family: family, silence: newTimer(nil)}
	s.options.sendBuf, s.options.receiveBuf = n.bufferSize(), n.bufferSize()
	return s
}

// bufferSize returns how many bytes a new socket's buffer takes.
func (n *Network) bufferSize() int {
	if !n.chance(n.faults.SmallBuffers) {
		return bufferSize
	}
	return 1 + n.rand.IntN(1<<(4+n.rand.IntN(12)))
}

func (s *stream) opened(f *file) { s.file = f }

func (s *stream) describe() string {
	switch s.state {
	case streamListening:
		return fmt.Sprintf("listens at %s", s.name())
	case streamConnected:
		return fmt.Sprintf("stream from %s to %s", s.name(), s.remote)
	case streamConnecting:
		return fmt.Sprintf("connects to %s", s.remote)
	}
	return "stream socket"
}

func (s *stream) name() string {
	if s.family == syscall.AF_UNIX {
		return fmt.Sprintf("%q", s.path)
	}
	return s.local.String()
}

// ready implements object.
func (s *stream) ready() poller.Interest {
	switch s.state {
	case streamFresh, streamEnded: // hung up, as Linux sees it
		return poller.Conditions
	case streamListening:
		if len(s.backlog.waiting) > 0 {
			return poller.Read
		}
		return 0
	case streamConnecting:
		return 0
	}
	var ready poller.Interest
	if s.in == nil { // the end of a pipe that is written to
		ready = 0
	} else if s.in.arrived.len > 0 {
		ready |= poller.Read
	}
	if s.in != nil && s.in.ending == finArrived {
		ready |= poller.Read | poller.Closed
	}
	if s.err != nil {
		ready |= poller.Conditions
	}
	switch {
	case s.out == nil:
	case s.shut || s.out.writable():
		ready |= poller.Write
	default:
		s.out.full = true
	}
	return ready
}

// join connects two streams. link is the way from a to b, and nil within a host.
func join(a, b *stream, there, back *link) {
	direct := a.family == syscall.AF_UNIX
	forth := &flow{from: a, to: b, link: there, direct: direct, room: a.options.sendBuf, window: b.options.receiveBuf}
	reply := &flow{from: b, to: a, link: back, direct: direct, room: b.options.sendBuf, window: a.options.receiveBuf}
	a.out, a.in = forth, reply
	b.out, b.in = reply, forth
}

// send implements Send and Write.
func (s *stream) send(p []byte) (int, error) {
	if err := s.pending(); err != nil {
		return 0, err
	}
	switch {
	case s.state == streamConnecting:
		return 0, sysio.ErrAgain
	case s.state == streamFresh && s.family == syscall.AF_UNIX:
		return 0, sysio.ErrNotConnected
	case s.state != streamConnected, s.shut, s.out == nil:
		return 0, sysio.ErrPipe
	}
	if len(p) == 0 {
		return 0, nil
	}
	if n := s.network; n.chance(n.faults.Again) {
		s.out.full = true
		s.again(poller.Write)
		return 0, sysio.ErrAgain
	}
	n := s.out.push(p)
	if n == 0 {
		return 0, sysio.ErrAgain
	}
	return n, nil
}

// receive implements Recv and Read. It returns nothing at the end.
func (s *stream) receive(most int) ([]byte, error) {
	if s.in != nil && s.in.arrived.len > 0 {
		if n := s.network; n.chance(n.faults.Again) {
			s.again(poller.Read)
			return nil, sysio.ErrAgain
		}
		return s.in.pull(most), nil
	}
	// Who has met the end of a TCP connection meets it again, whatever came after it.
	if s.in != nil && s.in.ending == finArrived && s.family != syscall.AF_UNIX {
		return nil, nil
	}
	if err := s.pending(); err != nil {
		return nil, err
	}
	switch {
	case s.state < streamConnecting && s.family == syscall.AF_UNIX:
		return nil, sysio.ErrInvalid
	case s.state < streamConnecting:
		return nil, sysio.ErrNotConnected
	case s.state == streamConnecting:
		return nil, sysio.ErrAgain
	case s.state == streamEnded, s.in == nil, s.in.ending == finArrived:
		return nil, nil
	}
	return nil, sysio.ErrAgain
}

// again has what was refused without a reason reported once more, as a kernel would
// that had had one.
func (s *stream) again(what poller.Interest) {
	s.network.after(s.network.upTo(retransmit/100), func() { s.file.changed(what) })
}

// pending returns the error that is to be told, once.
func (s *stream) pending() error {
	err := s.err
	s.err = nil
	return err
}

// shutdown ends the stream that s sends.
func (s *stream) shutdown() error {
	switch s.state {
	case streamListening:
		return nil // which changes nothing
	case streamConnecting:
		s.renew()
		s.err = sysio.ErrReset
		s.file.changed(poller.Conditions)
		return nil
	case streamConnected:
		s.end()
		s.file.changed(poller.Write)
		return nil
	}
	if s.family == syscall.AF_UNIX {
		return nil
	}
	return sysio.ErrNotConnected
}

func (s *stream) end() {
	if s.shut || s.out == nil {
		return
	}
	s.shut = true
	s.first = s.in != nil && s.in.ending != finArrived
	s.out.ending = finQueued
	s.out.transmit()
}

// close implements object. What is queued is still sent, unless there is something
// that was not received: then the peer is told that it will not be.
func (s *stream) close() {
	s.closed = true
	s.file = nil
	s.network.queue.stop(&s.silence)
	switch s.state {
	case streamListening:
		s.backlog.close()
		if isAbstract(s.path) {
			delete(s.host.ports.paths, s.path)
		}
	case streamConnected:
		switch {
		case s.out != nil && s.out.direct:
			s.hangUp()
		case s.in != nil && s.in.arrived.len > 0:
			s.reset()
		default:
			s.end()
			s.settle()
			s.retire()
			return
		}
	}
	s.state = streamEnded
	s.release()
}

// hangUp closes a Unix socket, whose peer finds out at once, and meets an error if it
// has sent what was not received.
func (s *stream) hangUp() {
	peer := s.out.to
	s.out.ending, s.state = finArrived, streamEnded
	peer.shut = true
	if s.in.arrived.len > 0 {
		peer.err = sysio.ErrReset
	}
	peer.file.changed(poller.Conditions)
}

// timeWait is how long the port of a connection is not given to others after the end,
// on the side that has ended it first. TCP asks for four minutes (RFC 9293 section
// 3.6.1), Linux waits for one.
const timeWait = time.Minute

// retire gives the ports back of a connection that is closed. One that was chosen for
// it is of use to others at once.
func (s *stream) retire() {
	switch {
	case !s.named && s.claim == nil, s.state == streamEnded && !s.first:
		s.release()
	case s.first:
		s.network.after(timeWait, s.release)
	}
}

// release gives the socket's ports back.
func (s *stream) release() {
	if s.binding != nil {
		s.host.unbind(s.binding)
	}
	if s.claim != nil {
		s.host.ports.drop(s.claim)
	}
	s.binding, s.claim = nil, nil
}

// settle ends a connection that both sides have ended and closed.
func (s *stream) settle() {
	if s.state != streamConnected || !s.closed {
		return
	}
	if s.out != nil && (s.out.ending != finArrived || s.out.used() > 0) {
		return
	}
	if s.in != nil && s.in.ending != finArrived {
		return
	}
	s.state = streamEnded
	if !s.first {
		s.release()
	}
}

// over reports whether both sides have ended the connection.
func (s *stream) over() bool {
	return s.out != nil && s.out.ending == finArrived && s.in != nil && s.in.ending == finArrived
}

// reset ends the connection at once, and tells the peer.
func (s *stream) reset() {
	if s.state != streamConnected {
		return
	}
	if s.out != nil {
		s.out.queued = chunks{}
		out := s.out
		s.drop(nil)
		out.send(segment{rst: true})
		return
	}
	s.drop(nil)
}

// drop ends the connection on this side, with an error for who uses it.
func (s *stream) drop(err error) {
	if s.state == streamEnded {
		return
	}
	s.state, s.err = streamEnded, err
	s.network.queue.stop(&s.silence)
	if s.out != nil {
		s.out.queued = chunks{}
	}
	if s.closed {
		s.release()
	}
	s.file.changed(poller.Conditions)
}

// gotReset is a reset by the peer. Who was told of the end of the peer's stream
// before meets it as a pipe that is broken (as in Linux).
func (s *stream) gotReset() {
	if s.state == streamEnded {
		return
	}
	err := sysio.ErrReset
	if s.in != nil && s.in.ending == finArrived {
		err = sysio.ErrPipe
	}
	if s.in != nil && s.network.faults.ResetDropsData && s.in.arrived.len > 0 {
		s.in.arrived = chunks{}
		// An end without what was before it would look like one in order.
		s.in.ending, err = finNone, sysio.ErrReset
	}
	s.drop(err)
}

// Reset resets the connection of a descriptor, as an operator can: both ends find out.
func (n *Network) Reset(fd int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	o, err := n.object(fd)
	if err != nil {
		return err
	}
	s, ok := o.(*stream)
	if !ok || s.state != streamConnected {
		return sysio.ErrNotConnected
	}
	out := s.out
	s.drop(sysio.ErrReset)
	out.send(segment{rst: true})
	return nil
}
