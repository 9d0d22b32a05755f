package evdns

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// A connection is a stream to a nameserver: a TCP connection, or what its
// DialFunc makes. Any number of requests are on their way at a time, and answers
// come in any order (RFC 7766). When there have been none for a while, it is
// closed.
type connection struct {
	channel
	bev       *bufferevent.Bufferevent
	used      time.Duration // when there were requests last
	connected bool
	paused    bool // nothing is read, so that the loop may end
	closed    bool
}

// A burst is how many queries a nameserver answers on a connection before it
// closes it. That is found out by losing some, and forgotten after a while.
type burst struct {
	n     int // or 0: no end is known
	until time.Duration
}

// lengthLen is the length of the length that goes before each message.
const lengthLen = 2

// connection returns a connection to the nameserver, which is made if there is
// none.
func (s *nameserver) connection() (*connection, error) {
	c := s.conn
	if c != nil && c.paused && s.base.now()-c.used > s.base.config.TCPIdleTimeout {
		c.close() // nobody has looked at it for so long
		c = nil
	}
	if c != nil && c.n < maxPerChannel && !s.mayClose(c) {
		return c, nil
	}
	next, err := s.connect()
	if err != nil {
		return nil, err
	}
	if c != nil {
		s.full = append(s.full, c)
		c.settleLater()
	}
	s.conn = next
	return next, nil
}

// mayClose says whether the nameserver is known to close a connection after as
// many queries as c has had.
func (s *nameserver) mayClose(c *connection) bool {
	return s.burst.n > 0 && c.answers+c.n >= s.burst.n && s.base.now() < s.burst.until
}

// connect makes a connection. The callbacks come without a lock of the
// bufferevent's being held, and so may take that of the resolver, which is
// taken first everywhere else.
func (s *nameserver) connect() (*connection, error) {
	b := s.base
	c := &connection{used: b.now()}
	c.server, c.owner, c.stream = s, c, true
	var err error
	if s.dial != nil {
		c.bev, err = s.dial(b.event, s.addr)
		if err == nil && c.bev == nil {
			err = fmt.Errorf("dial: bufferevent: %w", event.ErrNil)
		}
	} else {
		c.bev, err = bufferevent.NewSocket(b.event, -1, b.streamOptions())
	}
	if err != nil {
		return nil, err
	}
	c.bev.SetCallbacks(c.onReadable, nil, c.onEvent)
	_ = c.bev.SetTimeouts(b.config.TCPIdleTimeout, b.config.Timeout) // fails only for one that was freed
	if s.dial == nil {
		err = c.bev.Connect(s.addr)
	}
	if err == nil {
		err = c.bev.Enable(event.Read | event.Write)
	}
	if err != nil {
		c.bev.Free()
		return nil, err
	}
	return c, nil
}

func (b *Base) streamOptions() bufferevent.Options {
	opts := bufferevent.CloseOnFree
	if b.guard.HasLock() {
		opts |= bufferevent.ThreadSafe | bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks
	}
	return opts
}

// resend implements channelOwner: what was sent will arrive, or the connection
// breaks.
func (c *connection) resend(*Request) bool { return !c.closed }

// timedOut implements channelOwner. If nothing at all was heard since r was sent, there
// is something wrong with the connection.
func (c *connection) timedOut(r *Request) {
	if c.closed || c.heardAt > r.sentAt {
		return
	}
	c.drop(r)
	c.lost(errIdle)
}

// settle implements channelOwner.
func (c *connection) settle() {
	if c.closed {
		return
	}
	if err := c.flush(); err != nil {
		if cause := c.bev.Err(); cause != nil { // of which the loop has yet to tell
			c.failed(cause)
		} else {
			c.lost(err)
		}
	}
	if c.closed {
		return
	}
	if c.n > 0 {
		c.used = c.server.base.now()
	} else if c.server.conn != c { // it was full once, and is not needed any more
		c.close()
		return
	}
	c.pause(c.n == 0 && !c.server.base.runnable())
}

// pause stops reading, or resumes it.
func (c *connection) pause(on bool) {
	if on == c.paused {
		return
	}
	c.paused = on
	if on {
		c.bev.Disable(event.Read)
	} else if err := c.bev.Enable(event.Read); err != nil {
		c.lost(err)
	}
}

// flush writes what is to be sent.
func (c *connection) flush() error {
	requests := c.takeUnsent()
	if len(requests) == 0 {
		return nil
	}
	out := c.bev.Output()
	var length [lengthLen]byte
	for _, r := range requests {
		r.setID()
		binary.BigEndian.PutUint16(length[:], uint16(len(r.query)))
		if err := out.Add(length[:]); err != nil {
			return err
		}
		if err := out.Add(r.query); err != nil {
			return err
		}
	}
	c.sent(len(requests))
	return nil
}

// onReadable takes the messages that have arrived as a whole.
func (c *connection) onReadable(bev *bufferevent.Bufferevent) {
	b := c.server.base
	b.lock()
	defer b.unlock()
	for !c.closed {
		msg, need, err := c.next()
		switch {
		case err != nil:
			c.lost(err)
			return
		case msg == nil:
			_ = bev.SetWatermark(event.Read, need, 0) // fails only for one that was freed
			return
		}
		c.receive(msg, false)
		if c.n == 0 && b.now()-c.used > b.config.TCPIdleTimeout {
			c.closeIdle() // whatever it is that comes, nobody has asked for it
		}
	}
}

// closeIdle closes a connection that is not needed.
func (c *connection) closeIdle() {
	if debugging() {
		logDebug("idle connection closed", "addr", c.server.addr)
	}
	c.close()
}

// next returns the next message, or nil and how many bytes it needs in all.
func (c *connection) next() (msg []byte, need int, err error) {
	in := c.bev.Input()
	var length [lengthLen]byte
	if in.Len() < lengthLen {
		return nil, lengthLen, nil
	}
	if _, err := in.CopyOut(length[:]); err != nil {
		return nil, 0, err
	}
	n := int(binary.BigEndian.Uint16(length[:]))
	if n < dnswire.HeaderLen {
		return nil, 0, fmt.Errorf("%d bytes: %w", n, errShort)
	}
	if in.Len() < lengthLen+n {
		return nil, lengthLen + n, nil
	}
	b := c.server.base
	if cap(b.stream) < n {
		b.stream = make([]byte, n)
	}
	msg = b.stream[:n]
	if err := in.Drain(lengthLen); err != nil {
		return nil, 0, err
	}
	if _, err := in.Remove(msg); err != nil {
		return nil, 0, err
	}
	return msg, 0, nil
}

// onEvent is called when the connection is made or broken, or nothing moves.
func (c *connection) onEvent(bev *bufferevent.Bufferevent, what bufferevent.Events) {
	b := c.server.base
	b.lock()
	defer b.unlock()
	if c.closed {
		return
	}
	switch what.Outcome() {
	case bufferevent.NothingEnded:
	case bufferevent.ConnectionMade:
		c.connected = true
	case bufferevent.InputEnded:
		c.lost(io.ErrUnexpectedEOF)
	case bufferevent.TimedOut:
		c.idled(what)
	default:
		c.failed(bev.Err())
	}
}

// idled deals with a connection on which nothing has moved. Each request has a
// time of its own.
func (c *connection) idled(what bufferevent.Events) {
	switch {
	case c.n == 0:
		c.closeIdle()
	case what&bufferevent.EventReading == 0: // nor can anything be written
		c.server.doubted = true
		c.server.strike(errIdle.Error())
		c.lost(errIdle)
	default:
		if err := c.bev.Enable(event.Read); err != nil {
			c.lost(err)
		}
	}
}

// failed deals with a connection that is over. If it was never made, and not
// just cut off, there is no use in trying again.
func (c *connection) failed(err error) {
	switch {
	case c.n == 0:
		c.closeIdle()
		return
	case err == nil:
		err = io.ErrUnexpectedEOF
	case !c.connected && !isShortage(err) && !isAny(err, io.EOF, io.ErrUnexpectedEOF, errReset, os.ErrDeadlineExceeded):
		err = finalError{err}
	}
	c.lost(err)
}

// lost closes the connection, because of err, and sends its requests again. If
// there was no answer at all, that is the nameserver's fault.
func (c *connection) lost(err error) {
	if c.closed {
		return
	}
	s := c.server
	b := s.base
	if debugging() {
		logDebug("lost connection", "addr", s.addr, "error", err)
	}
	requests := c.requests()
	for _, r := range requests {
		c.drop(r)
		c.excuse(r)
	}
	c.close()
	if len(requests) > 0 && c.answers == 0 && err != errIdle { // whose finder has counted
		s.blame(err)
	}
	for _, r := range requests {
		if r.state != stateInflight || r.via != nil {
			continue
		}
		r.notSent(err)
		b.retry(r, err.Error())
	}
}

// excuse has a request that was lost with the connection be sent once more than
// others if the connection was good before: some nameservers close one after the
// first answers. How many there may be is remembered.
func (c *connection) excuse(r *Request) {
	if c.answers == 0 || r.probe {
		return
	}
	if r.sentAt < c.heardAt { // it was closed all the same, and not for idling
		c.server.burst = burst{c.answers, c.server.base.now() + burstMemory}
	}
	if t := r.trouble(); !t.excused {
		t.excused = true
		r.sent--
	}
}

// close closes the connection, in order unless a query would be cut off (RFC 7858
// section 3.4). Its requests are on it no more.
func (c *connection) close() {
	if c.closed {
		return
	}
	c.closed = true
	s := c.server
	if c.bev.Output().Len() > 0 {
		c.bev.Free()
	} else {
		c.bev.FreeWhenWritten(s.base.config.Timeout)
	}
	if s.conn == c {
		s.conn = nil
	}
	for i, other := range s.full {
		if other == c {
			s.full = append(s.full[:i], s.full[i+1:]...)
			break
		}
	}
}
