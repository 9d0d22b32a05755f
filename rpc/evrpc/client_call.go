package evrpc

import (
	"context"
	"errors"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A ClientCall is a call over a pool. It may be started again when it is over, and then costs no
// memory (struct evrpc_request_wrapper).
type ClientCall struct {
	Exchange
	path           string
	pool           *Pool
	request, reply Message
	done           func(c *ClientCall)

	state    clientState
	starting bool // Start is at work, and returns what goes wrong
	spent    bool // it was started before
	left     bool // the request was sent
	err      error
	carrier  *poolConn // or nil

	timer     event.Event
	timerBase *event.Base // of the timer, or nil
	forget    func() bool // the context
	raw       bool        // the answer is decoded by who waits for it
	answer    evbuffer.Buffer
}

// A clientState is where a call is on a client.
type clientState uint8

const (
	notStarted clientState = iota // or over
	inQueue                       // it waits for a connection
	departing                     // the request passes hooks
	ready                         // it has passed them, and waits for a connection
	underWay                      // it is sent
	arriving                      // the answer passes hooks
)

// NewCall makes a call of an RPC, which [ClientCall.Start] starts. When it is over, done is
// called, which may be nil; if there was no error then, reply is filled in. The request is
// encoded by Start, and may be changed after that. The error is ErrInvalid for a name that
// cannot be, or if a message is missing (EVRPC_MAKE_CTX, evrpc_make_request_ctx).
func (p *Pool) NewCall(name string, request, reply Message, done func(c *ClientCall)) (*ClientCall, error) {
	err := checkName(name)
	switch {
	case err != nil:
		return nil, opError("new call", "", err)
	case request == nil || reply == nil:
		return nil, opError("new call of", name, ErrInvalid)
	}
	return newCall(p, name, request, reply, done), nil
}

func newCall(p *Pool, name string, request, reply Message, done func(c *ClientCall)) *ClientCall {
	c := &ClientCall{pool: p, path: pathPrefix + name, request: request, reply: reply, done: done}
	c.name, c.side = name, c
	c.http = evhttp.NewRequest(c.answered)
	c.http.SetErrorCallback(c.failed)
	c.http.SetSendCallback(c.sent)
	return c
}

// MakeRequest makes a call and starts it: [Pool.NewCall] and [ClientCall.Start]. If it fails,
// done is not called (evrpc_send_request_generic).
func (p *Pool) MakeRequest(name string, request, reply Message, done func(c *ClientCall)) (*ClientCall, error) {
	c, err := p.NewCall(name, request, reply, done)
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	return c, nil
}

// MakeRequest makes a call on the loop, and has done called with the reply, or why there is
// none, from the loop. If it fails, done is not called. Reply is inferred from done
// (EVRPC_MAKE_REQUEST).
func MakeRequest[Reply any, PReply MessageOf[Reply]](
	p *Pool, name string, request Message, done func(reply *Reply, err error),
) (*ClientCall, error) {
	if done == nil {
		return nil, opError("new call of", name, ErrInvalid)
	}
	reply := PReply(new(Reply))
	return p.MakeRequest(name, request, reply, func(c *ClientCall) {
		if err := c.Err(); err != nil {
			done(nil, err)
			return
		}
		done((*Reply)(reply), nil)
	})
}

// Pool returns the pool by which the call is made (evrpc_request_get_pool).
func (c *ClientCall) Pool() *Pool { return c.pool }

// SetPool has the call made by another pool. The error is ErrBusy if it is under way, ErrInvalid
// if there is no pool (evrpc_request_set_pool).
func (c *ClientCall) SetPool(p *Pool) error {
	switch {
	case c.state != notStarted:
		return opError("set pool of", c.name, ErrBusy)
	case p == nil:
		return opError("set pool of", c.name, ErrInvalid)
	}
	c.pool = p
	return nil
}

// SetCallback sets what is called when the call is over; nil stands for nothing
// (evrpc_request_set_cb).
func (c *ClientCall) SetCallback(done func(c *ClientCall)) { c.done = done }

// Request returns the request.
func (c *ClientCall) Request() Message { return c.request }

// Reply returns the reply, which is filled in when the call has ended well.
func (c *ClientCall) Reply() Message { return c.reply }

// Err returns why the call has failed, an [*Error], or nil.
func (c *ClientCall) Err() error { return c.err }

// Status returns how the call has ended (error of struct evrpc_status).
func (c *ClientCall) Status() Status {
	var e *Error
	if errors.As(c.err, &e) {
		return e.Status
	}
	return StatusNone
}

// UnderWay reports whether the call was started and is not over.
func (c *ClientCall) UnderWay() bool { return c.state != notStarted }

// Start sends the request, or has it wait for a connection. If it returns an error the
// callback is not called: an [*Error] with StatusUnstarted, and for cause ErrBusy, ErrNoConnection,
// ErrTooMany, ErrFreed, ErrTerminated by an output hook that is called at once, or why the request
// cannot be encoded. In C that is told the callback (evrpc_make_request).
func (c *ClientCall) Start() error {
	if err := c.mayStart(); err != nil {
		return c.unstarted(err)
	}
	out := c.http.Output()
	_ = out.Drain(out.Len()) // fails only if it is frozen
	err := c.request.Complete()
	if err == nil {
		err = c.request.AppendTo(out)
	}
	if err != nil {
		return c.unstarted(err)
	}
	return c.start()
}

// StartContext is Start for a call that is given up when the context is done, with its cause.
func (c *ClientCall) StartContext(ctx context.Context) error {
	if ctx.Err() != nil {
		return c.unstarted(context.Cause(ctx))
	}
	if err := c.Start(); err != nil {
		return err
	}
	run, base := c.run, c.pool.base
	c.forget = context.AfterFunc(ctx, func() {
		_ = base.Post(func() { // fails if the base was freed, and with that the call has failed
			if c.run == run {
				c.giveUp(context.Cause(ctx))
			}
		})
	})
	return nil
}

func (c *ClientCall) unstarted(err error) error {
	return &Error{Name: c.name, Status: StatusUnstarted, Err: err}
}

// mayStart returns an error unless the call can be started.
func (c *ClientCall) mayStart() error {
	p := c.pool
	switch {
	case c.state != notStarted:
		return ErrBusy
	case p.freed:
		return ErrFreed
	case len(p.conns) == 0:
		return ErrNoConnection
	case len(p.idle) == 0 && int64(p.waiting.count) >= p.maxWaiting:
		return ErrTooMany
	}
	return nil
}

// start starts the call, whose request is encoded.
func (c *ClientCall) start() error {
	p := c.pool
	if c.spent {
		c.clearMeta()
		c.http.OutputHeaders().Clear()
	}
	c.spent, c.left, c.err, c.conn = true, false, nil, nil
	if err := c.startTimer(); err != nil {
		return c.unstarted(err)
	}
	c.state = inQueue
	p.waiting.append(&c.Exchange)
	c.starting = true
	p.schedule()
	c.starting = false
	return c.err
}

func (c *ClientCall) startTimer() error {
	p := c.pool
	if p.timeout <= 0 {
		return nil
	}
	if c.timerBase != p.base {
		c.timer.Free() // one of another base
		if err := c.timer.AssignTimer(p.base, onCallTimer); err != nil {
			return err
		}
		c.timer.Data, c.timerBase = c, p.base
	}
	return c.timer.AddTimeout(p.timeout)
}

func onCallTimer(ev *event.Event, _ event.What) {
	c := ev.Data.(*ClientCall)
	c.abandon(StatusTimeout, timeoutError{})
}

// sendBy sends the call by a connection that is idle, through the hooks if it has not been
// there.
func (c *ClientCall) sendBy(pc *poolConn) {
	c.carrier, c.conn = pc, &pc.ClientConn.Conn
	if c.state == ready {
		c.send()
		return
	}
	c.state = departing
	_ = c.pass(&c.pool.hooks[OutputHook], c.http.Output()) // the callback is told, or Start returns it
}

// pausedByHook implements side. The connection may carry another call meanwhile.
func (c *ClientCall) pausedByHook() {
	if c.state == departing {
		c.leaveConn()
		c.pool.schedule()
	}
}

// leaveConn gives the connection back.
func (c *ClientCall) leaveConn() {
	if pc := c.carrier; pc != nil {
		c.carrier = nil
		c.pool.release(pc)
	}
}

// passedHooks implements side.
func (c *ClientCall) passedHooks(ok bool) error {
	switch {
	case !ok && c.state == departing:
		c.fail(StatusUnstarted, ErrTerminated)
	case !ok:
		c.fail(StatusHookAborted, ErrTerminated)
	case c.state == arriving:
		c.arrived()
	case c.carrier != nil:
		c.state = ready
		c.send()
	default: // it was paused
		c.state = ready
		c.unlink()
		c.pool.waiting.prepend(&c.Exchange)
		c.pool.schedule()
	}
	return nil
}

// send sends the request by the connection that it has.
func (c *ClientCall) send() {
	pc := c.carrier
	c.state = underWay
	err := pc.MakeRequest(c.http, evhttp.MethodPost, c.path)
	if err == nil {
		return
	}
	c.carrier = nil
	if !errors.Is(err, evhttp.ErrDone) {
		c.pool.release(pc)
		c.fail(StatusUnstarted, err)
		return
	}
	c.pool.remove(pc) // its user has freed it
	if len(c.pool.conns) == 0 {
		c.fail(StatusUnstarted, ErrNoConnection)
		return
	}
	c.state = ready
	c.unlink()
	c.pool.waiting.prepend(&c.Exchange)
	c.pool.schedule()
}

// sent is called when the request has got to a stage of its sending.
func (c *ClientCall) sent(*evhttp.Request, evhttp.SendStage) { c.left = true }

// failed is called when the request has failed. Only when its connection was freed nothing
// follows.
func (c *ClientCall) failed(_ *evhttp.Request, err error) {
	var e *evhttp.Error
	if c.state == underWay && errors.As(err, &e) && e.Code == evhttp.ReqCancel {
		c.pool.remove(c.carrier)
		c.carrier = nil
		c.fail(StatusCanceled, err)
	}
}

// answered is called when the answer has come, or none will.
func (c *ClientCall) answered(r *evhttp.Request) {
	if c.state != underWay {
		return
	}
	p := c.pool
	c.leaveConn()
	if err := r.Err(); err != nil {
		c.fail(statusOf(err, c.left), err)
	} else {
		c.state = arriving
		_ = c.pass(&p.hooks[InputHook], r.Input()) // the callback is told
	}
	p.schedule()
}

// arrived is called when the answer has passed the hooks. C does not look at the code.
func (c *ClientCall) arrived() {
	r := c.http
	if r.ResponseCode()/100 != 2 {
		c.fail(StatusBadPayload, ErrAnswer)
		return
	}
	err := error(nil)
	if c.raw {
		err = c.answer.AddBuffer(r.Input())
	} else {
		c.reply.Reset()
		err = c.reply.Unmarshal(r.Input())
	}
	if err != nil {
		c.fail(StatusBadPayload, err)
		return
	}
	c.finish(nil)
}

// Cancel gives the call up, if it is under way: the callback is called with StatusCanceled
// before Cancel returns. If the request was sent, its connection is closed, and made again
// when it is needed.
func (c *ClientCall) Cancel() { c.giveUp(ErrCanceled) }

// giveUp implements side.
func (c *ClientCall) giveUp(cause error) {
	if c.state == notStarted {
		return
	}
	status := StatusCanceled
	if errors.Is(cause, context.DeadlineExceeded) {
		status = StatusTimeout
	}
	c.abandon(status, cause)
}

// abandon ends the call, wherever it is.
func (c *ClientCall) abandon(status Status, cause error) {
	p := c.pool
	if c.state == underWay {
		c.state = arriving // so that nothing is made of how the request ends
		c.http.Cancel()
	}
	c.leaveConn()
	c.fail(status, cause)
	if !p.freed {
		p.schedule()
	}
}

// fail ends the call with an error.
func (c *ClientCall) fail(status Status, cause error) {
	e := &Error{Name: c.name, Status: status, Err: cause}
	if c.left { // otherwise the code is that of the call before
		e.Code = c.http.ResponseCode()
	}
	c.finish(e)
}

// finish ends the call, and tells.
func (c *ClientCall) finish(err error) {
	c.leaveConn()
	c.state, c.err = notStarted, err
	c.end()
	if c.timerBase != nil {
		_ = c.timer.Del() // fails only when the base was freed
	}
	if c.forget != nil {
		c.forget()
		c.forget = nil
	}
	if c.done != nil && !c.starting {
		c.done(c)
	}
}
