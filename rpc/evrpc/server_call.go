package evrpc

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-libevent/libevent/http/evhttp"
)

// ContentType is what replies are sent as, unless an output hook has set another type.
const ContentType = "application/octet-stream"

// A ServerCall is a call that a server has to answer. It is over when it was answered, or its
// client has gone. Do not keep one that was answered before the handler has returned: it, and
// its messages, are used again (struct evrpc_req_generic).
type ServerCall struct {
	Exchange
	rpc            *registration
	request, reply Message
	typed          any // the *Call of it, or nil
	state          serverState
	lost           func(r *evhttp.Request, err error) // the error callback of the request
}

// A Call is a ServerCall with messages of known types (EVRPC_STRUCT).
type Call[Request, Reply any] struct {
	*ServerCall
	request *Request
	reply   *Reply
}

// Request returns the request. It ends with the call (request of EVRPC_STRUCT).
func (c *Call[Request, Reply]) Request() *Request { return c.request }

// Reply returns the reply, which is to be filled in (reply of EVRPC_STRUCT).
func (c *Call[Request, Reply]) Reply() *Reply { return c.reply }

// A serverState is where a call is on a server.
type serverState uint8

const (
	answered  serverState = iota // it is over, or to be used again
	receiving                    // the request passes hooks
	handling                     // the reply is to be filled in
	replying                     // it passes hooks
)

// handle is called with each request for the RPC.
func (g *registration) handle(r *evhttp.Request) {
	c := g.take()
	c.begin(r)
	c.receive()
	if c.state == answered && len(g.spare) < maxSpare {
		c.recycle()
		g.spare = append(g.spare, c)
	}
}

// take returns a call that is not under way.
func (g *registration) take() *ServerCall {
	if n := len(g.spare); n > 0 {
		c := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return c
	}
	c := &ServerCall{rpc: g, request: g.NewRequest(), reply: g.NewReply()}
	c.name, c.side = g.Name, c
	c.lost = func(*evhttp.Request, error) { c.finish() }
	return c
}

func (c *ServerCall) begin(r *evhttp.Request) {
	c.http, c.conn = r, r.Conn()
	c.state = receiving
	c.rpc.server.calls.append(&c.Exchange)
	r.SetErrorCallback(c.lost)
}

// recycle makes the call and its messages empty, so that they hold nothing.
func (c *ServerCall) recycle() {
	c.http, c.conn, c.Data = nil, nil, nil
	c.clearMeta()
	c.request.Reset()
	c.reply.Reset()
}

// receive takes the request through the hooks.
func (c *ServerCall) receive() {
	r := c.http
	if r.Command() != evhttp.MethodPost || r.Input().Len() == 0 {
		c.refuse()
		return
	}
	_ = c.pass(&c.rpc.server.hooks[InputHook], r.Input()) // the client is answered
}

// pausedByHook implements side.
func (c *ServerCall) pausedByHook() {}

// passedHooks implements side.
func (c *ServerCall) passedHooks(ok bool) error {
	switch {
	case !ok:
		c.refuse()
		return nil
	case c.state == receiving:
		return c.call()
	}
	return c.send()
}

// call decodes the request and calls the handler.
func (c *ServerCall) call() error {
	if err := c.request.Unmarshal(c.http.Input()); err != nil {
		c.refuse()
		return opError("receive", c.name, err)
	}
	c.state = handling
	c.rpc.Handler(c)
	return nil
}

// Request returns the request. It ends with the call (evrpc_get_request).
func (c *ServerCall) Request() Message { return c.request }

// Reply returns the reply, which is to be filled in (evrpc_get_reply).
func (c *ServerCall) Reply() Message { return c.reply }

// Server returns the server that has the call.
func (c *ServerCall) Server() *Server { return c.rpc.server }

// Context returns a context that is done when the call is over, also because the client has
// gone; see [evhttp.Request.Context].
func (c *ServerCall) Context() context.Context {
	if c.http == nil { // it waits to be used again
		return done
	}
	return c.http.Context()
}

// done is a context that is done.
var done = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(ErrDone)
	return ctx
}()

// Done answers the call with what is in Reply, once it has passed the hooks. A reply that is
// not complete is answered with 503, and its error returned. The error is ErrDone if the
// call is over (evrpc_request_done, EVRPC_REQUEST_DONE).
func (c *ServerCall) Done() error {
	if c.state != handling {
		return opError("reply to", c.name, ErrDone)
	}
	out := c.http.Output()
	err := c.reply.Complete()
	if err == nil {
		err = c.reply.AppendTo(out)
	}
	if err != nil {
		c.refuse()
		return opError("reply to", c.name, err)
	}
	c.state = replying
	return c.pass(&c.rpc.server.hooks[OutputHook], out)
}

// Fail answers the call with 503, as it is when something is wrong with the request or the
// reply. The error is ErrDone if it is over.
func (c *ServerCall) Fail() error {
	if c.state == answered {
		return opError("fail", c.name, ErrDone)
	}
	c.refuse()
	return nil
}

// send sends the reply.
func (c *ServerCall) send() error {
	r := c.http
	if h := r.OutputHeaders(); h.GetBytes("Content-Type") == nil {
		_ = h.Add("Content-Type", ContentType) // a field that is valid
	}
	c.finish()
	if err := r.SendReply(http.StatusOK, "", nil); err != nil {
		return fmt.Errorf("evrpc: reply to %s: %w", c.name, err)
	}
	return nil
}

// refuse answers with 503, whatever has been wrong, as C does.
func (c *ServerCall) refuse() {
	c.finish()
	_ = c.http.SendError(http.StatusServiceUnavailable, "") // fails only if the client has gone
}

// giveUp implements side.
func (c *ServerCall) giveUp(error) { c.refuse() }

// finish ends the call: it is answered, or the client has gone.
func (c *ServerCall) finish() {
	c.state = answered
	c.end()
	c.http.SetErrorCallback(nil)
}
