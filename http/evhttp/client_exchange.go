package evhttp

import (
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A clientExchange is a request that a client sends, and the answer to it. It lives as long
// as the request, which may be sent again when it is over. Where it is meanwhile is its
// state.
type clientExchange struct {
	Request
	state exchangeState
	pool  *pool       // that it waits in, if it is pooled
	conn  *ClientConn // that has it, if it is queued

	carrier clientStream // that carries it, if it is under way

	onDone          func(r *Request)
	onReady         func(r *Request) // for the body, if that follows
	onInformational func(r *Request, code int, h *Header)
	onStage         func(r *Request, stage SendStage)

	host    string // for the Host field, if it is not that of the connection
	follows bool   // the body follows the head
	spent   bool   // some of it cannot be sent again
	stale   bool   // it has failed because the server had closed the connection
	telling bool   // its end is being reported, and it was not sent again meanwhile

	h1ClientFraming // if that carries it
}

// A clientStream carries an exchange of a client: the session itself, where there is one
// at a time, or one of its streams. What is not said here is as with exchange.
type clientStream interface {
	sendData(data *evbuffer.Buffer) error
	sendEnd() error
	whenSent(fn func())
	resume()
	// closeSend ends the stream to the server; see Request.CloseSend.
	closeSend() error
	// cancel gives the exchange up.
	cancel()
	detach() (*bufferevent.Bufferevent, error)
}

// wait has the exchange wait for a connection of a pool.
func (x *clientExchange) wait(p *pool) {
	exchangeStates.step(&x.state, pooled)
	x.pool, x.conn = p, nil
	x.Request.ex, x.Request.conn = x, nil
}

// enqueue gives the exchange to a connection.
func (x *clientExchange) enqueue(c *ClientConn) {
	exchangeStates.step(&x.state, queued)
	x.pool, x.conn = nil, c
	x.Request.ex, x.Request.conn = x, &c.Conn
}

// finish ends the exchange, and tells. What is told may send the request again.
func (x *clientExchange) finish(cause error) {
	x.cause, x.telling = cause, true
	x.conclude(cause)
	if x.telling && x.onDone != nil {
		x.telling = false
		if x.Request.conn != nil {
			x.Request.conn.invoke(&x.Request, x.onDone)
		} else {
			x.onDone(&x.Request)
		}
	}
}

// abandon ends an exchange whose connection was freed, or which was cancelled: only
// the error callback is called.
func (x *clientExchange) abandon() {
	x.cause, x.telling = &Error{Code: ReqCancel, Err: ErrDone}, false
	x.conclude(x.cause)
}

// conclude ends the exchange.
func (x *clientExchange) conclude(cause error) {
	exchangeStates.step(&x.state, unsent)
	x.pool, x.conn, x.carrier = nil, nil, nil
	x.over(cause)
}

// proto implements exchange. Until it is known, it is what is spoken to hosts that do not say
// otherwise.
func (x *clientExchange) proto() message.Proto {
	if c := x.conn; c != nil && c.session != nil {
		return c.session.proto()
	}
	return message.HTTP11
}

// sendHead implements exchange. Servers alone answer; so below.
func (x *clientExchange) sendHead(int64) error { return ErrNotServer }

// reply implements exchange.
func (x *clientExchange) reply([]byte) error { return ErrNotServer }

// inform implements exchange.
func (x *clientExchange) inform(int) error { return ErrNotServer }

// sendData implements exchange.
func (x *clientExchange) sendData(data *evbuffer.Buffer) error {
	if x.carrier == nil {
		return ErrOrder
	}
	return x.carrier.sendData(data)
}

// sendEnd implements exchange.
func (x *clientExchange) sendEnd() error {
	if x.carrier == nil {
		return ErrOrder
	}
	return x.carrier.sendEnd()
}

// whenSent implements exchange.
func (x *clientExchange) whenSent(fn func()) {
	if x.carrier != nil {
		x.carrier.whenSent(fn)
	}
}

// tellComplete implements exchange.
func (x *clientExchange) tellComplete() {}

// wantBody implements exchange.
func (x *clientExchange) wantBody(bool) {}

// resume implements exchange.
func (x *clientExchange) resume() {
	if x.unpause() && x.carrier != nil {
		x.carrier.resume()
	}
}

// abort implements exchange. A request that is not complete cannot be told from one that
// was given up, so that the cause does not matter.
func (x *clientExchange) abort(error) {
	switch {
	case x.state == pooled:
		x.pool.cancel(x)
	case x.carrier != nil:
		x.carrier.cancel()
	case x.state == queued:
		x.conn.cancel(x)
	}
}

// detach implements exchange.
func (x *clientExchange) detach() (*bufferevent.Bufferevent, error) {
	if x.carrier == nil {
		return nil, ErrOrder
	}
	return x.carrier.detach()
}
