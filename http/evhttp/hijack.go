package evhttp

import (
	"errors"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// Hijack takes the stream away from HTTP: after CONNECT, or for another protocol
// that the client has asked for with Upgrade. What the client has sent after the
// request is in its input, and what was sent before, such as the answer that
// agrees, begun with SendReplyStart, in its output. The bufferevent is the
// caller's, without callbacks and timeouts, and reads; the request is over. The
// error is ErrOrder if the request has not come completely or its answer is
// complete, ErrDone if it is over.
//
// A client calls it when its request is done, if the answer was that the stream is
// not HTTP any more: 101, or 2xx to CONNECT. What it does not take is closed. The
// error is ErrOrder after any other answer.
func (r *Request) Hijack() (*bufferevent.Bufferevent, error) {
	if o, ok := r.ex.(*outgoing); ok {
		return o.handOver(r)
	}
	c, ok := r.ex.(*served)
	switch {
	case r.ex == nil:
		return nil, r.failed("hijack", ErrDone)
	case !ok:
		return nil, r.failed("hijack", ErrNotServer)
	case r.sending == sendDone || c.state != answering && !r.body.complete():
		return nil, r.failed("hijack", ErrOrder)
	}
	b := c.bev
	if err := errors.Join(b.SetTimeouts(0, 0), b.Enable(event.Read)); err != nil {
		err = r.failed("hijack", err)
		c.fail(err)
		return nil, err
	}
	c.bev = nil
	b.SetCallbacks(nil, nil, nil)
	b.Data = nil
	c.leave(r)
	return b, nil
}

// leave ends the connection without its stream.
func (c *served) leave(r *Request) {
	c.freed = true
	c.timer.Del()
	c.server.remove(c)
	c.req, c.sentFunc = nil, nil
	c.server.log(r)
	r.kept = true
	r.over(nil)
}
