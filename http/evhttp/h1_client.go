package evhttp

import (
	"errors"
	"io"
	"slices"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// An h1ClientConn is the session of HTTP/1.1 of a client's connection: one exchange at a
// time, which it is the stream of.
type h1ClientConn struct {
	c *ClientConn
	x *clientExchange // under way, or nil

	ended    error // nothing more comes, or nil
	written  error // nothing more can be sent, or nil
	tooLarge error // the body of the answer is being dropped because of that, or nil
	handed   int   // bytes that were given to the stream, if nothing can follow

	spareSent []func() // memory to be used again

	state     h1ClientState
	body      bodyState // what the body of the request waits for
	informed  uint8     // informational responses that have come
	busy      bool      // onReadable is at work, and will see what has changed
	last      bool      // the connection carries no other request
	answering bool      // some of the answer has come
	timed     bool      // the time for the answer runs
}

// h1ClientFraming is how a request and its answer are framed on an HTTP/1.1 connection.
type h1ClientFraming struct {
	head    wire.ResponseHead
	body    bodyReader // of the answer
	chunked bool       // the request's body goes in chunks
	onSent  []func()
}

// newH1ClientConn begins a session on a stream that is open.
func newH1ClientConn(c *ClientConn) clientSession {
	h := &c.h1
	*h = h1ClientConn{c: c, spareSent: h.spareSent}
	return h
}

// proto implements clientSession.
func (h *h1ClientConn) proto() message.Proto { return message.HTTP11 }

// room implements clientSession.
func (h *h1ClientConn) room() bool { return h.state == idle }

// count implements clientSession.
func (h *h1ClientConn) count() int {
	if h.x == nil {
		return 0
	}
	return 1
}

// stop implements clientSession.
func (h *h1ClientConn) stop() []*clientExchange {
	if h.state != stopped {
		h1ClientStates.step(&h.state, stopped)
	}
	if h.x == nil {
		return nil
	}
	return []*clientExchange{h.drop()}
}

// drop takes leave of the exchange.
func (h *h1ClientConn) drop() *clientExchange {
	x := h.x
	h.x, x.carrier, x.onSent = nil, nil, nil
	return x
}

// betweenMessages implements clientSession.
func (h *h1ClientConn) betweenMessages() bool {
	return (h.state == idle || h.state == upgraded) && h.c.bev.Output().Len() == 0
}

// maySendAgain reports whether a request that failed can be sent on another
// connection: it was the server that has closed one that had been idle, the
// request is still all there, and either has no effect that twice would be more
// than once, or nothing of it was sent.
func (h *h1ClientConn) maySendAgain(x *clientExchange) bool {
	c := h.c
	if !c.reused || h.answering || c.host+c.unix == "" || x.spent {
		return false
	}
	return x.method&idempotent != 0 || c.bev.Output().Len() == h.handed
}

// fail ends the request that is under way, and the connection with it.
func (h *h1ClientConn) fail(code RequestError, err error) {
	c, x := h.c, h.x
	switch {
	case h.state == upgraded:
		return // the answer is complete, and its callback decides on the stream
	case x == nil:
		c.disconnect()
		c.next()
		return
	case code == ReqEOF && h.maySendAgain(x):
		c.retry(h.drop())
		c.disconnect()
		c.next()
		return
	}
	x.stale = code == ReqEOF && c.reused && !h.answering
	h.drop()
	c.disconnect()
	c.over(x, &Error{Code: code, Err: err})
}

// cancel implements clientStream.
func (h *h1ClientConn) cancel() {
	if h.state == upgraded {
		return // the exchange ends when its callback returns
	}
	c, x := h.c, h.drop()
	c.disconnect()
	x.abandon()
	c.next()
}

// panicked implements clientSession.
func (h *h1ClientConn) panicked(r *Request, passes bool) bool {
	if passes {
		h.busy = false
	}
	switch {
	case h.x == nil || r == nil || r.client != h.x:
		return false
	case h.state == upgraded:
		if passes {
			h.endOffer()
		}
	default:
		h.fail(ReqCancel, ErrPanic)
	}
	return true
}

// onDrained implements clientSession.
func (h *h1ClientConn) onDrained() {
	x := h.x
	if x == nil {
		return
	}
	if x.sending == sendDone {
		h.awaitAnswer()
	}
	if len(x.onSent) > 0 && h.c.bev.Output().Len() == 0 {
		h.sent(x)
	}
}

// whenSent implements clientStream.
func (h *h1ClientConn) whenSent(fn func()) {
	h.x.onSent = append(h.x.onSent, fn)
	if b := h.c.bev; b.Output().Len() == 0 {
		b.Trigger(event.Write, bufferevent.TrigDeferCallbacks)
	}
}

// sent calls the functions that wait for all to have left.
func (h *h1ClientConn) sent(x *clientExchange) {
	waiting := x.onSent
	x.onSent, h.spareSent = h.spareSent, nil
	for i, fn := range waiting {
		if h.x != x {
			break
		}
		waiting[i] = nil
		h.c.run(&x.Request, fn)
	}
	clear(waiting)
	h.spareSent = waiting[:0]
}

// awaitAnswer starts the time that the server has for its answer, once.
func (h *h1ClientConn) awaitAnswer() {
	if !h.timed {
		h.timed = true
		h.c.expect(h.c.cfg.ReadTimeout)
	}
}

// onTimer implements clientSession.
func (h *h1ClientConn) onTimer() {
	switch {
	case h.body == bodyAsked && !h.timed:
		h.sendBody(h.x)
	case h.written != nil:
		h.fail(ReqEOF, h.written)
	default:
		h.fail(ReqTimeout, errAnswerTimeout)
	}
}

// onLater implements clientSession: a call of the user's has failed, or it is time for the
// body.
func (h *h1ClientConn) onLater() {
	switch {
	case h.c.failure != nil:
		h.fail(ReqBufferError, h.c.failure)
	case h.body == bodyReady:
		h.sendBody(h.x)
	}
}

// onEvent implements clientSession.
func (h *h1ClientConn) onEvent(what bufferevent.Events) {
	c := h.c
	switch what.Outcome() {
	case bufferevent.InputEnded:
		h.finished(io.EOF)
	case bufferevent.TimedOut:
		h.fail(ReqTimeout, c.bev.Err())
	case bufferevent.OutputFailed:
		if c.cfg.Flags&ConReadOnWriteError == 0 || h.x == nil || !peerReadsNoMore(c.bev.Err()) {
			h.finished(c.reason())
			return
		}
		h.written = c.reason()
		h.last, h.x.onSent = true, nil
		h.awaitAnswer()
		if err := c.bev.Enable(event.Read); err != nil {
			h.finished(err)
		}
	case bufferevent.Failed:
		h.finished(c.reason())
	}
}

// peerReadsNoMore reports whether output has failed because of the peer, which may have
// said why before. After any other failure it waits for the rest of the request.
func peerReadsNoMore(err error) bool {
	return err == nil || isOneOf(err, brokenPipes) || isOneOf(err, resets) || errors.Is(err, io.EOF)
}

// isOneOf reports whether an error is one of those that are given.
func isOneOf(err error, those []error) bool {
	return slices.ContainsFunc(those, func(one error) bool { return errors.Is(err, one) })
}

// finished is called when nothing more comes, because the server has ended the
// stream (io.EOF) or something has broken it.
func (h *h1ClientConn) finished(err error) {
	h.ended = err
	h.onReadable()
}

// end draws the conclusions from the end of the stream, when everything that had
// come before was taken.
func (h *h1ClientConn) end() {
	err := h.ended
	switch {
	case h.state == receivingBody && h.x.paused && h.c.bev.Input().Len() > 0:
		return // the user has yet to take it
	case h.state == receivingBody && h.x.body.framing == wire.UntilClose && err == io.EOF && !h.reset():
		h.last = true
		h.complete(h.x)
		return
	}
	err = unexpected(err)
	// What reading has failed with says more than what writing has, of which it is
	// the cause, such as an alert of TLS.
	if h.written != nil && errors.Is(err, io.ErrUnexpectedEOF) {
		err = h.written
	}
	h.fail(ReqEOF, err)
}

// reset reports whether the end of the stream may be that of a reset, which a
// write was told of: a peer that has ended its stream before breaks the pipe.
func (h *h1ClientConn) reset() bool {
	return h.written != nil && !isOneOf(h.written, brokenPipes) && h.c.bev.Underlying() == nil
}
