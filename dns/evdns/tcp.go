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

// A connection is a stream to a nameserver: a TCP connection, or what its DialFunc
// makes. Queries are pipelined, and answers come in any order (RFC 7766). A connection
// without requests is closed after Config.TCPIdleTimeout.
type connection struct {
	channel
	bev       *bufferevent.Bufferevent
	used      time.Duration // when it last had requests
	connected bool
	paused    bool // does not read, so that the loop can end
	closed    bool
}

// A burst is how many queries a nameserver answers on a connection before it
// closes it. That is found out by losing some, and forgotten after a while.
type queryLimit struct {
	n     int // or 0 if none was observed
	until time.Duration
}

// lengthLen is the length of the prefix of each message, which is its length (RFC 1035,
// section 4.2.2).
const lengthLen = 2

// connection returns the connection to the nameserver, or a new one if there is none
// or it takes no more queries.
func (s *nameserver) connection() (*connection, error) {
	c := s.conn
	if c != nil && c.paused && s.base.now()-c.used > s.base.config.TCPIdleTimeout {
		c.close() // its idle timeout did not run while it was paused
		c = nil
	}
	if c != nil && c.n < maxPerChannel && !s.reachedLimit(c) {
		return c, nil
	}
	next, err := s.connect()
	if err != nil {
		return nil, err
	}
	if c != nil {
		s.full = append(s.full, c)
		c.scheduleFlush()
	}
	s.conn = next
	return next, nil
}

// reachedLimit reports whether c has had as many queries as the nameserver is known to
// answer on a connection.
func (s *nameserver) reachedLimit(c *connection) bool {
	return s.queryLimit.n > 0 && c.answers+c.n >= s.queryLimit.n && s.base.now() < s.queryLimit.until
}

// connect makes a connection. Its callbacks are called without the lock of the
// bufferevent, so that they can take that of the resolver, which comes first in the
// order of locks.
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
	_ = c.bev.SetTimeouts(b.config.TCPIdleTimeout, b.config.Timeout) // fails only if it was freed
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

// resend implements channelOwner: a stream loses nothing, so there is nothing to send.
func (c *connection) resend(*Request) bool { return !c.closed }

// onTimeout implements channelOwner. If nothing at all was received since r was sent,
// the connection is taken for broken.
func (c *connection) onTimeout(r *Request) {
	if c.closed || c.lastAnswer > r.sentAt {
		return
	}
	c.drop(r)
	c.lost(errIdle)
}

// flush implements channelOwner.
func (c *connection) flush() {
	if c.closed {
		return
	}
	if err := c.writeQueries(); err != nil {
		if cause := c.bev.Err(); cause != nil { // which the loop has not reported yet
			c.fail(cause)
		} else {
			c.lost(err)
		}
	}
	if c.closed {
		return
	}
	if c.n > 0 {
		c.used = c.server.base.now()
	} else if c.server.conn != c { // it was in server.full
		c.close()
		return
	}
	c.pause(c.n == 0 && !c.server.base.keepalive.runnable())
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

// writeQueries writes the queries in unsent.
func (c *connection) writeQueries() error {
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

// onReadable handles the messages that have arrived completely.
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
			_ = bev.SetWatermark(event.Read, need, 0) // fails only if it was freed
			return
		}
		c.receive(msg, false)
		if c.n == 0 && b.now()-c.used > b.config.TCPIdleTimeout {
			c.closeIdle() // it receives messages, but none that were asked for
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
	msg = c.server.base.buffers.message(n)
	if err := in.Drain(lengthLen); err != nil {
		return nil, 0, err
	}
	if _, err := in.Remove(msg); err != nil {
		return nil, 0, err
	}
	return msg, 0, nil
}

// onEvent handles the establishment and the end of the connection, and its timeouts.
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
		c.onIdle(what)
	default:
		c.fail(bev.Err())
	}
}

// onIdle handles a timeout of the connection. The requests on it have deadlines of their
// own.
func (c *connection) onIdle(what bufferevent.Events) {
	switch {
	case c.n == 0:
		c.closeIdle()
	case what&bufferevent.EventReading == 0: // of writing
		c.server.noteTimeout(errIdle.Error())
		c.lost(errIdle)
	default:
		if err := c.bev.Enable(event.Read); err != nil {
			c.lost(err)
		}
	}
}

// fail handles an error that has ended the connection. If it was never established, and
// the error is not one that another attempt may not have, the error is permanent.
func (c *connection) fail(err error) {
	switch {
	case c.n == 0:
		c.closeIdle()
		return
	case err == nil:
		err = io.ErrUnexpectedEOF
	case !c.connected && !isResourceError(err) && !isAny(err, io.EOF, io.ErrUnexpectedEOF, errReset, os.ErrDeadlineExceeded):
		err = permanentError{err}
	}
	c.lost(err)
}

// lost closes the connection, because of err, and retries its requests. If there was no
// answer at all, the failure counts against the nameserver.
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
		unsent := r.unsent
		c.drop(r)
		if unsent && !r.probe {
			r.retractAttempt()
		} else {
			c.refund(r)
		}
	}
	c.close()
	if len(requests) > 0 && c.answers == 0 && err != errIdle { // which has counted already
		s.noteError(err)
	}
	for _, r := range requests {
		if r.state == stateInflight && r.via == nil { // it was not sent again with another
			if r.server == s { // it was sent
				r.noteSendError(err)
			}
			b.retry(r, err.Error())
		}
	}
}

// refund refunds the attempt of a request that was lost with the connection, once, if
// the connection had answers before: some nameservers close one after a number of
// answers, which is noted.
func (c *connection) refund(r *Request) {
	if c.answers == 0 || r.probe {
		return
	}
	if r.sentAt < c.lastAnswer { // so it was not closed for being idle
		c.server.queryLimit = queryLimit{c.answers, c.server.base.now() + queryLimitTTL}
	}
	if r.caseCheck == caseVerifying {
		return // fallBackToUDP refunds it
	}
	if h := r.addHistory(); !h.refunded {
		h.refunded = true
		r.refundAttempt()
	}
}

// close closes the connection, which must not have requests any more: in order, unless
// queries are still to be written (RFC 7858, section 3.4).
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
