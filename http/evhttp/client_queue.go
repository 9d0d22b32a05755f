package evhttp

import "slices"

// take appends a request to the queue.
func (c *ClientConn) take(x *clientExchange) {
	x.enqueue(c)
	c.queue = append(c.queue, x)
	c.next()
}

// pending returns how many requests wait or are under way.
func (c *ClientConn) pending() int {
	if c.session == nil {
		return len(c.queue)
	}
	return len(c.queue) + c.session.count()
}

// next goes on with the requests that wait, as far as the connection can carry them.
func (c *ClientConn) next() {
	for c.state == open && c.session.room() {
		x := c.nextExchange()
		if x == nil {
			break
		}
		c.session.begin(x)
	}
	switch {
	case c.freed:
	case c.state == disconnected && len(c.queue) > 0:
		c.connect()
	case c.pool != nil:
		c.pool.put(c)
	case c.pending() > 0:
	case c.freeWhenDone:
		c.Free()
	case c.state == open && c.cfg.IdleTimeout > 0:
		c.expect(c.cfg.IdleTimeout)
	}
}

// nextExchange takes the request that has waited longest, or returns nil.
func (c *ClientConn) nextExchange() *clientExchange {
	if len(c.queue) > 0 {
		x := c.queue[0]
		c.queue = slices.Delete(c.queue, 0, 1)
		return x
	}
	if c.pool == nil {
		return nil
	}
	x := c.pool.nextWaiting()
	if x != nil {
		x.enqueue(c)
	}
	return x
}

// retry has an exchange sent again, by another stream, before those that wait.
func (c *ClientConn) retry(x *clientExchange) { c.queue = slices.Insert(c.queue, 0, x) }

// cancel gives up an exchange that is not under way.
func (c *ClientConn) cancel(x *clientExchange) {
	i := slices.Index(c.queue, x)
	if i < 0 {
		if c.freed { // in failRest
			x.abandon()
		}
		return
	}
	c.queue = slices.Delete(c.queue, i, i+1)
	c.stopConnecting()
	x.abandon()
	c.next()
}

// over ends a request that is not on the connection any more, and goes on. A pool has
// the connection back before the callback is called, which may want it.
func (c *ClientConn) over(x *clientExchange, cause error) {
	if c.pool != nil {
		c.next()
		c.endRequest(x, cause)
		return
	}
	c.endRequest(x, cause)
	c.next()
}

// endRequest tells how a request has ended.
func (c *ClientConn) endRequest(x *clientExchange, cause error) {
	switch {
	case x.ex == nil: // it was cancelled meanwhile
	case c.freed && c.pool == nil: // or the connection freed
		x.abandon()
	default:
		x.finish(cause)
	}
}

// failAll fails all requests that wait. Those that callbacks make meanwhile are
// not among them.
func (c *ClientConn) failAll(code RequestError, err error) {
	queue := c.queue
	c.queue = nil
	if c.pool != nil {
		c.next() // gives the connection back
	}
	for _, x := range queue {
		c.endRequest(x, &Error{Code: code, Err: err})
	}
	if c.pool == nil {
		c.next()
	}
}

// takeAll returns all exchanges, those first that are under way, and leaves none.
func (c *ClientConn) takeAll() (all []*clientExchange) {
	if c.session != nil {
		all = c.session.stop()
	}
	all = append(all, c.queue...)
	c.queue = nil
	return all
}
