package evhttp

import (
	"errors"
	"math"
	"slices"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// onReadable implements role.
func (c *ClientConn) onReadable() {
	if c.busy {
		return
	}
	c.busy = true
	for c.bev != nil && c.readSome() {
	}
	c.busy = false
	if c.ended != nil && c.bev != nil {
		c.end()
	}
}

// readSome takes some of what has come. It returns whether there may be more to
// take.
func (c *ClientConn) readSome() bool {
	switch c.state {
	case awaitingHead:
		return c.readHead()
	case receivingBody:
		return c.readBody()
	case proxying:
		return c.readProxy()
	case idle:
		if c.bev.Input().Len() > 0 { // no request was sent
			c.disconnect()
			c.next()
		}
	}
	return false
}

func (c *ClientConn) readHead() (more bool) {
	x, in := c.queue[0], c.bev.Input()
	if in.Len() == 0 {
		return false
	}
	c.answering = true
	if c.body == bodyReady { // the server does not wait for the body
		if c.sendBody(x); !c.current(x) {
			return false
		}
	}
	done, err := readHead(in, &x.head, c.limits)
	switch {
	case err != nil:
		c.fail(ReqInvalidHeader, err)
		return false
	case !done:
		return false
	case x.head.Informational():
		return c.inform(x)
	}
	return c.headComplete(x)
}

// inform deals with an informational response.
func (c *ClientConn) inform(x *clientExchange) (more bool) {
	if c.informed++; c.informed > maxInformational {
		c.fail(ReqInvalidHeader, ErrInformational)
		return false
	}
	if fn := x.onInformational; fn != nil {
		c.run(&x.Request, func() { fn(&x.Request, x.head.Status, (*Header)(&x.head.Header)) })
		if !c.current(x) {
			return false
		}
	}
	code := x.head.Status
	x.head.Again()
	if code == 100 && c.body == bodyAsked {
		c.sendBody(x)
		return c.current(x)
	}
	if c.timed {
		c.expect(c.cfg.ReadTimeout)
	}
	return true
}

func (c *ClientConn) headComplete(x *clientExchange) (more bool) {
	h := &x.head
	clientStates.step(&c.state, receivingBody)
	if c.body == bodyAsked {
		c.body = bodyFree
	}
	x.incoming, x.code = &h.Head.Head, h.Status
	if phrase := message.ReasonPhrase(h.Status); string(h.Reason()) == phrase {
		x.reason = phrase
	} else {
		x.reason = string(h.Reason())
	}
	c.last = c.last || !h.KeepAlive
	c.timed = true
	c.expect(c.cfg.ReadTimeout)
	if h.Status == 101 && !x.header.fields().Contains(message.Upgrade) {
		c.fail(ReqInvalidHeader, ErrUpgrade)
		return false
	}
	if x.sending == sendDone {
		x.output.Drain(x.output.Len()) // it will not be sent again
	}
	if x.onHeader != nil && !c.consult(&x.Request, x.onHeader) {
		if c.current(x) {
			c.fail(ReqCancel, errRefused)
		}
		return false
	}
	return c.current(x) && c.beginBody(x)
}

// beginBody gets ready for the body.
func (c *ClientConn) beginBody(x *clientExchange) bool {
	limit := c.maxBody
	if limit < 0 && !x.stream {
		limit = DefaultMaxResponse
	} else if limit <= 0 {
		limit = math.MaxInt64
	}
	x.body.begin(&x.head.Head)
	err := x.body.bound(limit)
	return err == nil || c.overflow(x, err)
}

// overflow is called when a body is too large. It returns whether that is read
// all the same, and dropped, which has its limit, too.
func (c *ClientConn) overflow(x *clientExchange, err error) bool {
	if c.cfg.Flags&ConLingeringClose == 0 || c.tooLarge != nil || x.body.left > DefaultMaxResponse {
		c.fail(ReqDataTooLong, err)
		return false
	}
	c.tooLarge = err
	x.body.limit = x.body.total + DefaultMaxResponse
	x.input.Drain(x.input.Len())
	return true
}

// current reports whether x is still the request that is under way.
func (c *ClientConn) current(x *clientExchange) bool {
	return c.bev != nil && len(c.queue) > 0 && c.queue[0] == x
}

// first returns the request that is being sent or answered, or nil.
func (c *ClientConn) first() *clientExchange {
	if len(c.queue) == 0 {
		return nil
	}
	return c.queue[0]
}

func (c *ClientConn) readBody() (more bool) {
	x := c.queue[0]
	most, dst := math.MaxInt32, x.Input()
	if c.tooLarge != nil {
		dst = nil
	} else if most = x.room(); most <= 0 {
		c.pause(x)
		return false
	}
	n, err := x.body.read(c.bev.Input(), dst, most, c.limits)
	switch {
	case errors.Is(err, wire.ErrBodyTooLarge):
		return c.overflow(x, err)
	case err != nil:
		c.fail(ReqInvalidHeader, err)
	case x.body.complete():
		c.complete(x)
	case n > 0:
		c.expect(c.cfg.ReadTimeout)
		if x.onChunk != nil && c.tooLarge == nil {
			c.invoke(&x.Request, x.onChunk)
		}
		return true
	}
	return c.state == awaitingHead // another one, whose answer was there before
}

// pause rests until the user has taken some of the body.
func (c *ClientConn) pause(x *clientExchange) {
	x.pause()
	c.bev.Disable(event.Read)
	c.expectNothing()
}

// resume goes on with reading after a pause.
func (c *ClientConn) resume(x *clientExchange) {
	c.expect(c.cfg.ReadTimeout)
	if c.ended == nil {
		if err := c.bev.Enable(event.Read); err != nil {
			c.failLater(err)
			return
		}
	}
	c.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
}

// complete is called when all of the answer has come.
func (c *ClientConn) complete(x *clientExchange) {
	if c.tooLarge != nil {
		c.fail(ReqDataTooLong, c.tooLarge)
		return
	}
	x.received = true
	if x.body.framing == wire.Chunked {
		x.inTrailer = &x.body.chunks.Trailer
	}
	if x.stream {
		c.invoke(&x.Request, x.onChunk)
		if !c.current(x) {
			return
		}
	}
	if x.sending == sendBody && x.expected >= 0 && x.sent == x.expected {
		messageStates.step(&x.sending, sendDone) // SendReplyEnd was not called yet, but this is all that was announced
		c.reach(x, SentBody)
	}
	c.queue = slices.Delete(c.queue, 0, 1)
	c.expectNothing()
	c.reused, x.onSent = true, nil
	if x.body.framing == wire.Tunnel {
		c.offer(x)
		return
	}
	sent := x.sending == sendDone && c.bev.Output().Len() == 0
	if sent {
		clientStates.step(&c.state, idle)
	}
	// What no request was sent for must not answer the next one.
	if !sent || c.last || c.ended != nil || c.bev.Input().Len() > 0 {
		c.disconnect()
	}
	c.over(x, nil)
}

// offer lets the user take the stream, which is not HTTP any more.
func (c *ClientConn) offer(x *clientExchange) {
	clientStates.step(&c.state, upgraded)
	x.cause = nil
	if x.onDone != nil {
		c.invoke(&x.Request, x.onDone)
	}
	if x.ex != nil {
		x.conclude(nil)
	}
	if c.state == upgraded && !c.freed {
		c.disconnect()
	}
	c.next()
}
