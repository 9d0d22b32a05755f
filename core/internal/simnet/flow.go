package simnet

import (
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A flow is one direction of a connection.
type flow struct {
	from, to *stream
	link     *link

	queued  chunks    // the sender's buffer
	flight  int       // bytes that are on their way
	arrived chunks    // the receiver's buffer
	last    int64     // when the last of what is on its way arrives
	lost    []segment // the first of which is to be sent again before the others arrive
	tries   int       // how often that was done

	direct bool // into the receiver's buffer, and counted there: between Unix sockets
	ending finState
	room   int  // of the sender's buffer
	window int  // of the receiver's
	full   bool // the sender has seen that it is not writable, and is told when it is
}

// finState says how far the end of a stream has come.
type finState int

const (
	finNone    finState = iota
	finQueued           // behind what is queued
	finSent             // on its way
	finArrived          // behind what has arrived
)

// A segment is what travels in one piece.
type segment struct {
	data chunks
	fin  bool
	rst  bool
}

// What Linux has: a buffer is writable when a third of it is free, and that of a Unix
// socket when three quarters are; a lost segment is
// sent again after 200 ms, and after twice as long each time; and a connection whose
// peer is silent that long has timed out. The last is much shorter here, as what is
// learned from a longer wait is the same.
const (
	retransmit  = 200 * time.Millisecond
	mostTries   = 9 // 102 seconds
	bufferSize  = 128 << 10
	segmentSize = 64 << 10
)

// used is how much of the sender's room is taken.
func (f *flow) used() int {
	if f.direct {
		return f.queued.len + f.flight + f.arrived.len
	}
	return f.queued.len + f.flight
}

// writable reports whether it is worth writing.
func (f *flow) writable() bool {
	if f.direct {
		return f.used()*4 <= f.room
	}
	return f.room-f.used() >= f.used()/2 && f.used() < f.room
}

// push takes as much of p as there is room for, and sends what the window allows.
func (f *flow) push(p []byte) int {
	n := min(len(p), f.room-f.used())
	if n < len(p) {
		f.full = true
	}
	if n <= 0 {
		return 0
	}
	f.queued.add(p[:n])
	f.transmit()
	return n
}

// transmit sends what is queued, as far as the receiver has room for it, and then
// the end, if that is due.
func (f *flow) transmit() {
	n := f.from.network
	for f.queued.len > 0 {
		size := min(f.queued.len, segmentSize)
		if !f.direct {
			size = min(size, f.window-f.arrived.len-f.flight)
		}
		if size <= 0 {
			return
		}
		if size > 1 && n.chance(n.faults.Split) {
			size = 1 + n.rand.IntN(size-1)
		}
		f.flight += size
		f.send(segment{data: f.queued.take(size)})
	}
	if f.ending == finQueued {
		f.ending = finSent
		f.send(segment{fin: true})
	}
}

// send puts a segment on its way.
func (f *flow) send(s segment) {
	n := f.from.network
	if f.link == nil {
		f.arrive(s)
		return
	}
	if !s.rst && n.chance(n.faults.Reset) {
		n.fault(f.from.host, "connection reset")
		s = segment{rst: true}
		n.after(0, func() { f.from.drop(sysio.ErrReset) })
	}
	at := n.arrival(f.link, s.data.len)
	if n.chance(n.faults.Delay) {
		n.fault(f.from.host, "segment lost once")
		at += int64(retransmit)
	}
	f.last = max(f.last, at)
	f.travel(s, f.last)
}

func (f *flow) travel(s segment, at int64) {
	n := f.from.network
	t := newTimer(func() { f.land(s) })
	n.plan(&t, at)
}

// land lets a segment arrive if the way is open and nothing that was sent before it is
// lost.
func (f *flow) land(s segment) {
	passes := f.link.passes()
	switch {
	case s.rst && passes:
		f.lost = nil
		f.arrive(s)
	case s.rst || !passes && f.from.state == streamEnded:
		// is not sent again, or the sender is gone
	case len(f.lost) > 0:
		f.lost = append(f.lost, s)
	case passes:
		f.arrive(s)
	default:
		f.lost = append(f.lost, s)
		f.tries = 0
		f.sendAgain()
	}
}

// sendAgain has what is lost arrive after a while, and what has come meanwhile behind it.
func (f *flow) sendAgain() {
	n := f.from.network
	t := newTimer(f.landAgain)
	n.plan(&t, n.now()+int64(retransmit)<<f.tries)
	f.tries++
}

func (f *flow) landAgain() {
	switch {
	case len(f.lost) == 0:
	case f.from.state == streamEnded:
		f.lost = nil // the sender is gone
	case f.link.passes():
		lost := f.lost
		f.lost = nil
		for _, s := range lost {
			f.arrive(s)
		}
	case f.tries > mostTries:
		f.from.drop(sysio.ErrTimedOut)
	default:
		f.sendAgain()
	}
}

// arrive hands a segment to the receiver.
func (f *flow) arrive(s segment) {
	to := f.to
	f.flight -= s.data.len
	to.heard = f.from.network.now()
	switch {
	case s.rst:
		to.gotReset()
		return
	case to.state == streamEnded:
		if f.from.state != streamEnded { // it knows nothing of it: a reset was lost, or the host was stopped
			to.out.send(segment{rst: true})
		}
		return
	case to.closed && s.data.len > 0:
		to.reset()
		return
	case s.fin:
		f.ending = finArrived
		to.file.changed(poller.Read | poller.Closed)
		to.settle()
		return
	}
	if to.closed {
		return
	}
	f.arrived.append(&s.data)
	to.file.changed(poller.Read)
	f.acknowledge()
}

// acknowledge tells the sender that there is room again. A Unix socket tells of each
// byte that leaves it writable.
func (f *flow) acknowledge() {
	if (f.full || f.direct) && f.writable() {
		f.full = false
		f.from.file.changed(poller.Write)
	}
	f.from.settle()
}

// pull takes up to most bytes out of the receiver's buffer.
func (f *flow) pull(most int) []byte {
	p := f.arrived.first(most)
	if f.direct {
		f.acknowledge()
	} else {
		f.transmit()
	}
	return p
}

// chunks is a queue of bytes.
type chunks struct {
	list [][]byte
	len  int
}

func (c *chunks) add(p []byte) {
	c.list = append(c.list, p)
	c.len += len(p)
}

// append moves what other has to the end.
func (c *chunks) append(other *chunks) {
	c.list = append(c.list, other.list...)
	c.len += other.len
}

// take moves the first n bytes out.
func (c *chunks) take(n int) chunks {
	var out chunks
	for out.len < n {
		p := c.list[0]
		if rest := n - out.len; len(p) > rest {
			c.list[0] = p[rest:]
			p = p[:rest:rest]
		} else {
			c.list = c.list[1:]
		}
		out.add(p)
	}
	c.len -= n
	return out
}

// first moves up to n bytes out, and returns them in one piece.
func (c *chunks) first(n int) []byte {
	out := c.take(min(n, c.len))
	if len(out.list) == 1 {
		return out.list[0]
	}
	p := make([]byte, 0, out.len)
	for _, q := range out.list {
		p = append(p, q...)
	}
	return p
}
