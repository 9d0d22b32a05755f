package evhttp

import (
	"net/http"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// An h1Server is what the connections of HTTP/1.1 of a server share.
type h1Server struct {
	spare      []*h1ServerExchange                   // to be used again
	unreported map[*h1ServerConn][]*h1ServerExchange // which are over, but for the callback that all has left
}

// takeExchange returns an exchange in its initial state.
func (h *h1Server) takeExchange() *h1ServerExchange {
	n := len(h.spare)
	if n == 0 {
		return new(h1ServerExchange)
	}
	x := h.spare[n-1]
	h.spare = h.spare[:n-1]
	return x
}

// putExchange keeps an exchange to be used again, if there are no references to its request.
func (h *h1Server) putExchange(x *h1ServerExchange) {
	switch {
	case x.kept:
		x.giveBack()
	case len(h.spare) < maxSpare:
		x.reset()
		h.spare = append(h.spare, x)
	}
}

// h1ServerConn is the server's side of a connection. It carries one exchange at a time: what a
// client sends ahead waits in the input until the answer before is complete, so that
// answers come in order without any queue.
type h1ServerConn struct {
	ServerConn
	shared  *h1Server
	x       *h1ServerExchange // or nil between requests
	calling *h1ServerExchange // one of whose callbacks is at work, or nil
	state   serverState

	busy          bool    // readable is at work, and will see what has changed
	readingPaused bool    // nothing is read
	last          bool    // there will be no other request
	inputUnread   bool    // the client may be sending what is not read
	truncated     bool    // the last answer is not complete
	peerEnded     bool    // nothing comes any more
	longTurns     bool    // the stream writes maxTurn before others have their turn
	unreported    bool    // completions of requests that are over wait in h1Server.unreported
	count         int     // of requests
	began         instant // when the head, or the body, began to come
}

// An h1ServerExchange is a request and its answer on an HTTP/1.1 connection, and how they
// are framed.
type h1ServerExchange struct {
	Request
	c *h1ServerConn

	head wire.RequestHead
	body bodyReader // of the request

	chunked   bool // the answer's body goes in chunks
	held      bool // the client is told to go on only when the body is wanted
	continued bool // and has been told
	finished  bool // it has ended within its callback
	onSent    []func()
}

// begin begins an exchange on a connection.
func (x *h1ServerExchange) begin(c *h1ServerConn) {
	x.c, x.conn, x.ex, x.asked = c, &c.Conn, x, &x.head.Head.Head
	x.head.HostOptional = c.server.hostOptional
}

// reset returns an exchange to its initial state, but keeps memory of ordinary size.
func (x *h1ServerExchange) reset() {
	x.Request.reset()
	x.c = nil
	x.head.Reset()
	x.body.framing, x.body.left, x.body.total, x.body.limit = wire.NoBody, 0, 0, 0
	x.chunked, x.held, x.continued, x.finished = false, false, false, false
	x.onSent = x.onSent[:0]
}

// proto implements exchange.
func (x *h1ServerExchange) proto() message.Proto { return message.HTTP11 }

// newSession makes a connection.
func (h *h1Server) newSession(s *Server) (serverSession, error) {
	c := &h1ServerConn{shared: h}
	c.server = s
	c.limits, c.maxBody = &s.limits, s.cfg.MaxBodySize
	if err := c.init(s.base, c); err != nil {
		return nil, err
	}
	return c, nil
}

// asServer implements role.
func (c *h1ServerConn) asServer() serverSession { return c }

// conn implements serverSession.
func (c *h1ServerConn) conn() *ServerConn { return &c.ServerConn }

// start implements serverSession: it begins with the first request.
func (c *h1ServerConn) start(b *bufferevent.Bufferevent) error {
	c.attach(b)
	if err := b.SetTimeouts(0, max(c.server.cfg.Timeouts.Write, 0)); err != nil {
		return err
	}
	c.began = c.now()
	c.expect(c.server.cfg.Timeouts.Header)
	if err := b.Enable(event.Read); err != nil {
		return err
	}
	if b.Input().Len() > 0 { // it came before the stream was handed over
		b.Trigger(event.Read, bufferevent.TrigDeferCallbacks|bufferevent.TrigIgnoreWatermarks)
	}
	return nil
}

// pauseReading stops reading until resumeReading.
func (c *h1ServerConn) pauseReading() {
	if !c.readingPaused {
		c.readingPaused = true
		c.bev.Disable(event.Read)
	}
}

// resumeReading reads again. It returns false if that cannot be, and the connection is closed.
func (c *h1ServerConn) resumeReading() bool { return !c.readingPaused || c.enableReading() }

// enableReading is resumeReading after a pause.
func (c *h1ServerConn) enableReading() bool {
	c.readingPaused = false
	if err := c.bev.Enable(event.Read); err != nil {
		c.fail(err)
		return false
	}
	return true
}

// exhausted reports whether no other request can come.
func (c *h1ServerConn) exhausted() bool { return c.peerEnded && c.bev.Input().Len() == 0 }

// resume implements exchange.
func (x *h1ServerExchange) resume() {
	if !x.unpause() {
		return
	}
	c := x.c
	c.expect(c.bodyTime(x))
	if !c.resumeReading() {
		return
	}
	c.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks|bufferevent.TrigIgnoreWatermarks)
}

// onEvent implements role. A client that has ended its stream may still want
// the answer; but its context is cancelled, because most have gone.
func (c *h1ServerConn) onEvent(what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		c.ended()
	case bufferevent.TimedOut:
		c.fail(c.bev.Err())
	case bufferevent.OutputFailed, bufferevent.Failed:
		c.server.logLoss(c.PeerAddr(), c.bev.Err())
		c.fail(c.bev.Err())
	case bufferevent.ConnectionMade:
		c.connected()
	}
}

// connected is called when a stream has connected, and has agreed on a protocol perhaps.
func (c *h1ServerConn) connected() {
	name := c.bev.NegotiatedProtocol()
	if name == "" || name == alpnHTTP11 {
		return
	}
	switch p, err := c.server.protocol(name); {
	case err != nil:
		c.hangUp()
	case p.name != name: // the server does not mind
	case c.state != awaitingRequest: // there are too many connections
		c.hangUp()
	default:
		c.server.agreed(&c.ServerConn, p)
	}
}

// ended is called when the client has ended its stream. Requests that it has sent ahead are
// still answered, in their turn.
func (c *h1ServerConn) ended() {
	c.peerEnded = true
	switch c.state {
	case lingering:
		c.hangUp()
	case answering:
		c.x.disconnected()
		c.checkHalfClose()
	default:
		c.onReadable()
	}
}

// checkHalfClose gives up an answer that is still to come for a client that has ended its
// stream, if there is a callback for that. While some of the answer waits
// to be sent, that will show whether the client is there.
func (c *h1ServerConn) checkHalfClose() {
	x := c.x
	switch {
	case !c.peerEnded || c.freed || c.state != answering || x.sending == sendDone || x.outlasts:
	case len(x.onSent) > 0 || c.bev.Output().Len() > 0:
	case x.onError != nil || c.onClose != nil:
		c.fail(errClosed)
	}
}

// onTimer implements role.
func (c *h1ServerConn) onTimer() {
	switch {
	case c.state == readingHead || c.state == readingBody:
		c.refuse(http.StatusRequestTimeout, errTimeout)
	case c.state == awaitingRequest && c.bev.Output().Len() > 0: // that has its own timeout
		c.expect(c.server.cfg.Timeouts.Idle)
	default:
		c.hangUp()
	}
}
