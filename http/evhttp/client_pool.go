package evhttp

import (
	"slices"
)

// A hostRoute is how a host is reached; requests that have the same one share
// connections.
type hostRoute struct {
	secure      bool
	host        string // that is asked for
	port        int
	proxy       string // its URL, or nothing
	proxySecure bool
	proxyHost   string // to connect to in place of the host
	proxyPort   int
	proxyAuth   string
}

// name is what makes a way different from others.
type connKey struct {
	secure bool
	host   string
	port   int
	proxy  string
}

// name returns what the connections of a way are found by. Requests in clear
// for any host share the connections to a proxy.
func (w *hostRoute) name() connKey {
	if w.proxy != "" && !w.secure {
		return connKey{proxy: w.proxy}
	}
	return connKey{w.secure, w.host, w.port, w.proxy}
}

// tunnelled reports whether the way goes through a proxy that does not get to see
// the requests.
func (w *hostRoute) tunnelled() bool { return w.proxy != "" && w.secure }

// pool has the connections of a way, and the requests that wait for one.
type pool struct {
	client  *Client
	name    connKey
	route   hostRoute
	cfg     *ConnConfig // of its connections, once there was one
	conns   map[*ClientConn]struct{}
	idle    []*ClientConn // the one used last at the end
	waiting []*clientExchange
}

// send sends a request on a connection that is idle, or on a new one if there may
// be one, or lets it wait.
func (p *pool) send(x *clientExchange) error {
	if n := len(p.idle); n > 0 {
		conn := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.client.idle--
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
	p.conns[conn] = struct{}{}
	conn.pool = p
	conn.take(x)
	return nil
}

// put is called when a connection has nothing to do.
func (p *pool) put(conn *ClientConn) {
	if x := p.nextWaiting(); x != nil {
		conn.take(x)
		return
	}
	c := p.client
	if conn.state != idle || len(p.idle) >= c.cfg.MaxIdlePerHost {
		conn.Free()
		return
	}
	c.turn++
	conn.idleSince = c.turn
	p.idle = append(p.idle, conn)
	conn.expect(c.cfg.IdleTimeout)
	if c.idle++; c.idle > c.cfg.MaxIdle {
		c.oldestIdle().Free()
	}
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
	if i := slices.Index(p.idle, conn); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		p.client.idle--
	}
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
		delete(p.client.pools, p.name)
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
