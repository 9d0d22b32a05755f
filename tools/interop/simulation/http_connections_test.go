package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// watch changes the connections of a client now and then, in ways that no request minds, and
// sees that they are not more than there may be.
func (c *httpClient) watch(conn evhttp.ConnConfig) {
	m := c.model
	if c.ended {
		return
	}
	c.checkIdle()
	if m.chance(0.1) {
		if c.client.CloseIdleConnections(); c.client.IdleConnections() > 0 {
			m.w.Failf("%d connections are kept after all were closed", c.client.IdleConnections())
		}
	}
	if len(c.conns) > 0 && m.chance(0.5) {
		c.change(c.conns[m.rand.IntN(len(c.conns))], conn)
	}
	if m.left > 0 {
		httpAfter(c.base, m.upTo(2*time.Second), func() { c.watch(conn) })
	}
}

// checkIdle checks how many connections are kept.
func (c *httpClient) checkIdle() {
	if idle := c.client.IdleConnections(); c.cfg.MaxIdle > 0 && idle > c.cfg.MaxIdle {
		c.model.w.Failf("%d connections are kept, not %d", idle, c.cfg.MaxIdle)
	}
}

// change changes a setting of a connection.
func (c *httpClient) change(conn *evhttp.ClientConn, cfg evhttp.ConnConfig) {
	m := c.model
	var err error
	switch m.rand.IntN(10) {
	case 0:
		err = errors.Join(conn.SetTimeout(httpForever), conn.SetConnectTimeout(httpForever))
	case 1:
		err = c.setIdle(conn)
	case 2:
		err = conn.SetLocalAddress(netip.Addr{})
	case 3:
		err = conn.SetLocalAddress(c.host.Addr())
	case 4:
		err = errors.Join(conn.SetLocalPort(0), conn.SetFamily(syscall.AF_INET))
	case 5:
		if err := conn.SetFamily(12345); !errors.Is(err, evhttp.ErrInvalid) {
			m.w.Failf("a family that there is not: %v", err)
		}
	case 6:
		err = conn.SetFlags(cfg.Flags | evhttp.ConReadOnWriteError)
	case 7:
		if host, port := conn.Peer(); host != c.server || port != c.port || conn.Base() != c.base {
			m.w.Failf("a connection to %s:%d", host, port)
		}
	case 8:
		err = c.setQueue(conn)
	case 9: // it has its last requests
		err = conn.FreeOnCompletion()
		c.conns = slices.DeleteFunc(c.conns, func(other *evhttp.ClientConn) bool { return other == conn })
		c.last = append(c.last, conn)
	}
	if err != nil {
		m.w.Failf("a setting: %v", err)
	}
}

// closed is the callback that a connection has ended.
func (c *httpClient) closed(conn *evhttp.ClientConn) {
	if c.dead[conn] {
		c.model.w.Failf("the callback for the end of a connection is called after it was freed")
	}
	if conn.Bufferevent() != nil {
		c.model.w.Failf("a connection that has ended has a stream")
	}
}

// errHTTPPanic is what callbacks panic with.
var errHTTPPanic = errors.New("as it was drawn")

// panicked is told of panics.
func (c *httpClient) panicked(r *evhttp.Request, value any) {
	if value != errHTTPPanic { // none of ours
		panic(value)
	}
	if r == nil {
		c.model.w.Failf("a panic without a request")
	}
}

// panicIf panics if this is the callback that is to.
func (a *httpAsk) panicIf(callback int) {
	if a.cancel == cancelByPanic && a.t.id%3 == callback {
		panic(errHTTPPanic)
	}
}

// watch sets what tells that the connection of a request has ended, now and then, and checks
// that the request's context ends with it.
func (s *httpServer) watch(t *httpTransaction, r *evhttp.Request) {
	conn := r.Conn()
	if s.conns == nil {
		s.conns, s.counts = make(map[*evhttp.Conn]bool), make(map[*evhttp.Conn]int)
	}
	if s.counts[conn]++; s.most > 0 && s.counts[conn] > s.most {
		t.errorf("it is request %d of its connection", s.counts[conn])
	}
	if _, watched := s.conns[conn]; !watched && s.model.chance(0.1) {
		s.conns[conn] = false
		conn.SetCloseCallback(func(c *evhttp.Conn) {
			if s.conns[c] || s.ended {
				s.model.w.Failf("the callback for the end of a connection is called twice, or after it was freed")
			}
			s.conns[c] = true
		})
	}
	if t.style != answerSwitch && s.model.chance(0.2) { // after Hijack a context does not end
		ctx := r.Context()
		s.contexts = append(s.contexts, ctx)
		if err := ctx.Err(); err != nil && !s.model.harsh && !s.gone(conn) {
			s.model.w.Failf("the context of a request has ended before: %v", err)
		}
	}
}

// gone reports whether the other side of a connection may have ended its stream.
func (s *httpServer) gone(conn *evhttp.Conn) bool {
	b := conn.Bufferevent()
	return b == nil || b.Enabled()&event.Read == 0 || b.ReadErr() != nil
}

// checkContexts checks that the contexts of all requests have ended.
func (s *httpServer) checkContexts() {
	for _, ctx := range s.contexts {
		if ctx.Err() == nil || context.Cause(ctx) == nil {
			s.model.w.Failf("the context of a request has not ended: %v", fmt.Sprint(context.Cause(ctx)))
		}
	}
}
