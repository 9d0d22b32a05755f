package evdnsserver

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

const (
	// DefaultMaxRequests is how many requests of a UDP server may wait for their
	// answer if nothing else was set.
	DefaultMaxRequests = 1 << 16
	// DefaultMaxUDPSize is how many bytes an answer by UDP may have if nothing
	// else was set. It goes through any network in one piece.
	DefaultMaxUDPSize = 1232
)

const (
	// serverBatch is how many messages are received at a time, and serverRounds
	// how often, before the other events of the loop get their turn. Answers
	// are sent when there are serverFlush, for clients to work on them while we
	// go on.
	serverBatch  = 32
	serverRounds = 16
	serverFlush  = 16
	// serverRoom is how long a request may be that comes by UDP.
	serverRoom = 2048
	// maxQueued and maxQueuedBytes are how much may wait for the socket.
	maxQueued      = 4096
	maxQueuedBytes = 1 << 20
	// keptBytes is how much memory for answers is kept for the next ones.
	keptBytes = 64 << 10
	// serverPause is how long a socket that goes on failing is left alone.
	serverPause = 100 * time.Millisecond
	// maxDatagram is the longest message that UDP over IPv4 can carry.
	maxDatagram = math.MaxUint16 - 8 - 20
)

// udpServer is what a Server has for UDP. Answers are sent many at a time: at
// the end of each round of requests, or of the iteration.
type udpServer struct {
	server   *Server
	fd       int
	batch    *datagram.Batch
	readable event.Event
	writable event.Event
	retry    event.Event

	limit   int                // of requests that wait for their answer
	longest int                // answer
	queue   []datagram.Message // answers to be sent
	bytes   []byte             // what is in them
	reading bool               // answers will be sent at the end of the round
	ending  bool               // FinishIteration will come
	choked  bool               // the socket takes no more, and writable or retry is pending
	failing bool               // receiving fails
	stalls  event.LogLimiter   // events that cannot be waited for
}

// NewUDP takes requests on a UDP socket that is bound, as by
// datagram.Listen, and gives them to cb. NewUDP makes the socket
// non-blocking; the server owns it from the call on and closes it after Close.
// NewUDP has closed it if it fails. With the socket bound to a
// wildcard address, answers come from the address that was asked, where the
// system allows that (evdns_add_server_port_with_base).
func NewUDP(base *event.Base, fd int, cb Callback) (*Server, error) {
	s, err := newServer(base, cb)
	if err == nil {
		err = evutil.SetNonblock(fd)
	}
	if err == nil {
		err = s.listenUDP(fd)
	}
	if err != nil {
		if fd >= 0 {
			_ = evutil.CloseSocket(fd) // why there is no server is what the caller has to know
		}
		return nil, fmt.Errorf("evdnsserver: new UDP server fd %d: %w", fd, err)
	}
	return s, nil
}

func (s *Server) listenUDP(fd int) error {
	if addr, err := datagram.LocalAddr(fd); err == nil && addr.Addr().IsUnspecified() {
		_ = datagram.TellLocal(fd) // where it cannot, there is one address to answer from
	}
	u := &udpServer{server: s, fd: fd, batch: datagram.NewBatch(serverBatch, serverRoom), limit: DefaultMaxRequests, longest: DefaultMaxUDPSize}
	u.batch.AllowSegments() // for clients that have many questions
	s.udp = u
	for _, e := range []struct {
		event *event.Event
		fd    int
		what  event.What
		call  event.Callback
	}{
		{&u.readable, fd, event.Read | event.Persist, u.onReadable},
		{&u.writable, fd, event.Write | event.Persist, u.onWritable},
		{&u.retry, -1, 0, u.onRetry},
	} {
		// With Finalize, deleting an event does not wait for its callback,
		// which may wait for the lock of the server.
		if err := e.event.Assign(s.base, e.fd, e.what|event.Finalize, e.call); err != nil {
			return err
		}
	}
	return u.readable.Add()
}

// SetMaxRequests sets how many requests of the server may wait for their answers;
// more are ignored, for their clients to ask again. The error is errors.ErrUnsupported if
// the server is one for TCP, where each connection may have 128, and ErrValue if n
// is not positive.
func (s *Server) SetMaxRequests(n int) error {
	if err := checkServerOption(s.udp != nil, n > 0); err != nil {
		return fmt.Errorf("evdnsserver: set max requests %d: %w", n, err)
	}
	s.lock()
	defer s.unlock()
	s.udp.limit = n
	return nil
}

// SetMaxUDPSize sets how many bytes an answer by UDP may have, 512 to 65,507.
// Clients that say so with EDNS get as many; what does not fit they ask for by
// TCP. The address of a request may be forged, and large answers would hit
// whose it is. The error is errors.ErrUnsupported if the server is one for TCP, and ErrValue
// if n is not in the range.
func (s *Server) SetMaxUDPSize(n int) error {
	if err := checkServerOption(s.udp != nil, n >= dnswire.MinUDPSize && n <= maxDatagram); err != nil {
		return fmt.Errorf("evdnsserver: set max UDP size %d: %w", n, err)
	}
	s.lock()
	defer s.unlock()
	s.udp.longest = n
	return nil
}

// onReadable receives requests and sends their answers, round by round.
func (u *udpServer) onReadable(*event.Event, event.What) {
	u.server.lock()
	defer u.server.unlock()
	failures := 0
	for range serverRounds {
		if u.server.closed || u.choked {
			return
		}
		n, err := u.round()
		if err == nil {
			failures = 0
			u.failing = false
			if n < serverBatch {
				return
			}
			continue
		}
		u.tell(err)
		if failures++; failures == serverRounds {
			u.readLater()
		}
	}
}

// round receives what there is, and sends what is answered at once.
func (u *udpServer) round() (received int, err error) {
	messages, err := u.batch.Recv(u.fd)
	u.reading = true
	defer u.endRound()
	for i := range messages {
		m := &messages[i]
		if m.Addr.IsValid() && m.Addr.Port() == 0 || u.server.closed || u.server.open >= u.limit {
			u.server.stats.Ignored++
			continue
		}
		u.server.handle(m.Data, origin{peer: m.Addr, local: m.Local, cut: m.Truncated})
	}
	return len(messages), err
}

// endRound sends the answers of a round, also if a callback panics.
func (u *udpServer) endRound() {
	u.server.endHandling()
	u.reading = false
	u.flush()
}

// tell logs that receiving fails, once until it succeeds.
func (u *udpServer) tell(err error) {
	if !u.failing {
		u.failing = true
		logWarn("server cannot receive", "error", err)
	}
}

// readLater keeps a socket that fails each time from keeping the loop busy.
func (u *udpServer) readLater() {
	u.readable.DelNoBlock()
	u.pause()
}

// pause has onRetry called, as what should be waited for cannot be.
func (u *udpServer) pause() {
	if err := u.retry.AddTimeout(serverPause); err != nil {
		logWarn("server stops", "error", err)
	}
}

func (u *udpServer) onRetry(*event.Event, event.What) {
	u.server.lock()
	defer u.server.unlock()
	if u.choked {
		u.sendMore()
	} else {
		u.readMore()
	}
}

// readMore has the loop watch for requests, unless something is against it.
func (u *udpServer) readMore() {
	if u.server.closed || u.choked {
		return
	}
	if err := u.readable.Add(); err != nil {
		u.stalls.Warn(u.server.base.Now(), "evdnsserver: server cannot wait for requests", "error", err)
		u.pause()
	}
}

func (u *udpServer) stopReading() {
	u.readable.DelNoBlock()
	u.retry.DelNoBlock()
}

// send takes an answer, whose bytes it copies.
func (u *udpServer) send(answer []byte, to origin) error {
	if len(u.bytes)+len(answer) > maxQueuedBytes && !u.choked {
		u.flush()
	}
	if len(u.queue) >= maxQueued || len(u.bytes)+len(answer) > maxQueuedBytes {
		return ErrPending
	}
	start := len(u.bytes)
	u.bytes = append(u.bytes, answer...)
	u.queue = append(u.queue, datagram.Message{Data: u.bytes[start:], Addr: to.peer, Local: to.local})
	switch {
	case u.choked || u.reading && len(u.queue) < serverFlush:
	case len(u.queue) >= serverFlush:
		u.flush()
	case !u.ending:
		u.ending = u.server.base.AtEnd(u)
		if !u.ending { // the base was freed
			u.flush()
		}
	}
	return nil
}

// FinishIteration sends the answers that were given since the last round.
func (u *udpServer) FinishIteration() {
	u.server.lock()
	defer u.server.unlock()
	u.ending = false
	if !u.choked {
		u.flush()
	}
}

// sendLast sends what is left when the server is closed. If the base was freed before,
// nothing can wait any more, neither requests for their answers nor these for room.
func (u *udpServer) sendLast() {
	alive := u.server.base.AtEnd(u)
	if !alive {
		u.server.giveUp()
	}
	u.flush()
	if !alive && len(u.queue) > 0 {
		u.server.stats.Failed += uint64(len(u.queue))
		u.server.losses.Warn(u.server.base.Now(), "evdnsserver: server cannot send", "error", event.ErrFreed, "answers", len(u.queue))
		u.queue = nil
	}
}

// flush sends as many answers as the socket takes. As long as it does not take
// all, no requests are received.
func (u *udpServer) flush() {
	if len(u.queue) == 0 || u.server.ended {
		return
	}
	done, err := u.batch.Send(u.fd, u.queue)
	if err != nil {
		u.lose(u.queue[:done])
	}
	rest := copy(u.queue, u.queue[done:])
	clear(u.queue[rest:])
	u.queue = u.queue[:rest]
	if rest > 0 {
		u.choke()
		return
	}
	u.bytes = u.bytes[:0]
	if cap(u.bytes) > keptBytes {
		u.bytes = nil
	}
	u.server.settle()
}

// lose counts and logs the answers that the socket did not take.
func (u *udpServer) lose(answers []datagram.Message) {
	for i := range answers {
		m := &answers[i]
		if m.Err == nil || errors.Is(m.Err, datagram.ErrTooLong) && u.sendCut(m) {
			continue
		}
		u.server.stats.Failed++
		u.server.losses.Warn(u.server.base.Now(), "evdnsserver: server cannot send", "error", m.Err, "client", m.Addr)
	}
}

// sendCut sends the beginning of an answer that is too long for the way to its
// client, which will ask again by TCP.
func (u *udpServer) sendCut(m *datagram.Message) bool {
	data, ok := dnswire.Truncate(m.Data)
	if !ok {
		return false
	}
	sent, err := u.batch.Send(u.fd, []datagram.Message{{Data: data, Addr: m.Addr, Local: m.Local}})
	if sent == 1 && err == nil {
		u.server.stats.Truncated++
		return true
	}
	return false
}

// choke waits for room in the socket.
func (u *udpServer) choke() {
	if u.choked {
		return
	}
	u.choked = true
	u.stopReading()
	u.awaitRoom()
}

func (u *udpServer) awaitRoom() {
	if err := u.writable.Add(); err != nil {
		u.stalls.Warn(u.server.base.Now(), "evdnsserver: server cannot wait for room", "error", err)
		u.pause()
	}
}

func (u *udpServer) onWritable(*event.Event, event.What) {
	u.server.lock()
	defer u.server.unlock()
	u.sendMore()
}

// sendMore sends what has waited for room, and then goes on receiving.
func (u *udpServer) sendMore() {
	if u.server.ended {
		return
	}
	u.flush()
	if u.server.ended {
		return
	}
	if len(u.queue) > 0 {
		u.awaitRoom()
		return
	}
	u.choked = false
	u.writable.DelNoBlock()
	u.readMore()
}

// end gives back what the server has.
func (u *udpServer) end() {
	u.readable.Free()
	u.writable.Free()
	u.retry.Free()
	u.bytes, u.queue = nil, nil
	if err := evutil.CloseSocket(u.fd); err != nil {
		logWarn("close server's socket", "error", err)
	}
}
