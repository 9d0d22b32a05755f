package bufferevent

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

const (
	// connBuffer is how much a Conn holds for each direction, in bytes, beside
	// what is in the bufferevent.
	connBuffer = 64 << 10
	// connLinger is how long the peer may take nothing of what was written before
	// Close.
	connLinger = 30 * time.Second
	// connLastWords is how long a TCP peer that has reset the connection may send
	// nothing: what it sent before has arrived already, or is about to.
	connLastWords = 2 * time.Second
)

// A Conn is a net.Conn over a bufferevent: for code in other goroutines that
// reads and writes in the ordinary, blocking way. Its methods may be called from
// any goroutine but that of the loop, which would wait for itself.
type Conn struct {
	base          *event.Base
	bev           *Bufferevent // the loop's alone
	local, remote net.Addr
	canCloseWrite bool
	unhook        func() bool // from the freeing of the base

	mu       sync.Mutex
	input    evbuffer.Buffer // read by the loop, and not by Read yet
	output   evbuffer.Buffer // written by Write, and not taken by the loop yet
	paused   bool            // the loop does not read
	posted   bool            // the loop knows that there is output
	closed   bool
	finished bool // CloseWrite was called
	writing  bool // a Write is under way

	read, write side
}

// side is what is separate for the two directions of a Conn.
type side struct {
	err      error         // why there will be nothing more, or nil
	ready    chan struct{} // closed when it is worth to look again; nil if nobody waits
	deadline deadline
}

// NewConn makes a net.Conn over a bufferevent, which belongs to it from now on,
// connected or not yet, or ended already. Call it on the goroutine of the loop.
func NewConn(b *Bufferevent) *Conn {
	c := &Conn{base: b.Base(), bev: b}
	_, c.canCloseWrite = b.transport.(WriteCloser)
	c.noteAddresses()
	b.alwaysDefer() // the callbacks need our lock, and we call b with it held
	b.SetCallbacks(c.onRead, c.onWrite, c.onEvent)
	_ = b.SetWatermark(event.Write, connBuffer/2, 0) // fails only for one that was freed
	boundBelow(b)
	c.onRead(b) // what is there already
	c.noteEnds()
	if c.read.err == nil {
		if err := b.Enable(event.Read); err != nil {
			c.read.err = err
		}
	}
	c.unhook = c.base.AfterFree(c.baseFreed)
	return c
}

// noteEnds notes what was told to others before, and will not be told again.
func (c *Conn) noteEnds() {
	b := c.bev
	b.lock()
	defer b.unlock()
	switch {
	case b.failed:
		c.read.err, c.write.err = b.err, b.err
	case b.sawEOF:
		c.read.err = io.EOF
	}
	switch {
	case b.closedWrite:
		c.write.err = ErrClosed
	case b.brokenWrite && !b.failed:
		c.write.err = ErrBroken
	}
}

// baseFreed ends the connection when there is no loop any more that could.
func (c *Conn) baseFreed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(&c.read, event.ErrFreed)
	c.fail(&c.write, event.ErrFreed)
	if c.bev != nil {
		c.bev.Free()
		c.bev = nil
	}
	c.output.Free()
}

// boundBelow has everything that b stands on take no more output than it can get
// rid of, so that the rest stays where we see it.
func boundBelow(b *Bufferevent) {
	for below := b.Underlying(); below != nil; below = below.Underlying() {
		if low, high, err := below.Watermark(event.Write); err == nil && high == 0 {
			_ = below.SetWatermark(event.Write, max(low, connBuffer/2), max(low, connBuffer)) // fails only for one that was freed
		}
	}
}

var _ net.Conn = (*Conn)(nil)

func (c *Conn) noteAddresses() { c.local, c.remote = c.bev.NetAddrs() }

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.local
}

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remote
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.opError("read", net.ErrClosed)
		case c.read.deadline.passed():
			return 0, c.opError("read", os.ErrDeadlineExceeded)
		case c.input.Len() > 0 || len(p) == 0:
			n, err := c.input.Remove(p)
			if c.paused && c.input.Len() < connBuffer/2 {
				c.paused = false
				c.base.Post(c.resume)
			}
			return n, err
		case c.read.err == io.EOF:
			return 0, io.EOF
		case c.read.err != nil:
			return 0, c.opError("read", c.read.err)
		}
		c.read.wait(&c.mu)
	}
}

// Write implements net.Conn. It returns when everything is in the buffers, as
// for the kernel's sockets. What several goroutines write at the same time is not
// mixed.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		if err := c.writeError(); err != nil {
			return 0, err
		}
		c.write.wait(&c.mu)
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.write.wake()
	}()
	for n := 0; ; {
		if len(p) == n && n > 0 {
			return n, nil
		}
		if err := c.writeError(); err != nil || len(p) == 0 {
			return n, err
		}
		room := connBuffer - c.output.Len()
		if room <= 0 {
			c.write.wait(&c.mu)
			continue
		}
		part := p[n:]
		part = part[:min(len(part), room)]
		if err := c.output.Add(part); err != nil {
			return n, c.opError("write", err)
		}
		n += len(part)
		if err := c.tellLoop(); err != nil {
			return n, c.opError("write", err)
		}
	}
}

// writeError returns why nothing can be written, or not in time.
func (c *Conn) writeError() error {
	switch {
	case c.closed:
		return c.opError("write", net.ErrClosed)
	case c.write.deadline.passed():
		return c.opError("write", os.ErrDeadlineExceeded)
	case c.write.err != nil:
		return c.opError("write", c.write.err)
	}
	return nil
}

// tellLoop has the loop look at the output.
func (c *Conn) tellLoop() error {
	if c.posted {
		return nil
	}
	if err := c.base.Post(c.pump); err != nil {
		return err
	}
	c.posted = true
	return nil
}

// CloseWrite ends the stream that is written; reading goes on. The error wraps
// errors.ErrUnsupported if the bufferevent cannot do that.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return c.opError("close write", net.ErrClosed)
	case !c.canCloseWrite:
		return c.opError("close write", errors.ErrUnsupported)
	}
	c.finished = true
	c.fail(&c.write, ErrClosed)
	return c.tellLoop()
}

// Close implements net.Conn. What was written is still sent, as long as the peer
// takes some of it every half minute, and then the bufferevent is freed.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.read.wake()
	c.write.wake()
	c.read.deadline.set(&c.mu, time.Time{}, nil)
	c.write.deadline.set(&c.mu, time.Time{}, nil)
	if err := c.base.Post(c.pump); err != nil {
		return c.opError("close", err)
	}
	return nil
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.read, t) }

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.write, t) }

func (c *Conn) setDeadline(s *side, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set deadline", net.ErrClosed)
	}
	s.deadline.set(&c.mu, t, s.wake)
	return nil
}

// wait waits until it is worth to look again. mu is held, but not meanwhile.
func (s *side) wait(mu *sync.Mutex) {
	if s.ready == nil {
		s.ready = make(chan struct{})
	}
	ready := s.ready
	mu.Unlock()
	<-ready
	mu.Lock()
}

// wake lets those who wait look again.
func (s *side) wake() {
	if s.ready != nil {
		close(s.ready)
		s.ready = nil
	}
}

// A deadline is a time that may pass. It is guarded by the Conn's mutex.
type deadline struct {
	at    time.Time // zero for none
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// set changes the time; wake is called with mu held when it has passed.
func (d *deadline) set(mu *sync.Mutex, t time.Time, wake func()) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = time.Time{}
	if t.IsZero() || wake == nil {
		return
	}
	left := time.Until(t)
	d.at = time.Now().Add(left) // by the clock that the timer goes by
	wake()                      // those who wait may have to stop at once
	d.timer = time.AfterFunc(left, func() {
		mu.Lock()
		wake()
		mu.Unlock()
	})
}

// onRead takes what has arrived, on the loop.
func (c *Conn) onRead(b *Bufferevent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.input.AddBuffer(b.Input()) // in memory, at an end that is not frozen
	if c.input.Len() >= connBuffer && !c.paused {
		c.paused = true
		b.Disable(event.Read)
	}
	c.read.wake()
}

// resume reads again, on the loop.
func (c *Conn) resume() {
	c.mu.Lock()
	paused := c.paused || c.closed || c.read.err != nil
	c.mu.Unlock()
	if paused {
		return
	}
	if err := c.bev.Enable(event.Read); err != nil {
		c.mu.Lock()
		c.fail(&c.read, err)
		c.mu.Unlock()
	}
}

// onWrite is called when much of the output has been written.
func (c *Conn) onWrite(*Bufferevent) { c.pump() }

// pump moves output from Write to the bufferevent as long as that has not too
// much, on the loop, and ends things when there is no more.
func (c *Conn) pump() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posted = false
	if c.bev == nil {
		return
	}
	if c.bev.Output().Len() < connBuffer && c.output.Len() > 0 {
		if err := c.bev.WriteBuffer(&c.output); err != nil {
			c.fail(&c.write, err)
		}
		c.write.wake()
	}
	if c.broken() {
		c.output.Free() // nothing takes it any more
	}
	if c.output.Len() > 0 {
		return // onWrite goes on
	}
	if c.finished && !c.closed {
		if err := c.bev.CloseWrite(); err != nil {
			c.fail(&c.write, err)
		}
	}
	if c.closed {
		c.endClose()
	}
}

// endClose gives the bufferevent up, which ends in order.
func (c *Conn) endClose() {
	c.unhook()
	c.stopReading()
	c.bev.FreeWhenWritten(connLinger)
	c.bev = nil
	c.input.Free()
	c.output.Free()
}

// stopReading tells the other half of a pair at the bottom, if there is one, that
// nothing is read any more; the peer of a socket is told by the system.
func (c *Conn) stopReading() {
	bottom := c.bev
	for below := bottom.Underlying(); below != nil; below = bottom.Underlying() {
		bottom = below
	}
	_, _ = bottom.Flush(event.Read, ModeFinished) // fails if there is nobody to tell
}

// broken reports whether writing has failed.
func (c *Conn) broken() bool { return c.write.err != nil && c.write.err != ErrClosed }

// fail notes why a direction has ended. A reason takes the place of one that only
// says that there was one.
func (c *Conn) fail(s *side, err error) {
	if s.err == nil || s.err == ErrClosed || errors.Is(s.err, ErrBroken) {
		s.err = err
	}
	s.wake()
}

// onEvent is called when something else has happened.
func (c *Conn) onEvent(b *Bufferevent, what Events) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := b.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	switch outcome := what.Outcome(); {
	case outcome == NothingEnded:
		return
	case outcome == ConnectionMade:
		c.noteAddresses()
		return
	case outcome == InputEnded:
		c.fail(&c.read, io.EOF)
	case outcome == TimedOut && what&EventReading != 0:
		if c.broken() {
			err = c.write.err
		}
		c.fail(&c.read, err)
	case outcome == OutputFailed && failedHere(err):
		// The peer does not know, and goes on waiting for what is lost, as would
		// whoever reads its answer: Write may have returned long ago.
		c.fail(&c.write, err)
		c.fail(&c.read, err)
	case outcome == OutputFailed, outcome == TimedOut:
		c.fail(&c.write, err)
		if _, tcp := c.remote.(*net.TCPAddr); tcp && evutil.IsDisconnect(err) {
			c.awaitLastWords()
		}
	default:
		c.fail(&c.read, err)
		c.fail(&c.write, err)
	}
	if c.closed && c.bev != nil && c.broken() {
		c.endClose()
	}
}

// awaitLastWords lets what has arrived be read, and then ends the reading, with
// what has ended the writing: the system may have told of the reset once only.
func (c *Conn) awaitLastWords() {
	read, write := c.bev.Timeouts()
	if read == 0 || read > connLastWords {
		_ = c.bev.SetTimeouts(connLastWords, write) // fails only for one that was freed
	}
}

// failedHere reports whether a system call has failed for another reason than
// that the peer is gone.
func failedHere(err error) bool {
	_, system := errors.AsType[syscall.Errno](err)
	return system && !evutil.IsDisconnect(err)
}
