package evhttp

import (
	"errors"
	"io"
	"syscall"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// maySendAgain reports whether a request that failed can be sent on another
// connection: it was the server that has closed one that had been idle, the
// request is still all there, and either has no effect that twice would be more
// than once, or nothing of it was sent.
func (c *ClientConn) maySendAgain(x *clientExchange) bool {
	if !c.reused || c.answering || c.host+c.unix == "" || x.spent {
		return false
	}
	return x.method&idempotent != 0 || c.bev.Output().Len() == c.handed
}

// idempotent are the methods that have no more effect twice than once.
const idempotent = MethodGet | MethodHead | MethodPut | MethodDelete | MethodOptions | MethodTrace

// h1ClientFraming is how a request and its answer are framed on an HTTP/1.1 connection.
type h1ClientFraming struct {
	head    wire.ResponseHead
	body    bodyReader // of the answer
	chunked bool       // the request's body goes in chunks
}

// onDrained implements role.
func (c *ClientConn) onDrained() {
	if c.state.exchanging() && len(c.queue) > 0 && c.queue[0].sending == sendDone {
		c.awaitAnswer()
	}
	if x := c.first(); x != nil && len(x.onSent) > 0 {
		c.sent(x)
	}
}

// sent calls the functions that wait for all to have left.
func (c *ClientConn) sent(x *clientExchange) {
	waiting := x.onSent
	x.onSent, c.spareSent = c.spareSent, nil
	for i, fn := range waiting {
		if !c.current(x) {
			break
		}
		waiting[i] = nil
		c.run(&x.Request, fn)
	}
	clear(waiting)
	c.spareSent = waiting[:0]
}

// awaitAnswer starts the time that the server has for its answer, once.
func (c *ClientConn) awaitAnswer() {
	if !c.timed {
		c.timed = true
		c.expect(c.cfg.ReadTimeout)
	}
}

// onEvent implements role.
func (c *ClientConn) onEvent(what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		c.connected()
	case bufferevent.InputEnded:
		c.finished(io.EOF)
	case bufferevent.TimedOut:
		c.fail(ReqTimeout, c.bev.Err())
	case bufferevent.OutputFailed:
		if c.cfg.Flags&ConReadOnWriteError == 0 || !c.state.exchanging() || !peerReadsNoMore(c.bev.Err()) {
			c.finished(c.reason())
			return
		}
		c.written = c.reason()
		c.last, c.queue[0].onSent = true, nil
		c.awaitAnswer()
		if err := c.bev.Enable(event.Read); err != nil {
			c.finished(err)
		}
	case bufferevent.Failed:
		c.finished(c.reason())
	}
}

// peerReadsNoMore reports whether output has failed because of the peer, which may have
// said why before. After any other failure it waits for the rest of the request.
func peerReadsNoMore(err error) bool {
	return err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
}

// reason returns why the stream is broken. There is none if a user has only
// said so.
func (c *ClientConn) reason() error {
	if err := c.bev.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// finished is called when nothing more comes, because the server has ended the
// stream (io.EOF) or something has broken it.
func (c *ClientConn) finished(err error) {
	c.ended = err
	c.onReadable()
}

// end draws the conclusions from the end of the stream, when everything that had
// come before was taken.
func (c *ClientConn) end() {
	err := c.ended
	switch {
	case c.state == receivingBody && c.queue[0].paused && c.bev.Input().Len() > 0:
		return // the user has yet to take it
	case c.state == receivingBody && c.queue[0].body.framing == wire.UntilClose && err == io.EOF && !c.reset():
		c.last = true
		c.complete(c.queue[0])
		return
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	// What reading has failed with says more than what writing has, of which it is
	// the cause, such as an alert of TLS.
	if c.written != nil && errors.Is(err, io.ErrUnexpectedEOF) {
		err = c.written
	}
	c.fail(ReqEOF, err)
}

// reset reports whether the end of the stream may be that of a reset, which a
// write was told of: a peer that has ended its stream before breaks the pipe.
func (c *ClientConn) reset() bool {
	return c.written != nil && !errors.Is(c.written, syscall.EPIPE) && c.bev.Underlying() == nil
}
