package evhttp

import (
	"io"
	"math"
	"net/http"
	"time"

	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// onReadable implements role: it goes on with whatever the state is, as far as
// the input reaches.
func (c *h1ServerConn) onReadable() {
	if c.busy {
		return
	}
	c.busy = true
	returned := false
	defer c.guardReading(&returned)
	for more := true; more && !c.freed; {
		switch c.state {
		case awaitingRequest, readingHead:
			more = c.readHead()
		case readingBody:
			more = c.readBody()
		case answering:
			more = c.readAhead()
		default:
			more = c.drop()
		}
	}
	returned = true
	c.busy = false
	c.checkHalfClose()
}

// readHead takes what has come of a head. When too much waits to be sent, drained
// goes on.
func (c *h1ServerConn) readHead() (more bool) {
	in := c.bev.Input()
	switch {
	case in.Len() == 0:
		if c.peerEnded {
			c.noHead()
		}
		return false
	case c.bev.Output().Len() > maxUnsent:
		c.pauseReading()
		return false
	case c.x == nil:
		c.x = c.shared.takeExchange()
		c.x.begin(c)
	}
	head := &c.x.head
	done, err := readHead(in, head, c.limits)
	switch {
	case err != nil:
		c.refuse(wire.StatusOf(err), err)
	case done:
		c.headComplete(c.x)
	default:
		c.awaitHead(head.Started())
		return c.peerEnded
	}
	return true
}

// noHead is called when there will be no other request.
func (c *h1ServerConn) noHead() {
	if c.x != nil && c.x.head.Started() {
		c.fail(io.ErrUnexpectedEOF)
		return
	}
	c.dropRequest()
	c.end()
}

// dropRequest gives back a request of which nothing has come.
func (c *h1ServerConn) dropRequest() {
	if x := c.x; x != nil {
		c.x, x.ex = nil, nil
		c.shared.putExchange(x)
	}
}

// awaitHead waits for the rest of a head, all of which must come in time.
func (c *h1ServerConn) awaitHead(started bool) {
	if c.state == readingHead || !started {
		return
	}
	serverStates.step(&c.state, readingHead)
	if c.count == 0 { // the time since the connection was made counts
		return
	}
	c.began = c.now()
	c.expect(c.server.cfg.Timeouts.Header)
}

// headComplete is called when the head has come: it selects the handler,
// and whether the body is wanted.
func (c *h1ServerConn) headComplete(x *h1ServerExchange) {
	c.count++
	serverStates.step(&c.state, readingBody)
	x.incoming = x.asked
	x.method = c.server.methodOf(x.head.Method())
	x.body.begin(&x.head.Head)
	if !x.head.KeepAlive || c.server.closesAfter(c.count) {
		c.last = true
	}
	if x.head.HostMissing && !c.server.takesNoHost(&x.Request) {
		c.refuse(wire.StatusOf(wire.ErrHost), wire.ErrHost)
		return
	}
	if fn := c.server.cfg.OnRequest; fn != nil && !c.ask(x, fn) {
		return
	}
	if x.onHeader != nil && !c.ask(x, x.onHeader) {
		return
	}
	code := c.server.find(&x.Request)
	if x.sending == sendNothing { // otherwise a callback answers
		if err := x.body.bound(c.bodyLimit(&x.Request)); err != nil {
			c.refuse(wire.StatusOf(err), err)
			return
		}
	}
	switch {
	case x.sending != sendNothing:
	case code != 0:
		c.turnAway(x, code)
	case x.handler.stream:
		x.stream = true
		c.call(x, x.handler.fn)
	}
	if c.reading(x) && !x.body.complete() {
		c.awaitBody(x)
	}
}

// ask calls a function that may have the connection closed, and reports whether
// the request is still to be read.
func (c *h1ServerConn) ask(x *h1ServerExchange, fn func(r *Request) bool) (goOn bool) {
	c.calling = x
	ok := c.consult(&x.Request, fn)
	c.called(x)
	if !ok && c.reading(x) {
		c.hangUp()
	}
	return c.reading(x)
}

// reading reports whether x is still what the connection reads.
func (c *h1ServerConn) reading(x *h1ServerExchange) bool {
	return !c.freed && c.x == x && c.state == readingBody
}

// call calls a function of the user's, under the guard of readable. If it has not
// answered, that may follow later, and x is not used again.
func (c *h1ServerConn) call(x *h1ServerExchange, fn Handler) {
	c.calling = x
	fn(&x.Request)
	if x.sending != sendDone {
		x.kept = true
	}
	c.called(x)
}

// called ends what began with calling.
func (c *h1ServerConn) called(x *h1ServerExchange) {
	c.calling = nil
	if x.finished {
		c.shared.putExchange(x)
	}
}

// turnAway answers a request that is well formed with an error.
func (c *h1ServerConn) turnAway(x *h1ServerExchange, code int) {
	c.calling = x
	c.run(&x.Request, func() {
		if err := x.SendError(code, ""); err != nil {
			c.fail(err)
		}
	})
	c.called(x)
}

// refuse answers a request that cannot be served, and closes the connection:
// what follows cannot be told apart from it.
func (c *h1ServerConn) refuse(code int, cause error) {
	x := c.x
	c.last, c.inputUnread = true, true
	x.received = true
	x.cause = cause
	switch {
	case x.sending == sendDone:
		serverStates.step(&c.state, answering)
		c.answered(x)
	case x.sending == sendBody || code == 0:
		c.fail(cause)
	default:
		if x.method == 0 {
			x.method = c.server.methodOf(x.head.Method())
		}
		serverStates.step(&c.state, answering)
		c.turnAway(x, code)
	}
}

// awaitBody waits for the body, and asks for it if the client waits, too. While
// it is not known whether the body is wanted, the client's time does not count.
func (c *h1ServerConn) awaitBody(x *h1ServerExchange) {
	c.began = c.now()
	if x.held && x.head.Expect == message.ExpectContinue && !x.continued {
		c.expectNothing()
		return
	}
	c.askForBody(x)
	c.expect(c.server.cfg.Timeouts.Body)
}

// askForBody tells a client that waits before it sends the body not to.
func (c *h1ServerConn) askForBody(x *h1ServerExchange) {
	if x.head.Expect == message.ExpectContinue && !x.continued && x.sending == sendNothing && c.bev.Input().Len() == 0 {
		_, _ = c.bev.WriteString("HTTP/1.1 100 Continue\r\n\r\n") // an error comes as an event
		x.continued = true
	}
}

// readBody takes what has come of the body.
func (c *h1ServerConn) readBody() (more bool) {
	x, in := c.x, c.bev.Input()
	dst, most := x.Input(), math.MaxInt
	if x.sending == sendDone {
		dst = nil // it is dropped
	} else if most = x.room(); most <= 0 {
		c.pause(x)
		return false
	}
	n, err := x.body.read(in, dst, most, c.limits)
	switch {
	case err != nil:
		c.refuse(wire.StatusOf(err), err)
	case x.body.complete():
		c.bodyComplete(x)
	case n > 0:
		c.expect(c.bodyTime(x))
		c.callChunk(x)
	case c.peerEnded && x.sending == sendDone: // the client still gets its answer
		c.refuse(http.StatusBadRequest, io.ErrUnexpectedEOF)
	case c.peerEnded:
		c.fail(io.ErrUnexpectedEOF)
	default:
		return false
	}
	return true
}

// pause stops reading until resume. Time does not count meanwhile.
func (c *h1ServerConn) pause(x *h1ServerExchange) {
	x.pause()
	c.pauseReading()
	c.expectNothing()
}

// bodyTime returns how long to wait for more of the body: for a while at most,
// and less when all that has come did so at less than the rate that is demanded.
func (c *h1ServerConn) bodyTime(x *h1ServerExchange) time.Duration {
	t := &c.server.cfg.Timeouts
	if t.Body <= 0 || t.MinBodyRate <= 0 {
		return t.Body
	}
	earned := time.Duration(float64(x.body.total) / float64(t.MinBodyRate) * float64(time.Second))
	return min(max(t.Body+earned-time.Duration(c.now()-c.began), 1), t.Body)
}

func (c *h1ServerConn) callChunk(x *h1ServerExchange) {
	if x.onChunk != nil && x.sending != sendDone {
		c.call(x, x.onChunk)
	}
}

// bodyComplete is called when all of the request has come.
func (c *h1ServerConn) bodyComplete(x *h1ServerExchange) {
	x.received = true
	if x.body.framing == wire.Chunked {
		x.inTrailer = &x.body.chunks.Trailer
	}
	serverStates.step(&c.state, answering)
	if x.sending == sendDone {
		c.answered(x)
		return
	}
	c.expectNothing()
	c.callChunk(x)
	if c.x == x && !c.freed && !x.handler.stream && x.sending == sendNothing {
		c.call(x, x.handler.fn)
	}
}

// readAhead lets some wait that comes while a request is answered.
func (c *h1ServerConn) readAhead() (more bool) {
	if c.bev.Input().Len() > maxAhead {
		c.pauseReading()
	}
	return false
}

// drop drops what comes after the last request. A client that is still sending
// may not have begun to read, so the connection lingers on.
func (c *h1ServerConn) drop() (more bool) {
	in := c.bev.Input()
	if in.Len() == 0 {
		return false
	}
	c.inputUnread = true
	if c.state == lingering {
		left := maxLinger - time.Duration(c.now()-c.began)
		c.expect(max(min(lingerTimeout, left), 1))
	}
	in.Drain(in.Len())
	return false
}
