package evhttp

import (
	"fmt"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// NewRequest makes a request for a client to send. done is called when it was
// answered, or has failed, which [Request.Err] tells; it may be nil. The request
// may be sent again, by whatever connection, once it is over: in done, for
// instance. Its output headers stay, its body does if it was not sent
// (evhttp_request_new).
func NewRequest(done func(r *Request)) *Request {
	x := &clientExchange{onDone: done}
	x.client, x.kept = x, true
	x.input.Own(x)
	return &x.Request
}

// Err returns why the request has failed, or nil.
func (r *Request) Err() error { return r.cause }

// Reused reports on a client whether the connection that has the request has carried
// another one before. It is false while the request waits for a connection, and after
// its end.
func (r *Request) Reused() bool {
	return r.client != nil && r.client.conn != nil && r.client.conn.reused
}

// Stale reports on a client whether the request has failed because the server had closed
// a connection that was kept for it, before anything of the answer came. A request whose
// effect is the same when it is received twice may be sent again; without a body that
// follows the client has done that already, where it could.
func (r *Request) Stale() bool { return r.client != nil && r.client.stale }

// SetInformationalCallback sets what is called with every informational (1xx)
// response that comes before the answer to a client: 103 (Early Hints), for
// instance. The header is valid until the callback returns.
func (r *Request) SetInformationalCallback(fn func(r *Request, code int, h *Header)) {
	if r.client != nil {
		r.client.onInformational = fn
	}
}

// MakeRequest sends a request, with what is in its Output as the body, when all
// before it were answered. The uri is a path, or what else the server is to get
// to see. Nothing is called before it returns but what [Request.SetSendCallback] has set,
// where the connection is there and idle.
//
// The error is ErrInvalid if method or uri cannot be sent, ErrBusy if r is under
// way, ErrQueueFull if too many requests wait, ErrDone if the connection was freed,
// [event.ErrFreed] if the base was, ErrNotClient if r was not made by NewRequest
// (evhttp_make_request).
//
// When the base is freed, so is the connection: its requests fail with
// [event.ErrFreed], on the goroutine that frees it. In C they are forgotten.
func (c *ClientConn) MakeRequest(r *Request, method Method, uri string) error {
	return c.makeRequest(r, method, method.String(), uri, false, nil)
}

// MakeCustomRequest is MakeRequest with a method that has no name here.
func (c *ClientConn) MakeCustomRequest(r *Request, method, uri string) error {
	return c.makeRequest(r, methodOf([]byte(method)), method, uri, false, nil)
}

// StartRequest is MakeRequest for a request whose body follows with
// SendReplyChunk and SendReplyEnd. ready is called when it is time for that. The
// body goes in chunks unless a Content-Length among the output headers announces
// how long it will be.
func (c *ClientConn) StartRequest(r *Request, method Method, uri string, ready func(r *Request)) error {
	return c.makeRequest(r, method, method.String(), uri, true, ready)
}

func (c *ClientConn) makeRequest(r *Request, method Method, name, uri string, follows bool, ready func(r *Request)) error {
	if c.freed {
		return fmt.Errorf("evhttp: request %s %s: %w", name, uri, ErrDone)
	}
	if c.unhook == nil && c.pool == nil {
		if c.unhook = c.base.AfterFree(c.baseFreed); c.freed {
			return fmt.Errorf("evhttp: request %s %s: %w", name, uri, event.ErrFreed)
		}
	}
	if most := c.cfg.MaxQueue; most > 0 && c.pending() >= most {
		return fmt.Errorf("evhttp: request %s %s: %w", name, uri, ErrQueueFull)
	}
	x, err := r.renew(method, name, uri)
	if err != nil {
		return err
	}
	x.follows, x.onReady = follows, ready
	c.take(x)
	return nil
}

// renew makes a client's request ready to be sent as this, whatever has become of
// it before.
func (r *Request) renew(method Method, name, uri string) (*clientExchange, error) {
	x := r.client
	switch {
	case x == nil:
		return nil, fmt.Errorf("evhttp: request %s %s: %w", name, uri, ErrNotClient)
	case r.ex != nil:
		return nil, fmt.Errorf("evhttp: request %s %s: %w", name, uri, ErrBusy)
	}
	if err := message.CheckRequest(name, uri); err != nil {
		return nil, err
	}
	r.method, r.name, r.target = method, name, uri
	r.input.Drain(r.input.Len())
	r.ctx, r.cancel, r.cause, r.past, r.incoming, r.inTrailer = nil, nil, nil, nil, nil, nil
	r.code, r.reason, r.sent, r.expected = 0, "", 0, 0
	messageStates.step(&r.sending, sendNothing)
	r.received, r.paused = false, false
	x.host, x.spent, x.stale, x.telling = "", false, false, false
	return x, nil
}

// CloseSend ends the stream to the server before the body of the request is complete,
// when the answer has begun: the rest of the body is not wanted, but that of the answer
// is (RFC 9112, section 9.5). The error is ErrOrder if no answer has begun or the request
// is not a client's, ErrDone if it is over, or that of the stream.
func (r *Request) CloseSend() error {
	const op = "close sending"
	switch x := r.client; {
	case r.ex == nil:
		return r.failed(op, ErrDone)
	case x == nil || x.carrier == nil:
		return r.failed(op, ErrOrder)
	default:
		if err := x.carrier.closeSend(); err != nil {
			return r.failed(op, err)
		}
		return nil
	}
}

// A SendStage is how far the sending of a client's request has got.
type SendStage uint8

// The stages.
const (
	SentHead SendStage = iota // the head was written
	SentBody                  // and all of the body, if there is one
)

// SetSendCallback sets what is called when a client's request has got to a stage of its
// sending, on a connection that [Request.Conn] returns. A request that is sent again begins
// with the head again.
func (r *Request) SetSendCallback(fn func(r *Request, stage SendStage)) {
	if r.client != nil {
		r.client.onStage = fn
	}
}
