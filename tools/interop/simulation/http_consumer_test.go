package simulation_test

import (
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpConsumer takes a body as it comes: at once, by and by, or so slowly that the peer
// has to wait. It is part of either side.
type httpConsumer struct {
	t      *httpTransaction
	base   *event.Base
	r      *evhttp.Request
	manner httpManner
	take   func(n int)   // takes so much of the input
	over   func() bool   // nothing is to be taken any more
	pause  time.Duration // between two parts
	part   int           // bytes of each
	held   bool          // a timer goes on
}

// An httpManner is how a consumer takes what comes.
type httpManner int

const (
	takesAll   httpManner = iota
	takesSome             // a part now, and the rest a little later
	takesLater            // everything after a while, and again
	takesParts            // one now and then, slower than it comes
	httpManners
)

// maxUntaken is how much of a body evhttp keeps that is not taken, and maxUnread how much
// of it there is with what the stream has read already.
const (
	maxUntaken = 256 << 10
	maxUnread  = maxUntaken + 128<<10
)

func newHTTPConsumer(t *httpTransaction, base *event.Base, r *evhttp.Request, take func(n int), over func() bool) *httpConsumer {
	m := t.model
	c := &httpConsumer{t: t, base: base, r: r, manner: httpManner(m.rand.IntN(int(httpManners))), take: take, over: over}
	c.pause = m.upTo(httpLeastTimeout / 10)
	c.part = 1 + m.rand.IntN(maxUntaken/2)
	if c.manner == takesLater {
		c.pause = m.upTo(20 * time.Second)
	}
	return c
}

// chunk is the chunk callback while the body is not complete.
func (c *httpConsumer) chunk() {
	c.check()
	m, n := c.t.model, c.r.Input().Len()
	switch c.manner {
	case takesAll:
		c.take(n)
	case takesSome:
		c.take(m.rand.IntN(n + 1))
	}
	c.hold()
}

// hold has the rest wait.
func (c *httpConsumer) hold() {
	if c.r.Input().Len() > 0 && !c.held {
		c.held = true
		httpAfter(c.base, c.pause, c.goOn)
	}
}

// goOn takes what was left, or some of it.
func (c *httpConsumer) goOn() {
	c.held = false
	if c.over() {
		return
	}
	c.check()
	n := c.r.Input().Len()
	if c.manner == takesParts {
		n = min(n, c.part)
	}
	c.take(n)
	c.hold()
}

// check checks how much memory waits.
func (c *httpConsumer) check() {
	n := c.r.Input().Len()
	if n > maxUntaken {
		c.t.errorf("%d bytes wait to be taken", n)
	}
	if conn := c.r.Conn(); conn != nil && conn.Bufferevent() != nil && n+conn.Bufferevent().Input().Len() > maxUnread {
		c.t.errorf("%d bytes wait to be taken, and %d to be read", n, conn.Bufferevent().Input().Len())
	}
}
