package simulation_test

import (
	"encoding/binary"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// maxPipelined is how many requests of a connection the server lets wait.
const maxPipelined = 128

// A dnsConn is a TCP connection of a client.
type dnsConn struct {
	client    *dnsClient
	bev       *bufferevent.Bufferevent
	queries   map[uint16]*dnsQuery
	plan      int // queries that are still to be sent
	lastSent  time.Time
	lastGot   time.Time
	gap       time.Duration // for how long nothing has arrived, at most
	connected bool
	finished  bool // it has closed its side
	spoiled   bool // it has sent what is no query
	done      bool
	slow      bool      // queries and answers may take any time
	narrow    bool      // they are also sent a few bytes at a time
	owed      int       // answers that must still come
	room      time.Time // when there were fewer of them again than the server lets wait
	goodbye   dnsGoodbye
}

// dnsGoodbye is what a client does when it has its answers.
type dnsGoodbye int

const (
	goodbyeClose   dnsGoodbye = iota
	goodbyeEarly              // it closes while it waits for answers
	goodbyeEOF                // it ends its side at once, and waits for the end
	goodbyeIdle               // it waits for the end
	goodbyeZero               // it sends a message of no bytes
	goodbyeGarbage            // it sends a message that is too short
	goodbyes
)

func (c *dnsClient) connect() {
	s := c.server
	r := s.world.Rand()
	bev, err := bufferevent.NewSocket(c.host.Base(), -1, bufferevent.CloseOnFree)
	if err != nil {
		c.errorf("connection: %v", err)
		return
	}
	conn := &dnsConn{client: c, bev: bev, queries: make(map[uint16]*dnsQuery), plan: 1 + r.IntN(6), narrow: s.narrow}
	if r.IntN(30) == 0 && !conn.narrow {
		conn.plan = 200
	}
	conn.goodbye = dnsGoodbye(r.IntN(int(goodbyes)))
	bev.SetCallbacks(conn.onData, nil, conn.onEvent)
	_ = bev.Enable(event.Read)
	if err := bev.Connect(s.addr()); err != nil {
		s.world.Note("connect: %v", err)
		bev.Free()
		return
	}
	c.conns = append(c.conns, conn)
	s.conns++
	s.noteConns()
}

func (d *dnsConn) onEvent(_ *bufferevent.Bufferevent, what bufferevent.Events) {
	s := d.client.server
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		d.connected = true
		d.lastSent, d.lastGot = s.world.Now(), s.world.Now()
		d.sendSome()
	case bufferevent.InputEnded:
		d.ended()
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		s.world.Note("%s: connection: %v %v", d.client.host.Name(), what, d.bev.Err())
		f := s.world.Faults()
		if d.connected && f.Reset == 0 && !d.mayBeClosed() && d.client.server.calm {
			d.client.errorf("a connection has failed: %v", d.bev.Err())
		}
		d.close()
	}
}

// sendSome sends the next queries.
func (d *dnsConn) sendSome() {
	if d.done {
		return
	}
	c := d.client
	r := c.server.world.Rand()
	for n := 1 + r.IntN(d.plan); n > 0; n-- {
		d.plan--
		q := c.drawQuery(true)
		q.sent, q.conn = c.server.world.Now(), d
		d.queries[q.msg.Id] = q
		if q.due() {
			d.owed++
		}
		d.write(q.wire)
	}
	d.lastSent = c.server.world.Now()
	if d.plan == 0 {
		d.bye()
		return
	}
	d.after(time.Duration(r.Int64N(int64(300*time.Millisecond))), d.sendSome)
}

func (d *dnsConn) write(data []byte) {
	_, _ = d.bev.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...)) // fails if it has ended
}

func (d *dnsConn) after(dur time.Duration, fn func()) {
	var t *event.Event
	t = d.bev.Base().NewTimer(func(*event.Event, event.What) {
		t.Free()
		fn()
	})
	if err := t.AddTimeout(dur); err != nil {
		d.client.errorf("timer: %v", err)
	}
}

// bye does what is done when all queries are sent.
func (d *dnsConn) bye() {
	r := d.client.server.world.Rand()
	switch d.goodbye {
	case goodbyeEarly:
		d.after(time.Duration(r.Int64N(int64(time.Second))), d.close)
	case goodbyeEOF:
		d.finished = true
		_ = d.bev.CloseWrite() // fails if it has ended
	case goodbyeZero:
		d.spoiled = true
		d.write(nil)
	case goodbyeGarbage:
		d.write([]byte{1, 2, 3})
	}
	d.closeIfComplete()
}

func (d *dnsConn) onData(*bufferevent.Bufferevent) {
	d.noteGap()
	in := d.bev.Input()
	for !d.done && in.Len() >= 2 {
		var size [2]byte
		_, _ = in.CopyOut(size[:])
		n := int(binary.BigEndian.Uint16(size[:]))
		if in.Len() < 2+n {
			return
		}
		data := make([]byte, 2+n)
		_, _ = in.Remove(data)
		d.client.received(data[2:], d)
	}
	d.closeIfComplete()
}

// noteGap notes that something arrives, and for how long nothing did.
func (d *dnsConn) noteGap() {
	now := d.client.server.world.Now()
	if !d.lastGot.IsZero() {
		d.gap = max(d.gap, now.Sub(d.lastGot))
	}
	d.lastGot = now
}

func (d *dnsConn) closeIfComplete() {
	if d.goodbye == goodbyeClose && d.complete() {
		d.close()
	}
}

// complete reports whether everything is sent, and all answers have come.
func (d *dnsConn) complete() bool { return d.plan == 0 && d.owed == 0 }

// missing returns a query that has no answer and should have one, or nil.
func (d *dnsConn) missing() *dnsQuery {
	for id := range int(d.client.nextID) + 1 {
		q := d.queries[uint16(id)]
		if q != nil && q.answers == 0 && q.due() {
			return q
		}
	}
	return nil
}

// mayBeClosed reports whether the server has a reason to close the connection before
// everything is answered.
func (d *dnsConn) mayBeClosed() bool {
	s := d.client.server
	return s.closed || s.crowded || d.spoiled || d.client.ending
}

// ended checks that the server has ended the connection for a reason.
func (d *dnsConn) ended() {
	s := d.client.server
	idle := s.world.Now().Sub(d.lastSent)
	missing := d.missing()
	d.slow = d.slow || !s.calm
	d.noteGap()
	quiet := d.gap >= s.leastIdle
	switch {
	case d.mayBeClosed(), s.slow, d.narrow, missing == nil && (d.finished || d.slow || idle >= s.leastIdle):
	case missing == nil:
		d.client.errorf("the server has ended a connection that was idle for %v", idle)
	case d.slow && (quiet || !s.got[missing.order.uid]): // it does not take its answers, or its queries do not arrive
	case s.got[missing.order.uid], idle < s.leastIdle:
		d.client.errorf("the server has ended a connection without an answer to %v, sent at %v", missing.msg.Question, missing.sent.Sub(s.began))
	}
	d.close()
}

func (d *dnsConn) close() {
	if d.done {
		return
	}
	d.done = true
	d.bev.Free()
}
