package evdns

import (
	"math/rand/v2"
	"time"
)

// A channel is a way to a nameserver, a UDP socket or a TCP connection, and
// knows the requests that went that way by their ids. They are unique on the
// channel.
type channel struct {
	server *nameserver
	owner  channelOwner
	stream bool // nobody but the nameserver can send on it

	buckets   []*Request // chains by the low bits of the id; the length is a power of two
	n         int
	unsent    []*Request // to be sent at the end of the iteration; some may not want to any more
	unsettled bool

	answers int           // how many have come
	heardAt time.Duration // when the last of them did
}

// A channelOwner is a socket or connection.
type channelOwner interface {
	// settle is called at the end of an iteration in which the requests have
	// changed: it sends, and decides what to wait for.
	settle()
	// resend sends a request that was sent already, or returns false if
	// that has to be another one.
	resend(r *Request) bool
	// timedOut tells that a request was not answered in time.
	timedOut(r *Request)
}

// send has r sent on c, with an id of its own, at the end of the iteration.
func (c *channel) send(r *Request) {
	r.via = c
	r.id = c.freeID(c.server.base.random)
	c.add(r)
	c.sendLater(r)
}

// sendLater has r, which is on c, sent at the end of the iteration.
func (c *channel) sendLater(r *Request) {
	c.settleLater()
	if !r.unsent {
		r.unsent = true
		c.unsent = append(c.unsent, r)
	}
}

// drop forgets r: an answer to it will not be known.
func (c *channel) drop(r *Request) {
	at := &c.buckets[int(r.id)&(len(c.buckets)-1)]
	for *at != r {
		at = &(*at).chain
	}
	*at, r.chain = r.chain, nil
	r.via, r.unsent = nil, false
	c.n--
	if c.n == 0 {
		c.settleLater()
	}
}

// settleLater has settle called at the end of the iteration.
func (c *channel) settleLater() {
	if !c.unsettled {
		c.unsettled = true
		b := c.server.base
		b.unsettled = append(b.unsettled, c)
		b.finishLater()
	}
}

// takeUnsent returns the requests that still want to be sent.
func (c *channel) takeUnsent() []*Request {
	list := c.unsent[:0]
	for _, r := range c.unsent {
		if r.via == c && r.unsent {
			list = append(list, r)
		}
	}
	clear(c.unsent[len(list):])
	c.unsent = list
	return list
}

// sent removes the first n requests from those to be sent.
func (c *channel) sent(n int) {
	for _, r := range c.unsent[:n] {
		r.unsent = false
	}
	rest := copy(c.unsent, c.unsent[n:])
	clear(c.unsent[rest:])
	c.unsent = c.unsent[:rest]
	if rest == 0 && cap(c.unsent) > maxIdle {
		c.unsent = nil
	}
}

// find returns the request with an id, or nil.
func (c *channel) find(id uint16) *Request {
	if c.n == 0 {
		return nil
	}
	r := c.buckets[int(id)&(len(c.buckets)-1)]
	for r != nil && r.id != id {
		r = r.chain
	}
	return r
}

// freeID returns a random id that no request on c has. At most half of them are
// in use.
func (c *channel) freeID(random *rand.ChaCha8) uint16 {
	for {
		if id := uint16(random.Uint64()); c.find(id) == nil {
			return id
		}
	}
}

func (c *channel) add(r *Request) {
	if c.n == len(c.buckets) {
		c.grow()
	}
	at := &c.buckets[int(r.id)&(len(c.buckets)-1)]
	r.chain, *at = *at, r
	c.n++
}

func (c *channel) grow() {
	old := c.buckets
	c.buckets = make([]*Request, max(8, 2*len(old)))
	for _, r := range old {
		for r != nil {
			next := r.chain
			at := &c.buckets[int(r.id)&(len(c.buckets)-1)]
			r.chain, *at = *at, r
			r = next
		}
	}
}

// requests returns those that are on the channel, in the order in which they
// were sent.
func (c *channel) requests() []*Request {
	list := make([]*Request, 0, c.n)
	for r := c.server.base.inflight.First(); r != nil && len(list) < c.n; r = c.server.base.inflight.Next(r) {
		if r.via == c {
			list = append(list, r)
		}
	}
	return list
}
