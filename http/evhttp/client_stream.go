package evhttp

import (
	"io"
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// onReadable implements role.
func (c *ClientConn) onReadable() {
	for c.state == proxying && c.readProxy() {
	}
	if c.state == open {
		c.session.onReadable()
	}
}

// onDrained implements role.
func (c *ClientConn) onDrained() {
	if c.state == open {
		c.session.onDrained()
	}
}

// onEvent implements role.
func (c *ClientConn) onEvent(what bufferevent.Events) {
	outcome := what.Outcome()
	switch {
	case c.state == open && outcome != bufferevent.ConnectionMade:
		c.session.onEvent(what)
	case outcome == bufferevent.ConnectionMade:
		c.connected()
	case outcome == bufferevent.TimedOut:
		c.lost(ReqTimeout, c.bev.Err())
	case outcome == bufferevent.InputEnded:
		c.cutShort(io.ErrUnexpectedEOF)
	default:
		c.cutShort(unexpected(c.reason()))
	}
}

// onTimer implements role: the time is up for what the state is.
func (c *ClientConn) onTimer() {
	switch {
	case c.state == retrying:
		clientStates.step(&c.state, disconnected)
		c.next()
	case c.state != open:
		c.lost(ReqTimeout, errConnectTimeout)
	case c.session.count() == 0: // it was idle for too long
		c.disconnect()
		c.next()
	default:
		c.session.onTimer()
	}
}

// asServer implements role.
func (c *ClientConn) asServer() serverSession { return nil }

// betweenMessages implements role.
func (c *ClientConn) betweenMessages() bool {
	switch {
	case c.state == open:
		return c.session != nil && c.session.betweenMessages()
	case c.state == proxying:
		return c.bev.Output().Len() == 0
	}
	return false
}

// closeGracefully implements role.
func (c *ClientConn) closeGracefully(b *bufferevent.Bufferevent) {
	b.FreeWhenWritten(c.cfg.WriteTimeout)
}

// disconnect closes the stream, in order if no message is under way, and keeps the
// connection for another one. No request is on it any more. It may end with the connection
// freed.
func (c *ClientConn) disconnect() {
	was, bev := c.state, c.bev
	quiet := bev != nil && c.betweenMessages()
	c.expect(0)
	c.bev = nil
	if was != disconnected {
		clientStates.step(&c.state, disconnected)
	}
	c.failure = nil
	c.stopSession()
	if c.cfg.Flags&ConReuseConnectedAddr == 0 {
		c.peer = netip.AddrPort{}
	}
	switch {
	case quiet:
		c.closeGracefully(bev)
	case bev != nil:
		bev.Free()
	}
	if was == open && c.onClose != nil {
		c.tellClosed(c.onClose)
	}
}

// stopSession ends the session, if there is one, which has no exchange any more.
func (c *ClientConn) stopSession() {
	if c.session != nil {
		c.session.stop()
		c.session = nil
	}
}

// handOver gives the stream away, without callbacks and timeouts.
func (c *ClientConn) handOver() *bufferevent.Bufferevent {
	b := c.bev
	c.bev = nil
	clientStates.step(&c.state, disconnected)
	c.stopSession()
	c.expect(0)
	b.SetCallbacks(nil, nil, nil)
	b.Data = nil
	b.RepeatEnd()
	_ = b.SetTimeouts(0, 0) // fails only for one that was freed
	return b
}

// release implements role.
func (c *ClientConn) release() {
	all := c.takeAll()
	c.stopSession()
	if c.state != disconnected {
		clientStates.step(&c.state, disconnected)
	}
	c.later.Cancel()
	if c.unhook != nil {
		c.unhook()
	}
	for _, x := range all {
		x.abandon()
	}
	if c.pool != nil {
		c.pool.gone(c)
	}
}

// baseFreed is called when no loop will end the requests any more.
func (c *ClientConn) baseFreed() {
	if c.freed {
		return
	}
	all := c.takeAll()
	c.close()
	failRest(all, event.ErrFreed)
}

// panicFunc implements role.
func (c *ClientConn) panicFunc() PanicFunc { return c.cfg.OnPanic }

// panicked implements role. What called the callback goes on, unless the panic
// passes.
func (c *ClientConn) panicked(r *Request, passes bool) {
	if c.session != nil && c.session.panicked(r, passes) {
		return
	}
	if passes {
		c.next()
	}
}
