package evhttp

import (
	"errors"
	"io"
	"math"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// served is the server's side of a connection. It is the exchange of one request
// at a time: what a client sends ahead waits in the input until the answer
// before is complete, so that answers come in order without any queue.
type served struct {
	Conn
	server *Server
	place  int      // in the server's list
	req    *Request // or nil between requests
	state  servedState

	busy      bool     // readable is at work, and will see what has changed
	calling   bool     // a callback of the user's for req is at work
	finished  *Request // which ended within its callback
	last      bool     // there will be no other request
	unclean   bool     // the client may be sending what nobody reads
	peerEnded bool     // nothing comes any more
	count     int      // of requests
	sentFunc  func()
	began     time.Time // when the head, or the body, began to come
}

type servedState uint8

const (
	awaiting  servedState = iota // nothing of a request has come
	inHead                       // some of it has
	inBody                       // the head is complete
	answering                    // all is complete but the answer
	closing                      // the last answer is on its way out
	lingering                    // it has gone; what still comes is dropped
)

// Limits of a connection that are not the user's business.
const (
	// maxAhead is how much may come ahead while a request is answered.
	maxAhead = 64 << 10
	// maxUnsent is how much of answers may wait to be sent before the next
	// request has to.
	maxUnsent = 256 << 10
	// maxUntaken is how much of a body a callback may leave where it is before
	// no more is read.
	maxUntaken = 256 << 10
	// maxUnwanted is how much of a body is read only to keep the connection.
	maxUnwanted = 64 << 10
	// lingerTimeout is how long a connection is kept after its last answer, so
	// that the client is not kept from reading that by a reset.
	lingerTimeout = 2 * time.Second
)

func newServed(s *Server) (*served, error) {
	c := &served{server: s}
	c.limits, c.maxBody = &s.limits, s.maxBody
	return c, c.init(s.base, c)
}

// start begins with the first request.
func (c *served) start(b *bufferevent.Bufferevent) error {
	c.attach(b)
	if err := b.SetTimeouts(0, c.server.writeTimeout); err != nil {
		return err
	}
	c.began = c.base.Now()
	c.expect(c.server.headerTimeout)
	return b.Enable(event.Read)
}

// readable implements side: it goes on with whatever the state is, as far as
// the input reaches.
func (c *served) readable() {
	if c.busy {
		return
	}
	c.busy = true
	for more := true; more && !c.freed; {
		switch c.state {
		case awaiting, inHead:
			more = c.readHead()
		case inBody:
			more = c.readBody()
		case answering:
			more = c.readAhead()
		default:
			more = c.drop()
		}
	}
	c.busy = false
}

// readHead takes what has come of a head.
func (c *served) readHead() (more bool) {
	in := c.bev.Input()
	if in.Len() == 0 {
		if c.peerEnded {
			c.end()
		}
		return false
	}
	if c.bev.Output().Len() > maxUnsent {
		return false // drained will go on
	}
	if c.req == nil {
		c.req = c.server.takeRequest()
		c.req.conn, c.req.ex = &c.Conn, c
	}
	head := &c.req.reqHead
	done, err := readHead(in, head, c.limits)
	switch {
	case err != nil:
		c.refuse(wire.StatusOf(err), err)
	case done:
		c.headComplete()
	default:
		c.awaitHead(head.Started())
		return false
	}
	return true
}

// awaitHead waits for the rest of a head, all of which must come in time.
func (c *served) awaitHead(started bool) {
	if c.peerEnded {
		c.fail(io.ErrUnexpectedEOF)
		return
	}
	if c.state == inHead || !started {
		return
	}
	c.state = inHead
	if c.count == 0 { // the time since the connection was made counts
		return
	}
	c.began = c.base.Now()
	c.expect(c.server.headerTimeout)
}

// headComplete is called when the head has come: it finds out who is to answer,
// and whether the body is wanted.
func (c *served) headComplete() {
	r := c.req
	c.count++
	c.state = inBody
	r.incoming = &r.reqHead.Head
	r.method = methodOf(r.reqHead.Method())
	if !r.reqHead.KeepAlive || c.server.closesAfter(c.count) {
		c.last = true
	}
	if code := c.server.admit(r); code != 0 {
		c.refuse(code, nil)
		return
	}
	if !c.callEarly(r) {
		return
	}
	limit := c.maxBody
	if r.stream || limit <= 0 {
		limit = math.MaxInt64
	}
	if err := r.body.begin(r.incoming, limit); err != nil {
		c.refuse(wire.StatusOf(err), err)
		return
	}
	if !r.body.complete() {
		c.awaitBody(r)
	}
}

// callEarly calls those of the user's functions that want to know of a request
// before its body comes. It reports whether that is to be read.
func (c *served) callEarly(r *Request) (goOn bool) {
	s := c.server
	if !c.ask(r, s.onNewRequest) || !c.ask(r, r.onHeader) {
		return false
	}
	if r.handler = s.find(r); r.handler.stream {
		r.stream = true
		c.call(r, r.handler.fn)
	}
	return c.reading(r)
}

// ask calls a function that may have the connection closed, and reports whether
// the request is still to be read.
func (c *served) ask(r *Request, fn func(r *Request) bool) (goOn bool) {
	if fn == nil {
		return true
	}
	ok := false
	c.call(r, func(r *Request) { ok = fn(r) })
	if !ok && c.reading(r) {
		c.close()
	}
	return c.reading(r)
}

// reading reports whether r is still what the connection reads.
func (c *served) reading(r *Request) bool { return !c.freed && c.req == r && c.state == inBody }

// call calls a function of the user's. If it has not answered, somebody else may
// do it later, and r is not used again.
func (c *served) call(r *Request, fn func(r *Request)) {
	c.calling = true
	fn(r)
	c.calling = false
	if r.sending != sendDone {
		r.kept = true
	}
	if done := c.finished; done != nil {
		c.finished = nil
		c.server.putRequest(done)
	}
}

// awaitBody waits for the body, and asks for it if the client waits, too.
func (c *served) awaitBody(r *Request) {
	if r.reqHead.Expect == wire.ExpectContinue && r.sending == sendNothing && c.bev.Input().Len() == 0 {
		c.bev.WriteString("HTTP/1.1 100 Continue\r\n\r\n")
		r.continued = true
	}
	c.began = c.base.Now()
	c.expect(c.server.bodyTimeout)
}

// readBody takes what has come of the body.
func (c *served) readBody() (more bool) {
	r := c.req
	dst, most := &r.input, math.MaxInt
	switch {
	case r.sending == sendDone:
		dst = nil // nobody wants it
	case r.stream:
		if most = maxUntaken - r.input.Len(); most <= 0 {
			c.pause(r)
			return false
		}
	}
	n, err := r.body.read(c.bev.Input(), dst, most, c.limits)
	switch {
	case err != nil:
		c.refuse(wire.StatusOf(err), err)
	case r.body.complete():
		c.bodyComplete(r)
	case c.peerEnded && c.bev.Input().Len() == 0:
		c.fail(io.ErrUnexpectedEOF)
	case n > 0:
		c.expect(c.bodyTime(r))
		c.callChunk(r)
	}
	return err != nil || n > 0 || r.body.complete()
}

// pause stops reading until resume. Time does not count meanwhile.
func (c *served) pause(r *Request) {
	r.paused = true
	c.bev.Disable(event.Read)
	c.expect(0)
}

// resume implements exchange.
func (c *served) resume(r *Request) {
	r.paused = false
	c.began = c.base.Now()
	c.bev.Enable(event.Read)
	c.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
}

// bodyTime returns how long to wait for more of the body: what has come earns
// time, at the rate that is demanded.
func (c *served) bodyTime(r *Request) time.Duration {
	s := c.server
	if s.bodyTimeout <= 0 || s.minBodyRate <= 0 {
		return s.bodyTimeout
	}
	earned := time.Duration(float64(r.body.total) / float64(s.minBodyRate) * float64(time.Second))
	return max(s.bodyTimeout+earned-c.base.Now().Sub(c.began), 1)
}

func (c *served) callChunk(r *Request) {
	if r.onChunk != nil && r.sending != sendDone {
		c.call(r, r.onChunk)
	}
}

// bodyComplete is called when all of the request has come.
func (c *served) bodyComplete(r *Request) {
	r.received = true
	c.state = answering
	if r.sending == sendDone {
		c.answered(r)
		return
	}
	c.expect(0)
	c.callChunk(r)
	if c.req == r && !c.freed && !r.handler.stream && r.sending == sendNothing {
		c.call(r, r.handler.fn)
	}
}

// readAhead lets some wait that comes while a request is answered.
func (c *served) readAhead() (more bool) {
	if c.bev.Input().Len() > maxAhead {
		c.bev.Disable(event.Read)
	}
	return false
}

// drop drops what comes after the last request.
func (c *served) drop() (more bool) {
	in := c.bev.Input()
	in.Drain(in.Len())
	return false
}

// refuse answers a request that cannot be served, and closes the connection:
// what follows cannot be told apart from it.
func (c *served) refuse(code int, cause error) {
	r := c.req
	c.last, c.unclean = true, true
	r.received = true
	switch {
	case r.sending == sendDone:
		c.answered(r)
	case r.sending == sendBody || code == 0:
		c.fail(cause)
	default:
		r.cause = cause
		c.state = answering
		r.SendError(code, "")
	}
}

// answered is called when a request has come and was answered, or will not come.
func (c *served) answered(r *Request) {
	c.server.log(r)
	if r.onComplete == nil {
		c.finish(r)
		return
	}
	r.kept = true
	c.whenSent(r, func() {
		r.onComplete(r)
		if c.req == r && !c.freed {
			c.finish(r)
		}
	})
}

// finish ends a request, and goes on with the next one.
func (c *served) finish(r *Request) {
	c.req = nil
	r.over(nil)
	if c.calling {
		c.finished = r
	} else {
		c.server.putRequest(r)
	}
	if c.last {
		c.end()
		return
	}
	c.state = awaiting
	c.expect(c.server.idleTimeout)
	c.bev.Enable(event.Read)
	c.readable()
}

// end closes the connection when all was sent.
func (c *served) end() {
	c.state = closing
	c.expect(0)
	if c.bev.Output().Len() == 0 {
		c.linger()
	}
}

// linger closes the connection, or first only our half of it, if closing it all
// at once could keep the client from reading the last answer (RFC 9112, section
// 9.6).
func (c *served) linger() {
	unclean := c.unclean || c.server.flags&ServerLingeringClose != 0 || c.bev.Input().Len() > 0
	if !unclean || c.peerEnded || c.bev.CloseWrite() != nil {
		c.close()
		return
	}
	c.state = lingering
	c.expect(lingerTimeout)
	c.bev.Enable(event.Read)
	c.drop()
}

// drained implements side.
func (c *served) drained() {
	if fn := c.sentFunc; fn != nil {
		c.sentFunc = nil
		fn()
	}
	switch {
	case c.freed:
	case c.state == closing && c.bev.Output().Len() == 0:
		c.linger()
	case c.state == awaiting:
		c.readable()
	}
}

// happened implements side. A client that has ended its stream may still want
// the answer; but who works at it is told, because most have gone.
func (c *served) happened(what bufferevent.Events) {
	if what&bufferevent.EventEOF == 0 {
		if what&(bufferevent.EventError|bufferevent.EventTimeout) != 0 {
			c.fail(c.bev.Err())
		}
		return
	}
	c.peerEnded, c.last = true, true
	switch c.state {
	case lingering:
		c.close()
	case answering:
		c.req.disconnected()
	default:
		c.readable()
	}
}

// expired implements side.
func (c *served) expired() {
	switch c.state {
	case inHead, inBody:
		c.refuse(408, errTimeout)
	default:
		c.close()
	}
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
	r.over(r.cause)
}

var (
	errTimeout = errors.New("request did not come in time")
	errClosed  = errors.New("connection closed")
)
