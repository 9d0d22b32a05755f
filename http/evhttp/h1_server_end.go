package evhttp

import (
	"errors"
	"net/http"
	"slices"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// answered is called when a request has come and was answered, or will not come.
func (c *h1ServerConn) answered(x *h1ServerExchange) {
	if x.onComplete == nil {
		c.finish(x)
		return
	}
	x.kept = true
	x.whenSent(func() {
		c.complete(x)
		if c.x == x && !c.freed {
			c.finish(x)
		}
	})
}

// complete calls the callback for an answer that was sent.
func (c *h1ServerConn) complete(x *h1ServerExchange) {
	if fn := x.onComplete; fn != nil {
		x.onComplete, x.reportedSent = nil, true
		c.invoke(&x.Request, fn)
	}
}

// tellComplete implements exchange.
func (x *h1ServerExchange) tellComplete() {
	c := x.c
	if c.freed || x.sending != sendDone || x.cause != nil || x.reportedSent {
		return
	}
	x.kept = true
	c.unreported = true
	if c.shared.unreported == nil {
		c.shared.unreported = make(map[*h1ServerConn][]*h1ServerExchange)
	}
	c.shared.unreported[c] = append(c.shared.unreported[c], x)
	if c.bev.Output().Len() == 0 {
		c.bev.Trigger(event.Write, bufferevent.TrigDeferCallbacks)
	}
}

// allSent calls the complete callbacks that were set when their requests were over.
func (c *h1ServerConn) allSent() {
	sent := c.shared.unreported[c]
	c.forgetUnreported()
	for _, x := range sent {
		if c.freed {
			return
		}
		x.ex = x // for Conn, as in a callback that was set before
		c.complete(x)
		x.ex = nil
	}
}

func (c *h1ServerConn) forgetUnreported() {
	if c.unreported {
		c.unreported = false
		delete(c.shared.unreported, c)
	}
}

// finish ends a request, and goes on with the next one.
func (c *h1ServerConn) finish(x *h1ServerExchange) {
	c.x = nil
	serverStates.step(&c.state, awaitingRequest)
	c.server.log(&x.Request)
	x.over(x.cause)
	if c.calling == x {
		x.finished = true
	} else {
		c.shared.putExchange(x)
	}
	switch {
	case c.freed:
	case c.last || c.server.draining || c.exhausted():
		c.end()
	default:
		c.expect(c.server.cfg.Timeouts.Idle)
		if c.resumeReading() && !c.busy && c.bev.Input().Len() > 0 {
			c.onReadable()
		}
	}
}

// overload implements serverSession.
func (c *h1ServerConn) overload() {
	c.x = c.shared.takeExchange()
	c.x.begin(c)
	c.refuse(http.StatusServiceUnavailable, nil)
}

// drain implements serverSession.
func (c *h1ServerConn) drain() {
	if c.state == awaitingRequest {
		c.end()
	}
}

// end closes the connection when all was sent. Until then what comes is dropped:
// a client that has to send all it has before it reads could not end otherwise.
func (c *h1ServerConn) end() {
	serverStates.step(&c.state, closing)
	c.last = true
	c.expectNothing()
	if c.bev.Output().Len() == 0 {
		c.linger()
		return
	}
	if c.resumeReading() && !c.busy {
		c.drop()
	}
}

// linger closes the connection, or first only our half of it, if closing it all
// at once could keep the client from reading the last answer (RFC 9112, section
// 9.6).
func (c *h1ServerConn) linger() {
	unread := c.inputUnread || c.server.cfg.Flags&ServerLingeringClose != 0 || c.bev.Input().Len() > 0
	if !unread || c.peerEnded || c.endWriting() != nil {
		c.hangUp()
		return
	}
	serverStates.step(&c.state, lingering)
	c.began = c.now()
	c.expect(lingerTimeout)
	if c.resumeReading() {
		c.drop()
	}
}

// endWriting ends the stream that is sent. After an answer that is not complete
// only the lowest stream ends, without what TLS says of an end in order.
func (c *h1ServerConn) endWriting() error {
	b := c.bev
	for below := b.Underlying(); c.truncated && below != nil; below = b.Underlying() {
		b = below
	}
	return b.CloseWrite()
}

// hangUp ends the connection, in order unless an answer was cut off.
func (c *h1ServerConn) hangUp() { c.shut(!c.truncated) }

// betweenMessages implements role.
func (c *h1ServerConn) betweenMessages() bool {
	switch c.state {
	case awaitingRequest:
		return true
	case closing, lingering:
		return !c.truncated && c.bev.Output().Len() == 0
	}
	return false
}

// closeGracefully implements role.
func (c *h1ServerConn) closeGracefully(b *bufferevent.Bufferevent) { c.server.closeGracefully(b) }

// onDrained implements role.
func (c *h1ServerConn) onDrained() {
	if c.unreported && c.bev.Output().Len() == 0 {
		c.allSent()
	}
	if x := c.x; x != nil && len(x.onSent) > 0 && c.bev.Output().Len() == 0 {
		c.sent(x)
	}
	switch {
	case c.freed || c.bev.Output().Len() > 0:
	case c.state == closing:
		c.linger()
	case c.state.beforeHead():
		if c.resumeReading() {
			c.onReadable()
		}
	default:
		c.checkHalfClose()
	}
}

// sent calls the functions that wait for all to have left.
func (c *h1ServerConn) sent(x *h1ServerExchange) {
	c.calling = x // it is not used again meanwhile
	n := len(x.onSent)
	for i := 0; i < n && c.x == x; i++ {
		c.run(&x.Request, x.onSent[i])
	}
	x.onSent = slices.Delete(x.onSent, 0, n)
	c.called(x)
}

// whenSent implements exchange.
func (x *h1ServerExchange) whenSent(fn func()) {
	x.onSent = append(x.onSent, fn)
	if b := x.c.bev; b.Output().Len() == 0 {
		b.Trigger(event.Write, bufferevent.TrigDeferCallbacks)
	}
}

// abort implements exchange. An answer that will not be complete is sent as far as there
// is something of it, and then the connection is closed, which tells the client. Where
// the end of the connection is that of the answer, nothing could tell, so it ends at
// once.
func (x *h1ServerExchange) abort(cause error) {
	c := x.c
	if cause == nil {
		if c.x == x {
			c.close()
		}
		return
	}
	x.cause = cause
	if !x.chunked && x.expected == message.Unknown {
		c.close()
		return
	}
	c.last, c.inputUnread, c.truncated = true, true, true
	messageStates.step(&x.sending, sendDone)
	x.received = true
	c.finish(x)
}

// fail implements serverSession.
func (c *h1ServerConn) fail(err error) {
	if x := c.x; x != nil && x.cause == nil {
		x.cause = err
	}
	c.close()
}

// release implements role.
func (c *h1ServerConn) release() {
	c.forgetUnreported()
	c.server.remove(&c.ServerConn)
	x := c.x
	if x == nil {
		return
	}
	c.x = nil
	if x.cause == nil {
		x.cause = errClosed
	}
	if x.code != 0 {
		c.server.log(&x.Request)
	}
	x.kept = true
	x.over(x.cause)
	x.giveBack()
}

// detach implements exchange.
func (x *h1ServerExchange) detach() (*bufferevent.Bufferevent, error) {
	c := x.c
	if x.sending == sendDone || c.state != answering && !x.body.complete() {
		return nil, ErrOrder
	}
	b := c.bev
	if err := errors.Join(b.SetTimeouts(0, 0), b.Enable(event.Read)); err != nil {
		c.fail(err)
		return nil, err
	}
	b.SetCallbacks(nil, nil, nil)
	b.Data = nil
	if c.peerEnded {
		b.RepeatEnd()
	}
	c.forgetUnreported()
	c.leave()
	c.x = nil
	c.server.log(&x.Request)
	x.kept = true
	x.over(nil)
	return b, nil
}
