package simulation_test

import (
	"errors"
	"time"

	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpQueue is what is known of the requests of a client's connection.
type httpQueue struct {
	open  int  // requests that are not over
	begun int  // all that were
	most  int  // that may be open, or 0
	vague bool // another protocol may have taken a request away
	idles int  // calls of SetIdleTimeout
}

// queue returns what is known of the requests of a connection.
func (c *httpClient) queue(conn *evhttp.ClientConn) *httpQueue {
	q := c.queues[conn]
	if q == nil {
		q = &httpQueue{most: c.most}
		c.queues[conn] = q
	}
	return q
}

// entered notes that a request was given to its connection, or was refused, which must be so
// exactly when there are as many as there may be.
func (a *httpAsk) entered(err error) {
	m, q := a.c.model, a.c.queue(a.conn)
	full, refused := q.most > 0 && q.open >= q.most, errors.Is(err, evhttp.ErrQueueFull)
	switch {
	case q.vague:
	case refused && !full:
		a.t.errorf("there is no place for it among %d of %d", q.open, q.most)
	case err == nil && full && !m.harsh && !m.restarted: // otherwise all that wait may be failing
		a.t.errorf("there is a place for it among %d of %d", q.open, q.most)
	}
	if err == nil {
		q.vague = q.vague || a.t.style == answerSwitch
		q.open++
		q.begun++
		a.queued = true
	}
}

// left notes that a request is not on its connection any more.
func (a *httpAsk) left() {
	if a.queued {
		a.queued = false
		a.c.queue(a.conn).open--
	}
}

// setQueue changes how many requests a connection may have.
func (c *httpClient) setQueue(conn *evhttp.ClientConn) error {
	q := c.queue(conn)
	c.model.full = true
	q.most = c.model.rand.IntN(6)
	return conn.SetMaxQueue(q.most)
}

// setIdle changes how long a connection is kept, whether it has requests, which that does not
// concern, or has none, and so must have ended then.
func (c *httpClient) setIdle(conn *evhttp.ClientConn) error {
	m, q := c.model, c.queue(conn)
	d := 1 + m.upTo(5*time.Second)
	if m.chance(0.5) {
		d = 1 + m.upTo(50*time.Millisecond)
	}
	q.idles++
	if q.open == 0 && !q.vague && conn.Bufferevent() != nil {
		begun, idles := q.begun, q.idles
		httpAfter(c.base, d+time.Second, func() {
			if q.begun == begun && q.idles == idles && !c.dead[conn] && conn.Bufferevent() != nil {
				m.w.Failf("a connection without requests is still there %v after its time of %v", time.Second, d)
			}
		})
	}
	return conn.SetIdleTimeout(d)
}
