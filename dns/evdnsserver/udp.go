package evdnsserver

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// udpServer is the socket of a Server for UDP.
type udpServer struct {
	server *Server
	socket *datagram.Socket
}

// NewUDP makes a server that receives requests on a bound UDP socket, as of
// datagram.Listen, and calls cb with each. The server owns the socket from the call on,
// makes it non-blocking, and closes it after Close; if NewUDP fails, it has closed it. If
// the socket is bound to a wildcard address, answers are sent from the address that the
// request was sent to, where the system supports that
// (evdns_add_server_port_with_base).
func NewUDP(base *event.Base, fd int, cb Callback) (*Server, error) {
	s, err := newServer(base, cb, true)
	if err != nil && fd >= 0 {
		_ = evutil.CloseSocket(fd) // the error that is returned comes before
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
		_ = datagram.TellLocal(fd) // where it is not supported, the system selects the address
	}
	u := &udpServer{server: s}
	batch := datagram.NewBatch(udpBatch, maxUDPRequest)
	batch.AllowSegments() // for clients with many requests
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
		_ = u.socket.Close() // the error that is returned comes before
		return err
	}
	s.udp = u
	return nil
}

// onMessages handles requests. Answers that their callbacks give at once are sent when
// it returns.
func (u *udpServer) onMessages(_ *datagram.Socket, messages []datagram.Message) {
	defer u.server.recoverCurrent()
	for i := range messages {
		m := &messages[i]
		if m.Addr.IsValid() && m.Addr.Port() == 0 || u.server.closed || u.server.unanswered >= u.server.config.MaxRequests {
			u.server.stats.Ignored++
			continue
		}
		u.server.handle(m.Data, origin{peer: m.Addr, local: m.Local, truncated: m.Truncated})
	}
}

// onError logs an error of receiving. The socket stays enabled.
func (u *udpServer) onError(_ *datagram.Socket, err error) {
	u.server.receiveLog.Warn(u.server.base.Now(), "evdnsserver: server cannot receive", "error", err)
}

// send queues an answer, which is copied.
func (u *udpServer) send(answer []byte, to origin) error {
	err := u.socket.Send(datagram.Message{Data: answer, Addr: to.peer, Local: to.local})
	if err != nil && errors.Is(err, datagram.ErrQueueFull) {
		return ErrPending
	}
	return err
}

// onUnsent counts and logs answers that could not be sent.
func (u *udpServer) onUnsent(_ *datagram.Socket, answers []datagram.Message) {
	for i := range answers {
		m := &answers[i]
		if errors.Is(m.Err, datagram.ErrTooLong) && u.sendTruncated(m) {
			continue
		}
		u.server.stats.Failed++
		u.server.sendLog.Warn(u.server.base.Now(), "evdnsserver: server cannot send", "error", m.Err, "client", m.Addr)
	}
}

// sendTruncated sends an answer that is longer than the path MTU without its records and
// with TC, so that the client repeats the request over TCP.
func (u *udpServer) sendTruncated(m *datagram.Message) bool {
	data, ok := dnswire.Truncate(m.Data)
	if !ok || u.socket.Send(datagram.Message{Data: data, Addr: m.Addr, Local: m.Local}) != nil {
		return false
	}
	u.server.stats.Truncated++
	return true
}

func (u *udpServer) onDrained(*datagram.Socket) { u.server.endIfDrained() }

// close stops receiving and sends the queued answers. The socket is closed when all
// requests are answered and sent; if the base was freed, at once.
func (u *udpServer) close() {
	u.socket.Disable()
	alive := u.server.base.AtIterationEnd((*closer)(u.server))
	if !alive {
		u.server.expireAll()
	}
	u.socket.Flush()
	if n := u.socket.Queued(); n > 0 && !alive {
		u.server.stats.Failed += uint64(n)
		u.server.sendLog.Warn(u.server.base.Now(), "evdnsserver: server cannot send", "error", event.ErrFreed, "answers", n)
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
	s.endIfDrained()
}

// endIfDrained closes the socket when all requests are answered and sent.
func (u *udpServer) endIfDrained() {
	if u.server.unanswered == 0 && u.socket.Queued() == 0 {
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
