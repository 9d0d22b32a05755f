package evhttp

import (
	"errors"
	"math"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// onReadable implements clientSession.
func (h *h1ClientConn) onReadable() {
	if h.busy {
		return
	}
	h.busy = true
	for h.state != stopped && h.readSome() {
	}
	h.busy = false
	if h.ended != nil && h.state != stopped {
		h.end()
	}
}

// readSome takes some of what has come. It returns whether there may be more to
// take.
func (h *h1ClientConn) readSome() bool {
	switch h.state {
	case awaitingHead:
		return h.readHead()
	case receivingBody:
		return h.readBody()
	case idle:
		if h.c.bev.Input().Len() > 0 { // no request was sent
			h.fail(ReqInvalidHeader, nil)
		}
	}
	return false
}

func (h *h1ClientConn) readHead() (more bool) {
	x, in := h.x, h.c.bev.Input()
	if in.Len() == 0 {
		return false
	}
	h.answering = true
	if h.body == bodyReady { // the server does not wait for the body
		if h.sendBody(x); h.x != x {
			return false
		}
	}
	done, err := readHead(in, &x.head, h.c.limits)
	switch {
	case err != nil:
		h.fail(ReqInvalidHeader, err)
		return false
	case !done:
		return false
	case x.head.Informational():
		return h.inform(x)
	}
	return h.headComplete(x)
}

// inform deals with an informational response.
func (h *h1ClientConn) inform(x *clientExchange) (more bool) {
	if h.informed++; h.informed > maxInformational {
		h.fail(ReqInvalidHeader, ErrInformational)
		return false
	}
	if fn := x.onInformational; fn != nil {
		h.c.run(&x.Request, func() { fn(&x.Request, x.head.Status, (*Header)(&x.head.Header)) })
		if h.x != x {
			return false
		}
	}
	code := x.head.Status
	x.head.Again()
	if code == 100 && h.body == bodyAsked {
		h.sendBody(x)
		return h.x == x
	}
	if h.timed {
		h.c.expect(h.c.cfg.ReadTimeout)
	}
	return true
}

func (h *h1ClientConn) headComplete(x *clientExchange) (more bool) {
	h1ClientStates.step(&h.state, receivingBody)
	if h.body == bodyAsked {
		bodyStates.step(&h.body, bodyFree)
	}
	x.incoming, x.code = &x.head.Head.Head, x.head.Status
	if phrase := message.ReasonPhrase(x.head.Status); string(x.head.Reason()) == phrase {
		x.reason = phrase
	} else {
		x.reason = string(x.head.Reason())
	}
	h.last = h.last || !x.head.KeepAlive
	h.timed = true
	h.c.expect(h.c.cfg.ReadTimeout)
	if x.head.Status == 101 && !x.header.fields().Contains(message.Upgrade) {
		h.fail(ReqInvalidHeader, ErrUpgrade)
		return false
	}
	if x.sending == sendDone {
		x.output.Drain(x.output.Len()) // it will not be sent again
	}
	if x.onHeader != nil && !h.c.consult(&x.Request, x.onHeader) {
		if h.x == x {
			h.fail(ReqCancel, errRefused)
		}
		return false
	}
	return h.x == x && h.beginBody(x)
}

// beginBody gets ready for the body.
func (h *h1ClientConn) beginBody(x *clientExchange) bool {
	x.body.begin(&x.head.Head)
	err := x.body.bound(h.c.bodyLimit(x))
	return err == nil || h.overflow(x, err)
}

// overflow is called when a body is too large. It returns whether that is read
// all the same, and dropped, which has its limit, too.
func (h *h1ClientConn) overflow(x *clientExchange, err error) bool {
	if h.c.cfg.Flags&ConLingeringClose == 0 || h.tooLarge != nil || x.body.left > DefaultMaxResponse {
		h.fail(ReqDataTooLong, err)
		return false
	}
	h.tooLarge = err
	x.body.limit = x.body.total + DefaultMaxResponse
	x.input.Drain(x.input.Len())
	return true
}

func (h *h1ClientConn) readBody() (more bool) {
	x := h.x
	most, dst := math.MaxInt32, x.Input()
	if h.tooLarge != nil {
		dst = nil
	} else if most = x.room(); most <= 0 {
		h.pause(x)
		return false
	}
	n, err := x.body.read(h.c.bev.Input(), dst, most, h.c.limits)
	switch {
	case errors.Is(err, wire.ErrBodyTooLarge):
		return h.overflow(x, err)
	case err != nil:
		h.fail(ReqInvalidHeader, err)
	case x.body.complete():
		h.complete(x)
	case n > 0:
		h.c.expect(h.c.cfg.ReadTimeout)
		if x.onChunk != nil && h.tooLarge == nil {
			h.c.invoke(&x.Request, x.onChunk)
		}
		return true
	}
	return h.state == awaitingHead // another one, whose answer was there before
}

// pause stops reading until the user has taken some of the body.
func (h *h1ClientConn) pause(x *clientExchange) {
	x.pause()
	h.c.bev.Disable(event.Read)
	h.c.expectNothing()
}

// resume implements clientStream.
func (h *h1ClientConn) resume() {
	h.c.expect(h.c.cfg.ReadTimeout)
	if h.ended == nil {
		if err := h.c.bev.Enable(event.Read); err != nil {
			h.c.failLater(err)
			return
		}
	}
	h.c.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
}

// complete is called when all of the answer has come.
func (h *h1ClientConn) complete(x *clientExchange) {
	if h.tooLarge != nil {
		h.fail(ReqDataTooLong, h.tooLarge)
		return
	}
	x.received = true
	if x.body.framing == wire.Chunked {
		x.inTrailer = &x.body.chunks.Trailer
	}
	if x.stream {
		h.c.invoke(&x.Request, x.onChunk)
		if h.x != x {
			return
		}
	}
	if x.sending == sendBody && x.expected >= 0 && x.sent == x.expected {
		messageStates.step(&x.sending, sendDone) // SendReplyEnd was not called yet, but this is all that was announced
		if !h.reach(x, SentBody) {
			return
		}
	}
	c := h.c
	c.expectNothing()
	c.reused, x.onSent = true, nil
	if x.body.framing == wire.Tunnel {
		h.offer(x)
		return
	}
	sent := x.sending == sendDone && c.bev.Output().Len() == 0
	h.drop()
	if sent {
		h1ClientStates.step(&h.state, idle)
	}
	// What no request was sent for must not answer the next one.
	if !sent || h.last || h.ended != nil || c.bev.Input().Len() > 0 {
		c.disconnect()
	}
	c.over(x, nil)
}

// offer lets the user take the stream, which is not HTTP any more.
func (h *h1ClientConn) offer(x *clientExchange) {
	h1ClientStates.step(&h.state, upgraded)
	x.cause = nil
	if x.onDone != nil {
		h.c.invoke(&x.Request, x.onDone)
	}
	if h.state == upgraded {
		h.endOffer()
		return
	}
	h.c.next() // what waits does so for another stream
}

// endOffer closes a stream that the user has not taken.
func (h *h1ClientConn) endOffer() {
	c, x := h.c, h.drop()
	x.conclude(nil)
	if h.state == upgraded { // or the error callback has freed the connection
		c.disconnect()
	}
	c.next()
}

// detach implements clientStream.
func (h *h1ClientConn) detach() (*bufferevent.Bufferevent, error) {
	if h.state != upgraded {
		return nil, ErrOrder
	}
	c, x := h.c, h.drop()
	b := c.handOver()
	x.conclude(nil)
	return b, nil
}
