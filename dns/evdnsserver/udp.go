package evdnsserver

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// udpServer is what a Server has for UDP.
type udpServer struct {
	server *Server
	socket *datagram.Socket
}

// NewUDP takes requests on a UDP socket that is bound, as by
// datagram.Listen, and gives them to cb. NewUDP makes the socket
// non-blocking; the server owns it from the call on and closes it after Close.
// NewUDP has closed it if it fails. With the socket bound to a
// wildcard address, answers come from the address that was asked, where the
// system allows that (evdns_add_server_port_with_base).
func NewUDP(base *event.Base, fd int, cb Callback) (*Server, error) {
	s, err := newServer(base, cb, true)
	if err != nil && fd >= 0 {
		_ = evutil.CloseSocket(fd) // the caller has to know why there is no server
	}
	if err == nil {
		err = s.listenUDP(fd)
	}
	if err != nil {
		return nil, fmt.Errorf("evdnsserver: new UDP server fd %d: %w", fd, err)
	}
	return s, nil
}

// listenUDP puts the socket on the loop.
func (s *Server) listenUDP(fd int) error {
	if addr, err := datagram.LocalAddr(fd); err == nil && addr.Addr().IsUnspecified() {
		_ = datagram.TellLocal(fd) // where it cannot, there is one address to answer from
	}
	u := &udpServer{server: s}
	batch := datagram.NewBatch(udpBatch, udpRoom)
	batch.AllowSegments() // for clients that have many questions
	var err error
	u.socket, err = datagram.NewSocket(s.base, fd, datagram.Config{
		OnMessages:    u.onMessages,
		OnUnsent:      u.onUnsent,
		OnError:       u.onError,
		OnDrained:     u.onDrained,
		Batch:         batch,
		FlushAfter:    udpFlush,
		PauseWhenFull: true,
		Guard:         s.guard,
	})
	if err != nil {
		return err
	}
	if err := u.socket.Enable(); err != nil {
		_ = u.socket.Close() // the caller has to know why there is no server
		return err
	}
	s.udp = u
	return nil
}

// onMessages handles requests. What they are answered with at once is sent when it
// returns.
func (u *udpServer) onMessages(_ *datagram.Socket, messages []datagram.Message) {
	defer u.server.endHandling()
	for i := range messages {
		m := &messages[i]
		if m.Addr.IsValid() && m.Addr.Port() == 0 || u.server.closed || u.server.open >= u.server.config.MaxRequests {
			u.server.stats.Ignored++
			continue
		}
		u.server.handle(m.Data, origin{peer: m.Addr, local: m.Local, cut: m.Truncated})
	}
}

// onError logs that the socket fails. It goes on by itself.
func (u *udpServer) onError(_ *datagram.Socket, err error) {
	u.server.stalls.Warn(u.server.base.Now(), "evdnsserver: server cannot receive", "error", err)
}

// send takes an answer, whose bytes it copies.
func (u *udpServer) send(answer []byte, to origin) error {
	err := u.socket.Send(datagram.Message{Data: answer, Addr: to.peer, Local: to.local})
	if errors.Is(err, datagram.ErrQueueFull) {
		return ErrPending
	}
	return err
}

// onUnsent counts and logs the answers that the system has refused.
func (u *udpServer) onUnsent(_ *datagram.Socket, answers []datagram.Message) {
	for i := range answers {
		m := &answers[i]
		if errors.Is(m.Err, datagram.ErrTooLong) && u.sendTruncated(m) {
			continue
		}
		u.server.stats.Failed++
		u.server.losses.Warn(u.server.base.Now(), "evdnsserver: server cannot send", "error", m.Err, "client", m.Addr)
	}
}

// sendTruncated sends the beginning of an answer that is too long for a network on
// the way to its client, which will ask again by TCP.
func (u *udpServer) sendTruncated(m *datagram.Message) bool {
	data, ok := dnswire.Truncate(m.Data)
	if !ok || u.socket.Send(datagram.Message{Data: data, Addr: m.Addr, Local: m.Local}) != nil {
		return false
	}
	u.server.stats.Truncated++
	return true
}

func (u *udpServer) onDrained(*datagram.Socket) { u.server.settle() }

// close takes no more requests and sends what is answered. The socket is closed when
// there is nothing left to send; if the base was freed, nothing can wait any more,
// neither requests for their answers nor these for room.
func (u *udpServer) close() {
	u.socket.Disable()
	alive := u.server.base.AtIterationEnd((*closer)(u.server))
	if !alive {
		u.server.giveUp()
	}
	u.socket.Flush()
	if n := u.socket.Queued(); n > 0 && !alive {
		u.server.stats.Failed += uint64(n)
		u.server.losses.Warn(u.server.base.Now(), "evdnsserver: server cannot send", "error", event.ErrFreed, "answers", n)
		u.end()
	}
}

// A closer is the event.IterationEnder of a Server that was closed.
type closer Server

// EndIteration implements event.IterationEnder.
func (c *closer) EndIteration() {
	s := (*Server)(c)
	s.lock()
	defer s.unlock()
	s.settle()
}

// settle ends the server if it was closed and nothing is left to be done.
func (u *udpServer) settle() {
	if u.server.open == 0 && u.socket.Queued() == 0 {
		u.end()
	}
}

// end closes the socket.
func (u *udpServer) end() {
	if u.server.ended {
		return
	}
	u.server.ended = true
	u.server.pending.timer.Free()
	if err := u.socket.Close(); err != nil {
		logWarn("close server's socket", "error", err)
	}
}
