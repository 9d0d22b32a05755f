package evhttp

import (
	"net/http"

	"github.com/go-libevent/libevent/http/internal/message"
)

// panicFunc implements role.
func (c *h1ServerConn) panicFunc() PanicFunc { return c.server.cfg.OnPanic }

// guardReading is guard for the callbacks that readable calls: one for all requests that
// have come together, which costs less than one for each. A panic of anything but a
// callback passes.
func (c *h1ServerConn) guardReading(returned *bool) {
	x := c.calling
	if *returned || x == nil {
		return
	}
	c.calling = nil
	var value any
	if fn := c.panicFunc(); fn != nil {
		if value = recover(); value != nil {
			fn(&x.Request, value)
		}
	}
	c.panicked(&x.Request, value == nil)
	if value == nil {
		return
	}
	c.called(x)
	c.busy = false
	if !c.freed {
		c.onReadable()
	}
}

// panicked implements role.
func (c *h1ServerConn) panicked(r *Request, passes bool) {
	if r != nil {
		r.kept = true
	}
	switch {
	case passes:
		c.busy = false
		c.fail(ErrPanic)
	case c.freed:
	case c.x == nil: // the request was over
		c.end()
	case c.x.sending == sendBody:
		c.fail(ErrPanic)
	default:
		c.answerPanic(c.x)
	}
}

// answerPanic says that there was an error, unless the request is answered, and ends
// the connection. There is no page of the user's, whose function may be what has
// panicked.
func (c *h1ServerConn) answerPanic(x *h1ServerExchange) {
	c.last, c.inputUnread = true, true
	x.received, x.cause = true, ErrPanic
	serverStates.step(&c.state, answering)
	if x.sending == sendDone {
		c.answered(x)
		return
	}
	const code = http.StatusInternalServerError
	x.header.Clear()
	x.errorPage(code, message.ReasonPhrase(code))
	if err := x.SendReply(code, "", nil); err != nil {
		c.fail(err)
	}
}
