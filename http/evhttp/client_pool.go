package evhttp

import "slices"

// A pool has the connections of a route, and the requests that wait for one.
type pool struct {
	client  *Client
	key     connKey
	turn    uint64
	route   hostRoute
	cfg     *ConnConfig // of its connections, once there was one
	conns   turns[*ClientConn]
	shared  []*ClientConn // that carry requests, and can take another one
	idle    []*ClientConn // that carry none; the one used last at the end
	waiting []*clientExchange
}

// send sends a request on a connection that can take it, or on a new one if there may
// be one, or lets it wait.
func (p *pool) send(x *clientExchange) error {
	if conn := p.ready(); conn != nil {
		p.unlist(conn)
		conn.take(x)
		return nil
	}
	if len(p.conns) >= p.client.cfg.MaxPerHost {
		if p.client.waiting >= p.client.cfg.MaxWaiting {
			return ErrQueueFull
		}
		x.wait(p)
		p.waiting = append(p.waiting, x)
		p.client.waiting++
		return nil
	}
	conn, err := p.client.dial(p)
	if err != nil {
		return err
	}
	p.client.turn++
	p.conns[conn] = p.client.turn
	conn.pool = p
	conn.take(x)
	return nil
}

// ready returns a connection that can take a request, or nil: one that carries some already
// before one that is idle.
func (p *pool) ready() *ClientConn {
	for _, list := range [...][]*ClientConn{p.shared, p.idle} {
		if n := len(list); n > 0 {
			return list[n-1]
		}
	}
	return nil
}

// put is called when a connection can carry more than before, or less: it goes where it
// belongs. One that is not open takes a request that waits, or is given up.
func (p *pool) put(conn *ClientConn) {
	switch {
	case conn.state != open && conn.pending() == 0:
		p.unlist(conn)
		if x := p.nextWaiting(); x != nil {
			conn.take(x)
		} else {
			conn.Free()
		}
	case conn.state != open || !conn.session.room():
		p.unlist(conn)
	case conn.pending() > 0:
		p.share(conn)
	case conn.place != inIdle:
		p.keep(conn)
	}
}

// share lists a connection that carries requests, and can take another one.
func (p *pool) share(conn *ClientConn) {
	if conn.place == inShared {
		return
	}
	p.unlist(conn)
	poolPlaces.step(&conn.place, inShared)
	p.shared = append(p.shared, conn)
}

// keep keeps a connection that carries no request, within the limits.
func (p *pool) keep(conn *ClientConn) {
	c := p.client
	p.unlist(conn)
	if len(p.idle) >= c.cfg.MaxIdlePerHost {
		conn.Free()
		return
	}
	c.turn++
	conn.idleSince = c.turn
	poolPlaces.step(&conn.place, inIdle)
	p.idle = append(p.idle, conn)
	conn.expect(c.cfg.IdleTimeout)
	if c.idle++; c.idle > c.cfg.MaxIdle {
		c.oldestIdle().Free()
	}
}

// unlist takes a connection off the list that it is in.
func (p *pool) unlist(conn *ClientConn) {
	switch conn.place {
	case unlisted:
		return
	case inShared:
		p.shared = without(p.shared, conn)
	case inIdle:
		p.idle = without(p.idle, conn)
		p.client.idle--
	}
	poolPlaces.step(&conn.place, unlisted)
}

// without deletes a connection from a list, near whose end it probably is.
func without(list []*ClientConn, conn *ClientConn) []*ClientConn {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == conn {
			return slices.Delete(list, i, i+1)
		}
	}
	return list
}

// nextWaiting takes the request that has waited longest, or returns nil.
func (p *pool) nextWaiting() *clientExchange {
	if len(p.waiting) == 0 {
		return nil
	}
	x := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	p.client.waiting--
	return x
}

// gone is called when a connection was freed, by the pool or by others.
func (p *pool) gone(conn *ClientConn) {
	delete(p.conns, conn)
	p.unlist(conn)
	if p.client.freed {
		return
	}
	if x := p.nextWaiting(); x != nil {
		if err := p.send(x); err != nil {
			x.finish(&Error{Code: ReqEOF, Err: err})
		}
	}
	p.forget()
}

// forget forgets a pool that has nothing.
func (p *pool) forget() {
	if len(p.conns) == 0 && len(p.waiting) == 0 {
		delete(p.client.pools, p.key)
	}
}

// failRest fails requests whose connections have gone. A callback may cancel those
// after it.
func failRest(rest []*clientExchange, cause error) {
	for _, x := range rest {
		if x.ex != nil {
			x.finish(&Error{Code: ReqEOF, Err: cause})
		}
	}
}

// cancel gives up an exchange that waits.
func (p *pool) cancel(x *clientExchange) {
	if i := slices.Index(p.waiting, x); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.client.waiting--
	}
	x.abandon() // also in failRest, which has emptied the list
}
