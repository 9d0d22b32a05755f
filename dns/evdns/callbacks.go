package evdns

import (
	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
)

// An outcome is the result of a request, for its callback.
type outcome struct {
	r       *Request
	answer  Answer
	message *dns.Msg
	err     error
}

// callbacks is the queue of the callbacks that are to be called by the loop.
type callbacks struct {
	queue    []outcome
	deferral event.Deferred
}

func (c *callbacks) init(base *event.Base, run func(*event.Deferred)) {
	c.deferral.Init(base, base.Priorities()/2, run)
}

// push adds a callback.
func (c *callbacks) push(o outcome) {
	c.queue = append(c.queue, o)
	c.deferral.Schedule()
}

func (c *callbacks) len() int { return len(c.queue) }

// take returns an outcome of the queue, in which its place is empty from then on.
func (c *callbacks) take(i int) outcome {
	o := c.queue[i]
	c.queue[i] = outcome{}
	return o
}

// dropFirst removes the first n outcomes.
func (c *callbacks) dropFirst(n int) {
	rest := copy(c.queue, c.queue[n:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
	if rest > 0 {
		c.deferral.Schedule()
	} else if cap(c.queue) > maxIdle {
		c.queue = nil
	}
}

// queueCallback has the callback of r called by the loop.
func (b *Base) queueCallback(r *Request, o outcome) {
	o.r = r
	o.answer.Type = answerType(r.qtype)
	b.order.bySortlist(o.answer.Addrs)
	if o.err != nil {
		o.err = r.describe(o.err)
	}
	b.callbacks.push(o)
}

// runCallbacks calls the callbacks that are in the queue. Those that are added meanwhile
// are called in the next iteration, so that requests that the cache answers cannot
// starve other events.
func (b *Base) runCallbacks(*event.Deferred) {
	b.lock()
	defer b.unlock()
	n := b.callbacks.len()
	i := 0
	defer func() { b.callbacks.dropFirst(i) }() // also if a callback panics
	for ; i < n && !b.event.GotBreak(); i++ {
		o := b.callbacks.take(i)
		b.call(&o)
	}
}

// call calls the callback, without the lock.
func (b *Base) call(o *outcome) {
	r := o.r
	if r == nil {
		return // its callback has panicked
	}
	callback, rare := r.callback, r.rare
	b.unlock()
	defer b.lock()
	if callback == nil {
		rare.message(o.message, o.err)
		return
	}
	callback(o.answer, o.err)
	if name := o.answer.CanonName; r.flags&CNAMECallback != 0 && name != "" {
		callback(Answer{Type: TypeCNAME, Names: []string{name}, CanonName: name, TTL: o.answer.TTL}, nil)
	}
}
