package simulation_test

import (
	"fmt"
	"time"

	"github.com/go-libevent/libevent/dns/evdns"
)

// A flight is what is known of lookups for one question.
type flight struct {
	n      int       // of those under way
	since  time.Time // there were some all the time
	failed time.Time // when one has failed last

	seen   bool            // by a nameserver, since then
	mayAsk int             // how many queries there may be, if nothing goes wrong
	asked  int             // how many there were
	ended  time.Time       // when there were none
	unsure bool            // some of the lookups may not ask, or not any more
	joined map[string]bool // what else the lookups ask for
}

// open and close note that a lookup begins, and that it ends.
func (c *resolverClient) open(l *lookup) {
	c.underWay++
	c.mostUnderWay = max(c.mostUnderWay, c.underWay)
	for _, q := range l.questions() {
		f := c.flights[q]
		if f == nil {
			f = new(flight)
			c.flights[q] = f
		}
		if f.n++; f.n == 1 {
			f.since = c.world.Now()
			f.seen = false
		}
	}
	c.expect(l)
}

func (c *resolverClient) close(l *lookup) {
	c.underWay--
	if c.underWay == 0 {
		c.mostUnderWay = 0
	}
	for _, q := range l.questions() {
		f := c.flights[q]
		if f.n--; f.n == 0 {
			c.notInFlight(f)
		}
		if l.err != nil || l.kind == lookupAddrInfo { // of which one family may have failed
			f.failed = c.world.Now()
			f.seen = false // the others may be sent later
		}
	}
}

// notInFlight notes that no lookup for a question is under way.
func (c *resolverClient) notInFlight(f *flight) {
	f.ended, f.seen, f.joined = c.world.Now(), false, nil
}

// expect notes how often a lookup may ask.
func (c *resolverClient) expect(l *lookup) {
	params := l.params
	params.Timeout = 0
	variant := fmt.Sprint(l.kind == lookupMessage, l.flags&(evdns.UseVC|evdns.IgnoreTC), params)
	for _, q := range l.questions() {
		f := c.flights[q]
		alone := len(l.names) == 1 && l.kind != lookupAddrInfo // it asks at once, and until there is an answer
		if !alone || !f.joined[variant] || c.zones.answered(q, f.since) {
			f.mayAsk++
		}
		if f.joined == nil {
			f.joined = make(map[string]bool)
		}
		f.joined[variant] = f.joined[variant] || alone
		f.unsure = f.unsure && f.n > 1 || l.kind == lookupAddrInfo || len(l.names) > 1
	}
}

// answered reports whether a nameserver has answered a question since a time.
func (z *zones) answered(q question, since time.Time) bool {
	said := z.said[q]
	return len(said) > 0 && !said[len(said)-1].at.Before(since)
}

// seen notes that a nameserver has got a query. It checks that equal questions were sent
// once, and that no more are in flight than may be.
func (c *resolverClient) seen(a asked) {
	q, f := a.question, c.flights[a.question]
	if c.honest {
		c.checks.query(a)
	}
	if c.steady != nil {
		c.steady.seen(a)
	}
	if f == nil || a.tcp {
		return // it is a probe, or was asked before by UDP
	}
	f.asked++
	if c.quiet && f.asked > f.mayAsk {
		c.world.T().Errorf("%v was asked %d times, and %d are enough", q, f.asked, f.mayAsk)
	}
	if f.n > 0 && (f.ended.IsZero() || f.since.Sub(f.ended) > c.transit) {
		f.seen = true
	}
	if !c.slow && c.inFlight() > c.most.MaxInflight {
		c.world.At(time.Millisecond, func() { // when those that have ended have called back
			if n := c.inFlight(); n > c.most.MaxInflight && !c.slow {
				c.world.T().Errorf("%d requests are in flight, and %d may be", n, c.most.MaxInflight)
			}
		})
	}
}

// inFlight returns how many questions wait for an answer of a nameserver that has got
// them, at least.
func (c *resolverClient) inFlight() (n int) {
	for q, f := range c.flights {
		if f.n > 0 && f.seen && !f.unsure && !c.zones.answered(q, f.since) {
			n++
		}
	}
	return n
}

// since returns when the first of the lookups for q that are under way without a gap
// began.
func (c *resolverClient) since(q question, l *lookup) time.Time {
	if f := c.flights[q]; f != nil {
		return f.since
	}
	return l.start
}
