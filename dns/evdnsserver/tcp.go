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
)

// tcpServer is what a Server has for TCP.
type tcpServer struct {
	server   *Server
	listener *listener.Listener
	clients  map[*tcpClient]struct{}
	message  []byte // is being handled
}

// NewTCP takes requests on connections that l accepts, and gives
// them to cb. The server owns l from the call on: it sets its callback, and frees it
// when it is closed. NewTCP has freed it if it fails
// (evdns_add_server_port_with_listener).
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
	s.tcp = &tcpServer{
		server:   s,
		listener: l,
		clients:  make(map[*tcpClient]struct{}),
	}
	if err := l.SetCallback(s.tcp.onConnection); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return s, nil
}

// A tcpClient is a connection.
type tcpClient struct {
	tcp   *tcpServer
	peer  netip.AddrPort
	bev   *bufferevent.Bufferevent
	timer event.Event // the idle timeout
	idle  time.Duration
	open  int  // requests that were neither answered nor dropped
	busy  bool // serve is taking requests from the input
	held  bool // the next request waits
	eof   bool // the client sends no more
	gone  bool
}

func (t *tcpServer) onConnection(_ *listener.Listener, fd int, peer netip.AddrPort) {
	t.server.lock()
	defer t.server.unlock()
	if t.server.closed || len(t.clients) >= t.server.config.MaxClients {
		evutil.CloseSocket(fd)
		return
	}
	if err := t.connect(fd, peer); err != nil {
		t.server.losses.Warn(t.server.base.Now(), "evdnsserver: server cannot serve a connection", "error", err, "client", peer)
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
	t.clients[c] = struct{}{}
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

// disconnect closes all connections.
func (t *tcpServer) disconnect() {
	for c := range t.clients {
		c.close()
	}
}

func (c *tcpClient) close() {
	if c.gone {
		return
	}
	c.gone = true
	delete(c.tcp.clients, c)
	c.timer.Free()
	c.bev.Free()
}

func (c *tcpClient) onData(*bufferevent.Bufferevent) {
	c.tcp.server.lock()
	defer c.tcp.server.unlock()
	c.serve()
}

// serve handles the requests that have arrived, as far as the client's share of
// memory goes.
func (c *tcpClient) serve() {
	c.busy = true
	defer c.endServing()
	for !c.gone {
		c.held = c.full()
		if c.held {
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

// endServing is called when serve has come to its end, or a callback has panicked:
// then the loop goes on with the requests that are left.
func (c *tcpClient) endServing() {
	panicked := c.tcp.server.endHandling()
	c.busy = false
	if panicked && !c.gone {
		c.serveLater()
	}
	c.closeIfDone()
}

// serveLater has serve called by the loop.
func (c *tcpClient) serveLater() {
	c.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks|bufferevent.TrigIgnoreWatermarks)
}

// full says whether the next request has to wait.
func (c *tcpClient) full() bool {
	return c.open >= maxPipelined || c.bev.Output().Len() > maxUnread
}

// next takes a message from the input, if there is a whole one; otherwise onData
// comes when it is there. What next returns is good until it is called again, for
// whatever client.
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

// closeIfDone closes the connection of a client that sends no more when it has
// all its answers.
func (c *tcpClient) closeIfDone() {
	if c.eof && !c.gone && !c.busy && !c.held && c.open == 0 && c.bev.Output().Len() == 0 {
		c.close()
	}
}

// onSent comes when the client has taken all answers.
func (c *tcpClient) onSent(*bufferevent.Bufferevent) {
	c.tcp.server.lock()
	defer c.tcp.server.unlock()
	if c.gone {
		return
	}
	if c.held {
		c.serve()
	}
	c.closeIfDone()
}

func (c *tcpClient) onEvent(bev *bufferevent.Bufferevent, what bufferevent.Events) {
	c.tcp.server.lock()
	defer c.tcp.server.unlock()
	if c.gone {
		return
	}
	switch what.Outcome() {
	case bufferevent.InputEnded:
		c.eof = true
		c.closeIfDone()
	case bufferevent.TimedOut: // the client takes none of its answers
		c.close()
	case bufferevent.OutputFailed, bufferevent.Failed:
		c.fail(bev.Err())
	}
}

// fail closes the connection because of an error. What clients can cause by going
// away is not worth a warning.
func (c *tcpClient) fail(err error) {
	if c.gone {
		return
	}
	s := c.tcp.server
	if err == nil || evutil.IsDisconnect(err) {
		logDebug("client has gone", "client", c.peer, "error", err)
	} else {
		s.losses.Warn(s.base.Now(), "evdnsserver: server has lost a connection", "error", err, "client", c.peer)
	}
	c.close()
}

// onIdle closes the connection, unless the client waits for us.
func (c *tcpClient) onIdle(*event.Event, event.What) {
	c.tcp.server.lock()
	defer c.tcp.server.unlock()
	switch {
	case c.gone:
	case c.open > 0 || c.bev.Output().Len() > 0: // for which there are other timeouts
		if err := c.timer.AddTimeout(c.idle); err != nil {
			c.fail(err)
		}
	default:
		c.close()
	}
}

// send takes an answer, which has two bytes before it for its length.
func (c *tcpClient) send(frame []byte) error {
	if c.gone {
		return ErrClientGone
	}
	binary.BigEndian.PutUint16(frame, uint16(len(frame)-2))
	if _, err := c.bev.Write(frame); err != nil {
		c.fail(err)
		return err
	}
	return nil
}

// requestEnded has the next request taken from the input by the loop, if it had
// to wait for this one.
func (c *tcpClient) requestEnded() {
	c.open--
	if c.gone {
		return
	}
	if c.held && !c.full() {
		c.serveLater()
		return
	}
	c.closeIfDone()
}
