package evrpc

import (
	"context"
	"errors"

	"github.com/go-libevent/libevent/core/evthread"
)

// Invoke makes a call and waits for the reply, which it returns. It may be called from any
// goroutine but that of the loop, which has to run meanwhile. The errors are those of
// [Pool.Invoke]. Reply has to be named, as a type argument.
func Invoke[Reply any, PReply MessageOf[Reply]](ctx context.Context, p *Pool, name string, request Message) (*Reply, error) {
	reply := PReply(new(Reply))
	if err := p.Invoke(ctx, name, request, reply); err != nil {
		return nil, err
	}
	return (*Reply)(reply), nil
}

// Invoke makes a call and waits until reply is filled in. It may be called from any goroutine
// but that of the loop, which has to run meanwhile. Messages are encoded and decoded by the
// goroutine that calls, and belong to it; hooks are called on the loop.
//
// The error is an [*Error]: as that of a call on the loop, with the cause of ctx if that is
// done before there is an answer, or, with StatusUnstarted, those of [event.Base.Call], ErrInvalid, and
// ErrOnLoop. If the loop ends and is not run again, Invoke waits for ctx, or until the pool
// or the base is freed.
func (p *Pool) Invoke(ctx context.Context, name string, request, reply Message) error {
	done := make(chan struct{})
	c, err := p.NewCall(name, request, reply, func(*ClientCall) { close(done) })
	if err != nil {
		return &Error{Name: name, Status: StatusUnstarted, Err: errors.Unwrap(err)}
	}
	c.raw = true
	if err = request.Complete(); err == nil {
		err = request.AppendTo(c.http.Output())
	}
	if err != nil {
		return c.unstarted(err)
	}
	if err := c.startOnLoop(ctx); err != nil {
		return err
	}
	select { // in any order: an answer that comes at the end of ctx may count or not
	case <-done:
	case <-ctx.Done():
		_ = p.base.Post(c.Cancel) // fails if the base was freed, and with that the call has failed
		return &Error{Name: name, Status: statusOfContext(ctx), Err: context.Cause(ctx)}
	}
	if c.err != nil {
		return c.err
	}
	reply.Reset()
	if err := reply.Unmarshal(&c.answer); err != nil {
		return &Error{Name: name, Status: StatusBadPayload, Code: c.http.ResponseCode(), Err: err}
	}
	return nil
}

// startOnLoop has the loop start a call whose request is encoded.
func (c *ClientCall) startOnLoop(ctx context.Context) error {
	caller := evthread.Goroutine()
	started := error(nil)
	err := c.pool.base.Call(ctx, func() {
		if evthread.Goroutine() == caller {
			started = c.unstarted(ErrOnLoop)
			return
		}
		if err := c.mayStart(); err != nil {
			started = c.unstarted(err)
			return
		}
		started = c.start()
	})
	switch {
	case err == nil:
		return started
	case ctx != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return &Error{Name: c.name, Status: statusOfContext(ctx), Err: err}
	}
	return c.unstarted(err)
}

// statusOfContext returns the status of a call whose context is done.
func statusOfContext(ctx context.Context) Status {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return StatusTimeout
	}
	return StatusCanceled
}
