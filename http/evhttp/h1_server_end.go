package evhttp

import (
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// answered is called when a request has come and was answered, or will not come.
func (c *served) answered(r *Request) {
	if r.onComplete == nil {
		c.finish(r)
		return
	}
	r.kept = true
	c.whenSent(r, func() {
		c.complete(r)
		if c.req == r && !c.freed {
			c.finish(r)
		}
	})
}

// complete calls the callback for an answer that was sent.
func (c *served) complete(r *Request) {
	if fn := r.onComplete; fn != nil {
		r.onComplete, r.toldSent = nil, true
		c.invoke(r, fn)
	}
}

// tellSent has the callback called that was set when the request was over.
func (c *served) tellSent(r *Request) {
	if c.freed || r.sending != sendDone || r.cause != nil || r.toldSent {
		return
	}
	r.kept = true
	c.untold = true
	if c.server.untold == nil {
		c.server.untold = make(map[*served][]*Request)
	}
	c.server.untold[c] = append(c.server.untold[c], r)
	if c.bev.Output().Len() == 0 {
		c.bev.Trigger(event.Write, bufferevent.TrigDeferCallbacks)
	}
}

// allSent tells those who have asked when their requests were over.
func (c *served) allSent() {
	sent := c.server.untold[c]
	c.forgetUntold()
	for _, r := range sent {
		if c.freed {
			return
		}
		r.ex = c // for Conn, as in a callback that was set before
		c.complete(r)
		r.ex = nil
	}
}

func (c *served) forgetUntold() {
	c.untold = false
	delete(c.server.untold, c)
}

// finish ends a request, and goes on with the next one.
func (c *served) finish(r *Request) {
	c.req, c.sentFunc = nil, nil
	c.state = awaiting
	c.server.log(r)
	r.over(r.cause)
	if c.calling {
		c.finished = r
	} else {
		c.server.putRequest(r)
	}
	switch {
	case c.freed:
	case c.last || c.server.draining:
		c.end()
	default:
		c.expect(c.server.idleTimeout)
		if c.goOn() && !c.busy && c.bev.Input().Len() > 0 {
			c.readable()
		}
	}
}

// end closes the connection when all was sent. Until then what comes is dropped:
// a client that has to send all it has before it reads could not end otherwise.
func (c *served) end() {
	c.state, c.last = closing, true
	c.expectNothing()
	if c.bev.Output().Len() == 0 {
		c.linger()
		return
	}
	if c.goOn() && !c.busy {
		c.drop()
	}
}

// linger closes the connection, or first only our half of it, if closing it all
// at once could keep the client from reading the last answer (RFC 9112, section
// 9.6).
func (c *served) linger() {
	unclean := c.unclean || c.server.flags&ServerLingeringClose != 0 || c.bev.Input().Len() > 0
	if !unclean || c.peerEnded || c.endWriting() != nil {
		c.hangUp()
		return
	}
	c.state = lingering
	c.began = c.now()
	c.expect(lingerTimeout)
	if c.goOn() {
		c.drop()
	}
}

// endWriting ends the stream that is sent. After an answer that is not complete
// only the lowest stream ends, without what TLS says of an end in order.
func (c *served) endWriting() error {
	b := c.bev
	for below := b.Underlying(); c.cut && below != nil; below = b.Underlying() {
		b = below
	}
	return b.CloseWrite()
}

// hangUp ends the connection, in order unless an answer was cut off.
func (c *served) hangUp() { c.shut(!c.cut) }

// quiet implements side.
func (c *served) quiet() bool {
	switch c.state {
	case awaiting:
		return true
	case closing, lingering:
		return !c.cut && c.bev.Output().Len() == 0
	}
	return false
}

// farewell implements side.
func (c *served) farewell(b *bufferevent.Bufferevent) { c.server.farewell(b) }

// drained implements side.
func (c *served) drained() {
	if c.untold && c.bev.Output().Len() == 0 {
		c.allSent()
	}
	if fn := c.sentFunc; fn != nil {
		c.sentFunc = nil
		c.run(c.req, fn)
	}
	switch {
	case c.freed || c.bev.Output().Len() > 0:
	case c.state == closing:
		c.linger()
	case c.state <= inHead:
		if c.goOn() {
			c.readable()
		}
	default:
		c.unheard()
	}
}

// cutOff ends an answer that will not be complete: what there is of it is sent,
// and then the connection is closed, which tells the client. Where the end of the
// connection is that of the answer, nothing could tell, so it ends at once.
func (c *served) cutOff(r *Request, cause error) {
	r.cause = cause
	if !r.chunked && r.expected < 0 {
		c.close()
		return
	}
	c.last, c.unclean, c.cut = true, true, true
	r.sending, r.received = sendDone, true
	c.finish(r)
}

// fail closes the connection because of an error, which a request on it is told.
func (c *served) fail(err error) {
	if r := c.req; r != nil && r.cause == nil {
		r.cause = err
	}
	c.close()
}

// release implements side.
func (c *served) release() {
	c.server.remove(c)
	r := c.req
	if r == nil {
		return
	}
	c.req, c.sentFunc = nil, nil
	if r.cause == nil {
		r.cause = errClosed
	}
	if r.code != 0 {
		c.server.log(r)
	}
	r.kept = true
	r.over(r.cause)
	r.giveBack()
}
