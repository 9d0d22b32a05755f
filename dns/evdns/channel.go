package evdns

import (
	"math/rand/v2"
	"time"
)

// A channel is a UDP socket or a stream to a nameserver, with the requests that were
// sent on it, by their ids, which are unique on the channel.
type channel struct {
	server *nameserver
	owner  channelOwner
	stream bool // only the nameserver can send on it

	buckets        []*Request // chains by the low bits of the id; the length is a power of two
	n              int
	unsent         []*Request // to be sent at the end of the iteration, unless dropped by then
	flushScheduled bool

	answers    int           // received
	lastAnswer time.Duration // when the last one was received
}

// A channelOwner is a socket or connection.
type channelOwner interface {
	// flush is called at the end of an iteration in which the requests have
	// changed: it sends them, and sets which events are pending.
	flush()
	// resend sends a request again, or returns false if that takes another channel.
	resend(r *Request) bool
	// onTimeout is called when a request was not answered in time.
	onTimeout(r *Request)
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
	c.scheduleFlush()
	if !r.unsent {
		r.unsent = true
		c.unsent = append(c.unsent, r)
	}
}

// drop takes r off the channel. An answer to it is ignored from then on.
func (c *channel) drop(r *Request) {
	at := &c.buckets[int(r.id)&(len(c.buckets)-1)]
	for *at != r {
		at = &(*at).chain
	}
	*at, r.chain = r.chain, nil
	r.via, r.unsent = nil, false
	c.n--
	if c.n == 0 {
		c.scheduleFlush()
	}
}

// scheduleFlush has flush called at the end of the iteration.
func (c *channel) scheduleFlush() {
	if !c.flushScheduled {
		c.flushScheduled = true
		b := c.server.base
		b.schedule.add(c)
		b.scheduleFlush()
	}
}

// takeUnsent returns the requests to be sent.
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

// sent removes the first n requests from unsent.
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

// freeID returns a random id that no request on c has. At most half of the ids are in
// use, so two draws suffice on average.
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

// requests returns the requests on the channel, in the order of their deadlines.
func (c *channel) requests() []*Request {
	return c.server.base.requests.on(c, c.n)
}
