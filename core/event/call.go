package event

import (
	"context"
	"sync/atomic"
)

// Call runs fn on the base's loop, as Post does, and waits until fn has returned.
// It may be called from any goroutine. On that of the loop it runs fn at once. Two
// loops whose callbacks Call each other wait for each other; use Post there.
//
// If Call returns nil, fn has run; what fn wrote may be read. With the other errors
// it has not run and never will, except for the last: the cause of ctx, if ctx is
// done before fn begins (once fn has begun, Call waits for it all the same); ErrFreed,
// if the base was freed; ErrLoopEnded, if the loop has ended, by LoopExit, LoopBreak,
// a panic or for want of events, and has not been run again; ErrNotReturned, if fn
// panicked or called runtime.Goexit, which goes its way through the loop as from any
// callback.
//
// Before the loop runs first, Call waits for it. It also waits between calls of Loop
// with LoopOnce or LoopNonblock, each of which may be followed by another.
func (b *Base) Call(ctx context.Context, fn func()) error {
	if b == nil || ctx == nil || fn == nil {
		return misuse("call", ErrNil)
	}
	if ctx.Err() != nil {
		return opError("call", context.Cause(ctx))
	}
	if b.calledByLoop() {
		if !b.usable {
			return opError("call", ErrFreed)
		}
		fn()
		return nil
	}
	c := &call{fn: fn, done: make(chan struct{})}
	err := b.inbox.submit(b, c)
	if err == nil {
		err = c.wait(ctx, &b.inbox)
	}
	if err != nil {
		return opError("call", err)
	}
	return nil
}

// A call is a function that a goroutine waits for. What takes it from
// callWaiting, the loop or its end, decides its result.
type call struct {
	fn    func()
	state atomic.Uint32 // callWaiting or callTaken
	done  chan struct{} // closed when err is known
	err   error
}

const (
	callWaiting = iota // to be run
	callTaken          // by the loop, or by what it failed with
)

func (c *call) take() bool { return c.state.CompareAndSwap(callWaiting, callTaken) }

// run is posted.
func (c *call) run(in *inbox) {
	if !c.take() {
		return
	}
	in.forget(c)
	c.err = ErrNotReturned
	defer close(c.done)
	c.fn()
	c.err = nil
}

// fail ends a call that has not begun.
func (c *call) fail(err error) {
	if c.take() {
		c.err = err
		close(c.done)
	}
}

func (c *call) wait(ctx context.Context, in *inbox) error {
	select { // in any order: what the call has ended with stays so
	case <-c.done:
		return c.err
	case <-ctx.Done():
	}
	c.fail(context.Cause(ctx))
	in.forget(c)
	<-c.done
	return c.err
}

// submit posts a call, unless the loop has ended.
func (in *inbox) submit(b *Base, c *call) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case !in.open:
		return ErrFreed
	case in.ended.Load():
		return ErrLoopEnded
	}
	if in.calls == nil {
		in.calls = make(map[*call]struct{})
	}
	in.calls[c] = struct{}{}
	in.posts = append(in.posts, func() { c.run(in) })
	in.wake(b)
	return nil
}

func (in *inbox) forget(c *call) {
	in.mu.Lock()
	delete(in.calls, c)
	in.mu.Unlock()
}

// beginCalls and endCalls are told of a loop that begins, and of one that ends and is
// not one of single iterations.
func (in *inbox) beginCalls() {
	if in.ended.Load() {
		in.mu.Lock()
		in.ended.Store(false)
		in.mu.Unlock()
	}
}

func (in *inbox) endCalls() {
	in.mu.Lock()
	in.ended.Store(true)
	in.mu.Unlock()
	in.failCalls(ErrLoopEnded)
}

// failCalls ends the calls that have not begun, when no more can be submitted.
func (in *inbox) failCalls(err error) {
	in.mu.Lock()
	calls := in.calls
	in.calls = nil
	in.mu.Unlock()
	for c := range calls { // in any order: a goroutine waits for each
		c.fail(err)
	}
}
