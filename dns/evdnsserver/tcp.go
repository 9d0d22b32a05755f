package evdnsserver

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/internal/list"
)

// tcpServer is the listener and the connections of a Server for TCP.
type tcpServer struct {
	server   *Server
	listener *listener.Listener
	clients  clientList // in the order in which they were accepted
	message  []byte     // that is being handled
}

// clientList is a list of connections.
type clientList = list.List[tcpClient, clientLinks]

type clientLinks struct{}

// Of implements list.Linker.
func (clientLinks) Of(c *tcpClient) *list.Links[tcpClient] { return &c.links }

// NewTCP makes a server that receives requests on the connections of l and calls cb with
// each. The server owns l from the call on: it sets its callback, and frees it when it is
// closed. If NewTCP fails, it has freed l (evdns_add_server_port_with_listener).
func NewTCP(base *event.Base, l *listener.Listener, cb Callback) (*Server, error) {
	s, err := newTCP(base, l, cb)
	if err != nil && l != nil {
		l.Free()
	}
	return s, err
}

func newTCP(base *event.Base, l *listener.Listener, cb Callback) (*Server, error) {
	const op = "evdnsserver: new TCP server"
	s, err := newServer(base, cb, false)
	if err == nil && l == nil {
		err = fmt.Errorf("listener: %w", event.ErrNil)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	s.tcp = &tcpServer{server: s, listener: l}
	if err := l.SetCallback(s.tcp.onConnection); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return s, nil
}

// A tcpClient is a connection.
type tcpClient struct {
	tcp        *tcpServer
	links      list.Links[tcpClient]
	peer       netip.AddrPort
	bev        *bufferevent.Bufferevent
	timer      event.Event // the idle timeout
	idle       time.Duration
	unanswered int  // requests that were neither answered nor dropped
	serving    bool // serve is handling requests
	paused     bool // requests stay in the input, as the client is over its limits
	eof        bool // the client has shut down its side
	closed     bool
}

func (t *tcpServer) onConnection(_ *listener.Listener, fd int, peer netip.AddrPort) {
	t.server.lock()
	defer t.server.unlock()
	if t.server.closed || t.clients.Len() >= t.server.config.MaxClients {
		evutil.CloseSocket(fd)
		return
	}
	if err := t.connect(fd, peer); err != nil {
		t.server.sendLog.Warn(t.server.base.Now(), "evdnsserver: server cannot serve a connection", "error", err, "client", peer)
	}
}

func (t *tcpServer) connect(fd int, peer netip.AddrPort) error {
	opts := bufferevent.CloseOnFree
	if t.server.guard.HasLock() {
		// Callbacks without its lock, since that of the server comes first.
		opts |= bufferevent.ThreadSafe | bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks
	}
	bev, err := bufferevent.NewSocket(t.server.base, fd, opts)
	if err != nil {
		return err
	}
	c := &tcpClient{tcp: t, peer: peer, bev: bev, idle: t.server.config.IdleTimeout}
	t.clients.Push(c)
	bev.SetCallbacks(c.onData, c.onSent, c.onEvent)
	if err = c.timer.Assign(t.server.base, -1, event.Finalize, c.onIdle); err == nil {
		err = c.timer.AddTimeout(c.idle)
	}
	if err == nil {
		err = bev.SetTimeouts(0, c.idle)
	}
	if err == nil {
		err = bev.SetWatermark(event.Read, 2, maxFrame)
	}
	if err == nil {
		err = bev.Enable(event.Read)
	}
	if err != nil {
		c.close()
	}
	return err
}

// disconnect closes all connections, the oldest first.
func (t *tcpServer) disconnect() {
	for c := t.clients.First(); c != nil; c = t.clients.First() {
		c.close()
	}
}

func (c *tcpClient) close() {
	if c.closed {
		return
	}
	c.closed = true
	c.tcp.clients.Remove(c)
	c.timer.Free()
	c.bev.Free()
}

func (c *tcpClient) onData(*bufferevent.Bufferevent) {
	c.tcp.server.lock()
	defer c.tcp.server.unlock()
	c.serve()
}

// serve handles the requests that have arrived, until the client is over its limits.
func (c *tcpClient) serve() {
	c.serving = true
	defer c.endServing()
	for !c.closed {
		c.paused = c.overLimit()
		if c.paused {
			break
		}
		message, ok, err := c.next()
		if err != nil {
			c.fail(err)
			return
		}
		if !ok {
			break
		}
		c.tcp.server.handle(message, origin{peer: c.peer, client: c})
	}
}

// endServing is called when serve returns or a callback panics. After a panic the loop
// handles the remaining requests.
func (c *tcpClient) endServing() {
	panicked := c.tcp.server.recoverCurrent()
	c.serving = false
	if panicked && !c.closed {
		c.serveLater()
	}
	c.closeIfDone()
}

// serveLater has the loop call serve.
func (c *tcpClient) serveLater() {
	c.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks|bufferevent.TrigIgnoreWatermarks)
}

// overLimit reports whether the client has as many requests or unread answers as it may.
func (c *tcpClient) overLimit() bool {
	return c.unanswered >= maxPipelined || c.bev.Output().Len() > maxUnread
}

// next takes a complete message from the input, if there is one; otherwise onData is
// called when it has arrived. The message is valid until next is called for any client.
func (c *tcpClient) next() (message []byte, ok bool, err error) {
	in := c.bev.Input()
	var size [2]byte
	if in.Len() < len(size) {
		return nil, false, c.bev.SetWatermark(event.Read, len(size), maxFrame)
	}
	if _, err := in.CopyOut(size[:]); err != nil {
		return nil, false, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n == 0 {
		c.close() // as libevent does: there is no such message
		return nil, false, nil
	}
	if in.Len() < len(size)+n {
		return nil, false, c.bev.SetWatermark(event.Read, len(size)+n, maxFrame)
	}
	if c.tcp.message == nil {
		c.tcp.message = make([]byte, math.MaxUint16)
	}
	message = c.tcp.message[:n]
	if err := in.Drain(len(size)); err != nil {
		return nil, false, err
	}
	if _, err := in.Remove(message); err != nil {
		return nil, false, err
	}
	return message, true, c.timer.AddTimeout(c.idle)
}

// closeIfDone closes the connection after end of file when all answers are written.
func (c *tcpClient) closeIfDone() {
	if c.eof && !c.closed && !c.serving && !c.paused && c.unanswered == 0 && c.bev.Output().Len() == 0 {
		c.close()
	}
}

// onSent is called when all answers are written.
func (c *tcpClient) onSent(*bufferevent.Bufferevent) {
	c.tcp.server.lock()
	defer c.tcp.server.unlock()
	if c.closed {
		return
	}
	if c.paused {
		c.serve()
	}
	c.closeIfDone()
}

func (c *tcpClient) onEvent(bev *bufferevent.Bufferevent, what bufferevent.Events) {
	c.tcp.server.lock()
	defer c.tcp.server.unlock()
	if c.closed {
		return
	}
	switch what.Outcome() {
	case bufferevent.InputEnded:
		c.eof = true
		c.closeIfDone()
	case bufferevent.TimedOut: // of writing: the client does not read
		c.close()
	case bufferevent.OutputFailed, bufferevent.Failed:
		c.fail(bev.Err())
	}
}

// fail closes the connection because of an error, and logs it: as a warning, unless it
// says that the client has disconnected.
func (c *tcpClient) fail(err error) {
	if c.closed {
		return
	}
	s := c.tcp.server
	if err == nil || evutil.IsDisconnect(err) {
		logDebug("client has disconnected", "client", c.peer, "error", err)
	} else {
		s.sendLog.Warn(s.base.Now(), "evdnsserver: server has lost a connection", "error", err, "client", c.peer)
	}
	c.close()
}

// onIdle closes the connection, unless there are requests or answers, which have other
// timeouts.
func (c *tcpClient) onIdle(*event.Event, event.What) {
	c.tcp.server.lock()
	defer c.tcp.server.unlock()
	switch {
	case c.closed:
	case c.unanswered > 0 || c.bev.Output().Len() > 0:
		if err := c.timer.AddTimeout(c.idle); err != nil {
			c.fail(err)
		}
	default:
		c.close()
	}
}

// send writes an answer, which has two bytes before it for its length.
func (c *tcpClient) send(frame []byte) error {
	if c.closed {
		return ErrClientGone
	}
	binary.BigEndian.PutUint16(frame, uint16(len(frame)-2))
	if _, err := c.bev.Write(frame); err != nil {
		c.fail(err)
		return err
	}
	return nil
}

// requestEnded has the loop handle the next request, if the limits had paused that.
func (c *tcpClient) requestEnded() {
	c.unanswered--
	if c.closed {
		return
	}
	if c.paused && !c.overLimit() {
		c.serveLater()
		return
	}
	c.closeIfDone()
}
